import { commandLineTools } from './command-line-tools.ts'
import { run } from './command.ts'
import type { RunOptions } from './command.ts'

/** Runs kubectl and helm against one cluster. */
export interface Kubectl {
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>
  helm(args: readonly string[], options?: RunOptions): Promise<string>
  /** Server-side apply of YAML or JSON text; the dev cluster is its field manager. */
  apply(manifest: string): Promise<void>
}

/** kubectl and helm for a kubeconfig; helm's own files stay out of the user's home. */
export async function kubectlFor(kubeconfigPath: string, stateDir: string): Promise<Kubectl> {
  const tools = await commandLineTools()
  const helmFolders = {
    HELM_CACHE_HOME: `${stateDir}/helm/cache`,
    HELM_CONFIG_HOME: `${stateDir}/helm/config`,
    HELM_DATA_HOME: `${stateDir}/helm/data`,
    KUBECONFIG: kubeconfigPath,
  }
  const kubectl: Kubectl['kubectl'] = (args, options) =>
    run(tools.kubectl, [`--kubeconfig=${kubeconfigPath}`, `--cache-dir=${stateDir}/kubectl-cache`, ...args], options)
  return {
    kubectl,
    helm: (args, options) => run(tools.helm, args, { ...options, env: { ...helmFolders, ...options?.env } }),
    async apply(manifest) {
      await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=todochatbot-dev', '-f', '-'], {
        input: manifest,
      })
    },
  }
}
