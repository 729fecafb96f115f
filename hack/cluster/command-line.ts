/** Runs kubectl or helm against the running cluster, in the foreground: `node command-line.ts kubectl get pods`. */
import { spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { commandLineTools } from './command-line-tools.ts'
import { stateFolder } from './folders.ts'

const [program, ...args] = process.argv.slice(2)
if (program !== 'kubectl' && program !== 'helm') {
  console.error('usage: node command-line.ts kubectl|helm [arguments]')
  process.exit(2)
}
const stateDir = stateFolder()
const kubeconfig = process.env['TODOCHATBOT_KUBECONFIG'] ?? join(stateDir, 'admin.kubeconfig')
if (!(await stat(kubeconfig).catch(() => undefined))) {
  console.error(`No cluster: ${kubeconfig} does not exist. Remedy: start one with ./hack/up`)
  process.exit(1)
}
const tools = await commandLineTools()
const child = spawn(tools[program], args, {
  stdio: 'inherit',
  env: {
    ...process.env,
    KUBECONFIG: kubeconfig,
    KUBECACHEDIR: join(stateDir, 'kubectl-cache'),
    HELM_CACHE_HOME: join(stateDir, 'helm/cache'),
    HELM_CONFIG_HOME: join(stateDir, 'helm/config'),
    HELM_DATA_HOME: join(stateDir, 'helm/data'),
  },
})
// The terminal sends Ctrl-C to the child as well; its answer decides.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.once('error', (error) => {
  console.error(`${program} does not start: ${error.message}`)
  process.exitCode = 1
})
child.once('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal])
})
