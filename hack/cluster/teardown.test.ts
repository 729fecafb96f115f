import { expect, test } from 'vitest'
import { chainRemoval, mountsBelow } from './teardown.ts'

test('finds the mounts below a folder, innermost first, and no others', () => {
  const mountinfo = [
    '21 1 254:0 / / rw - ext4 /dev/vda rw',
    '30 21 0:40 / /var/lib/dev/kubelet rw - tmpfs tmpfs rw',
    '31 30 0:41 / /var/lib/dev/kubelet/pods/with\\040space rw - tmpfs tmpfs rw',
    '32 21 0:42 / /var/lib/dev-of-somebody-else rw - tmpfs tmpfs rw',
  ].join('\n')
  expect(mountsBelow(mountinfo, '/var/lib/dev')).toEqual([
    '/var/lib/dev/kubelet/pods/with space',
    '/var/lib/dev/kubelet',
  ])
})

test('removes the chains of Kubernetes with the jumps into them and leaves the rest of a table alone', () => {
  const saved = `*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-ABC - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j DOCKER
-A KUBE-SERVICES -d 10.0.0.1/32 -j KUBE-SVC-ABC
COMMIT
*filter
:INPUT ACCEPT [0:0]
-A INPUT -j ACCEPT
COMMIT
`
  expect(chainRemoval(saved)).toBe(`*nat
-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-F KUBE-SERVICES
-F KUBE-SVC-ABC
-X KUBE-SERVICES
-X KUBE-SVC-ABC
COMMIT
`)
})

test('removes the chains of the NetworkPolicy engine with the jumps into them', () => {
  const saved = `*filter
:FORWARD ACCEPT [0:0]
:DEVPOL - [0:0]
:DEVPOL-D-0123456789abcdef - [0:0]
-A FORWARD -m comment --comment todochatbot-dev -j DEVPOL
-A FORWARD -i todochatbot0 -j ACCEPT
-A DEVPOL -j DEVPOL-D-0123456789abcdef
COMMIT
`
  expect(chainRemoval(saved)).toBe(`*filter
-D FORWARD -m comment --comment todochatbot-dev -j DEVPOL
-F DEVPOL
-F DEVPOL-D-0123456789abcdef
-X DEVPOL
-X DEVPOL-D-0123456789abcdef
COMMIT
`)
})

test('asks for nothing where Kubernetes left nothing', () => {
  expect(chainRemoval('*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n')).toBe('')
})
