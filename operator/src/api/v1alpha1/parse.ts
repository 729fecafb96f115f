import { z } from 'zod'
import type { KubeObject } from './kubernetes.ts'
import { memoByIdentity } from './memo.ts'
import { maxNameLength } from './names.ts'
import { problemsOf } from './problems.ts'
import type { SpecProblem } from './problems.ts'
import { apiVersion, kind, specSchema } from './todochatbot.ts'
import type { TodoChatbot } from './todochatbot.ts'
import type { TodoChatbotStatus } from './schema/status.ts'

const metadataSchema = z.looseObject({
  name: z
    .string()
    .max(maxNameLength, `at most ${String(maxNameLength)} characters`)
    .regex(/^[a-z]([-a-z0-9]*[a-z0-9])?$/, 'must start with a letter and hold lower-case letters, digits and "-" only'),
  namespace: z.string().min(1),
  uid: z.string().min(1),
  generation: z.int(),
})

/** The whole schema is worth some tenths of a millisecond, and every reconcile asks; informers keep a spec that did not change. */
const parseSpecObject = memoByIdentity((spec: object) => specSchema.safeParse(spec))
const parseSpec = (spec: unknown): ReturnType<typeof parseSpecObject> =>
  typeof spec === 'object' && spec !== null ? parseSpecObject(spec) : specSchema.safeParse(spec)

/** What became of an object from the API server. */
export type Parsed =
  { readonly ok: true; readonly bot: TodoChatbot } | { readonly ok: false; readonly problems: readonly SpecProblem[] }

/**
 * Reads a TodoChatbot as the API server returns it. The API server has checked it already; this is the second line, for objects stored
 * under an older schema and for the checks CEL cannot make. `status` is taken as it is: only the operator writes it.
 */
export const parseTodoChatbot = (object: KubeObject): Parsed => {
  const metadata = metadataSchema.safeParse(object.metadata)
  const spec = parseSpec(object['spec'] ?? {})
  if (!metadata.success || !spec.success) {
    return {
      ok: false,
      problems: [
        ...(metadata.error === undefined ? [] : problemsOf(metadata.error, 'metadata')),
        ...(spec.error === undefined ? [] : problemsOf(spec.error, 'spec')),
      ],
    }
  }
  const { name, namespace, uid, generation } = metadata.data
  const status = object['status'] as TodoChatbotStatus | undefined
  return {
    ok: true,
    bot: {
      apiVersion,
      kind,
      metadata: { ...object.metadata, name, namespace, uid, generation },
      spec: spec.data,
      ...(status === undefined ? {} : { status }),
    },
  }
}
