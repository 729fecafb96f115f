import { containerdSocket } from '../../cluster/containerd.ts'
import { run } from '../../cluster/command.ts'
import { stateFolder } from '../../cluster/folders.ts'

const images = (args: readonly string[]): Promise<string> =>
  run('ctr', ['--address', containerdSocket(stateFolder()), '--namespace', 'k8s.io', 'images', ...args])

/** Gives an image of the node another name. */
export async function tagOnNode(image: string, other: string): Promise<void> {
  await images(['tag', '--force', image, other])
}

/** Takes a name from the node, as the kubelet does when its disk is full: what runs goes on, and what starts has to pull it. */
export async function removeFromNode(image: string): Promise<void> {
  await images(['remove', '--sync', image])
}
