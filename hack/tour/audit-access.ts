import { spawn } from 'node:child_process'
import type { Kubectl } from '../cluster/kubectl.ts'
import { commandLineTools } from '../cluster/command-line-tools.ts'
import { freePorts } from '../cluster/free-ports.ts'
import { sample } from '../cluster/operator.ts'
import { waitFor } from '../cluster/waiting.ts'
import { api } from './http.ts'
import type { Api } from './http.ts'
import { request } from 'undici'

/**
 * The audit service as an administrator reaches it: through `kubectl port-forward`, with the machine token of the
 * system's Secret, for as long as `use` runs.
 */
export async function withAudit<T>(
  cluster: Kubectl,
  kubeconfigPath: string,
  use: (audit: Api) => Promise<T>,
): Promise<T> {
  const secret = ['-n', sample.namespace, 'get', 'secret', `${sample.name}-auth`, '-o', 'jsonpath={.data.serviceToken}']
  const token = Buffer.from(await cluster.kubectl(secret), 'base64').toString('utf8')
  const [port = 0] = await freePorts(1)
  const { kubectl } = await commandLineTools()
  const forward = ['port-forward', '-n', sample.namespace, `service/${sample.name}-audit`, `${port}:3003`]
  const child = spawn(kubectl, [`--kubeconfig=${kubeconfigPath}`, ...forward], { stdio: 'ignore' })
  try {
    const url = `http://127.0.0.1:${port}`
    await waitFor('the audit service through kubectl port-forward', () => answers(url), { timeout: 20_000 })
    return await use(api(url, token))
  } finally {
    child.kill()
  }
}

async function answers(url: string): Promise<true | undefined> {
  const response = await request(`${url}/livez`, { headersTimeout: 2_000 })
  await response.body.dump()
  return response.statusCode === 200 ? true : undefined
}
