import type { TodoChatbot } from '../../api/v1alpha1/todochatbot.ts'
import { ownerReferenceOf, type Owner } from '../../apply/ownership.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Informer } from '../../runtime/informer.ts'

/** A one-shot resource of a person belongs to its system like one of the operator's own, and goes with it. */
export async function adopt(
  { client, fieldManager }: { readonly client: KubeClient; readonly fieldManager: string },
  informer: Pick<Informer, 'observe'>,
  { apiVersion, kind, metadata: { name, namespace = '' } }: KubeObject,
  bot: TodoChatbot,
  signal: AbortSignal,
): Promise<void> {
  const ownerReferences = [ownerReferenceOf(bot as unknown as Owner)]
  const body = { apiVersion, kind, metadata: { name, namespace, ownerReferences } }
  informer.observe((await client.apply(body, { fieldManager, signal })).object)
}
