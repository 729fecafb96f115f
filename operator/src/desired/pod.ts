import type { DesireInput } from './types.ts'
import type { Json } from './object.ts'

/** Where workers and dependencies find configuration and secrets; the images document the same paths. */
export const paths = {
  config: '/etc/todochatbot/config',
  secrets: '/etc/todochatbot/secrets',
} as const

/** uid and gid of every image. */
const user = 65532

/** Mode of mounted secrets: readable by the group that fsGroup sets, by nobody else. 0440 */
export const secretMode = 0o440

/** Pod-level half of the Pod Security Standard "restricted". */
export const podSecurity: Json = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  fsGroup: user,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
}

/** Container-level half of the Pod Security Standard "restricted", and a root file system that cannot be written. */
export const containerSecurity: Json = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
}

/** Fields every pod shares: no token (Dapr's injector projects its own), no service links, pull secrets. */
export const podBase = ({ bot }: DesireInput, serviceAccountName: string): Json => ({
  serviceAccountName,
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: podSecurity,
  ...(bot.spec.images.pullSecrets === undefined || bot.spec.images.pullSecrets.length === 0
    ? {}
    : { imagePullSecrets: bot.spec.images.pullSecrets }),
})

/** The variable that tells a program the name of its pod. */
export const podName: Json = {
  name: 'POD_NAME',
  valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } },
}

/** A volume for temporary files: the root file system is read-only. */
export const scratchVolume = (name: string, sizeLimit: string): Json => ({ name, emptyDir: { sizeLimit } })

/** A named container or Service port; server-side apply merges ports by number and protocol, so the protocol is stated. */
export const containerPort = (name: string, port: number): Json => ({ name, containerPort: port, protocol: 'TCP' })

/** How a probe looks. */
export type ProbeAction =
  | { readonly httpGet: { readonly path: string; readonly port: string } }
  | { readonly tcpSocket: { readonly port: string } }
  | { readonly exec: { readonly command: readonly string[] } }

/** A probe with its rhythm in seconds. */
export const probe = (
  action: ProbeAction,
  periodSeconds: number,
  failureThreshold: number,
  timeoutSeconds = 2,
): Json => ({
  ...action,
  periodSeconds,
  failureThreshold,
  timeoutSeconds,
})
