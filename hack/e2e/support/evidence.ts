import type { IncidentStatus } from '../../../operator/src/api/v1alpha1/incident.ts'
import { kinds } from '../../../operator/src/kube/kinds.ts'
import type { KubeObject } from '../../../operator/src/kube/object.ts'
import type { TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'

/** What a pod that mounts the claim finds in an archive. */
export interface ArchiveReport {
  readonly sha256: string
  /** Paths of the files, without the folder that holds them all. */
  readonly files: readonly string[]
  /** Keys of the mounted Secret whose value stands in the archive. */
  readonly leaks: readonly string[]
}

/** Reads the archive as a person would with a helper pod: checksum, names out of the tar headers, and a search for secrets. */
const readArchive = `
const { readFileSync, readdirSync } = require('node:fs')
const packed = readFileSync('/evidence/' + process.argv[1])
const tar = require('node:zlib').gunzipSync(packed)
const text = (from, length) => tar.subarray(from, from + length).toString().replace(/\\0.*$/s, '')
const files = []
for (let at = 0; at < tar.length && tar[at] !== 0; ) {
  files.push([text(at + 345, 155), text(at, 100)].filter((part) => part !== '').join('/').replace(/^[^/]+\\//, ''))
  at += 512 + Math.ceil(parseInt(text(at + 124, 12), 8) / 512) * 512
}
const keys = readdirSync('/secret').filter((key) => !key.startsWith('..'))
const leaks = keys.filter((key) => tar.includes(readFileSync('/secret/' + key)))
const sha256 = require('node:crypto').createHash('sha256').update(packed).digest('hex')
console.log(JSON.stringify({ sha256, files, leaks }))`

/** Mounts claim and Secret in a pod and reports. @param image one with node */
export async function archiveReport(
  cluster: TestCluster,
  incident: KubeObject,
  { image, secret }: { readonly image: string; readonly secret: string },
): Promise<ArchiveReport> {
  const { namespace = '', name } = incident.metadata
  const { archive } = incident['status'] as IncidentStatus
  const pod = { namespace, name: `${name}-reader`.slice(0, 63) }
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: pod,
    spec: {
      restartPolicy: 'Never',
      securityContext: { runAsUser: 65532, runAsNonRoot: true, fsGroup: 65532 },
      containers: [
        {
          name: 'reader',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['node', '-e', readArchive, archive?.path],
          volumeMounts: [
            { name: 'evidence', mountPath: '/evidence', readOnly: true },
            { name: 'secret', mountPath: '/secret', readOnly: true },
          ],
        },
      ],
      volumes: [
        { name: 'evidence', persistentVolumeClaim: { claimName: archive?.claim } },
        { name: 'secret', secret: { secretName: secret } },
      ],
    },
  }
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(manifest) })
  await eventually(
    'the archive is read',
    async () =>
      ((await cluster.get(kinds.Pod, pod))?.['status'] as { phase?: string } | undefined)?.phase === 'Succeeded',
    120_000,
  )
  const report = JSON.parse(await cluster.kubectl(['logs', '-n', namespace, pod.name])) as ArchiveReport
  await cluster.kubectl(['delete', 'pod', pod.name, '-n', namespace, '--wait=false'])
  return report
}
