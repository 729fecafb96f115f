import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Kubectl } from './kubectl.ts'
import { hasNameServer } from './node.ts'
import { settings } from './settings.ts'

/** Applies CoreDNS and waits for it: what starts before it, Dapr above all, crashes and backs off. */
export async function ensureDns(cluster: Kubectl, image: string): Promise<void> {
  const template = await readFile(join(import.meta.dirname, 'manifests/coredns.yaml'), 'utf8')
  // forward refuses to start without a server to forward to.
  const forward = (await hasNameServer()) ? 'forward . /etc/resolv.conf' : ''
  const manifest = template
    .replaceAll('${IMAGE}', image)
    .replaceAll('${ADDRESS}', settings.dnsAddress)
    .replaceAll('${FORWARD}', forward)
  await cluster.apply(manifest)
  await cluster.kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=90s'])
}
