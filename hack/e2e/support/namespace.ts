import { randomBytes } from 'node:crypto'
import type { TestCluster } from './cluster.ts'

/** A namespace of one test file; several runs on one cluster do not meet. */
export interface TestNamespace {
  readonly name: string
  /** Deletes the systems in it and waits for their finalizers, then the namespace, whose pods may still be ending when the next file begins. */
  remove(): Promise<void>
}

/** Creates a namespace such as e2e-edits-3fa2. */
export async function testNamespace(cluster: TestCluster, purpose: string): Promise<TestNamespace> {
  const name = `e2e-${purpose}-${randomBytes(2).toString('hex')}`
  await cluster.kubectl(['create', 'namespace', name])
  // No pod is admitted before the controller manager has made it.
  await cluster.kubectl(['wait', '--for=create', 'serviceaccount/default', '-n', name, '--timeout=60s'])
  return {
    name,
    async remove() {
      // The finalizer of a TodoChatbot needs what is inside the namespace (its Kafka): resources go first.
      await cluster.kubectl(['delete', 'tcb', '--all', '-n', name, '--timeout=120s'], { timeout: 130_000 })
      await cluster.kubectl(['delete', 'namespace', name, '--wait=false'])
    },
  }
}
