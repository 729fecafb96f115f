import { z } from 'zod'
import { openApiSchema } from '../../operator/src/api/v1alpha1/crd.ts'
import type { Definition } from '../../operator/src/api/v1alpha1/crd.ts'
import { definitions } from '../../operator/src/api/v1alpha1/definitions.ts'
import { annotation } from '../../operator/src/api/v1alpha1/labels.ts'
import { workerNames } from '../../operator/src/api/v1alpha1/names.ts'
import { workerFields } from '../../operator/src/api/v1alpha1/schema/services.ts'
import { todoChatbotDefinition } from '../../operator/src/api/v1alpha1/todochatbot-definition.ts'
import { toStructural } from '../../operator/src/api/v1alpha1/structural.ts'
import type { JsonSchema } from '../../operator/src/api/v1alpha1/structural.ts'
import { settingsSchemas } from '../../operator/src/desired/config-problems.ts'
import type { Artefact } from './artefact.ts'

interface Field {
  readonly path: string
  readonly schema: JsonSchema
  readonly required: boolean
}

const isRecord = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every field below an object, parents before children, in the order of the schema. Fields of list items are marked with `[]`. */
const fieldsOf = (schema: JsonSchema, prefix: string): Field[] => {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {}
  const required = Array.isArray(schema['required']) ? (schema['required'] as string[]) : []
  return Object.entries(properties).flatMap(([name, child]): Field[] => {
    if (!isRecord(child)) return []
    const path = prefix === '' ? name : `${prefix}.${name}`
    const items = isRecord(child['items']) ? fieldsOf(child['items'], `${path}[]`) : []
    return [{ path, schema: child, required: required.includes(name) }, ...fieldsOf(child, path), ...items]
  })
}

const typeOf = (schema: JsonSchema): string => {
  if (Array.isArray(schema['enum'])) return (schema['enum'] as string[]).map((value) => `\`${value}\``).join(', ')
  if (schema['type'] === 'array' && isRecord(schema['items'])) return `list of ${typeOf(schema['items'])}`
  if (isRecord(schema['additionalProperties'])) return `map of ${typeOf(schema['additionalProperties'])}`
  const { type, minimum, maximum } = schema as { type: string; minimum?: number; maximum?: number }
  return minimum !== undefined && maximum !== undefined ? `integer ${minimum}–${maximum}` : type
}

const defaultOf = ({ schema, required }: Field): string => {
  const value = schema['default']
  if (required) return '**required**'
  if (value === undefined || (isRecord(value) && schema['type'] === 'object')) return ''
  return `\`${JSON.stringify(value)}\``
}

const escape = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')

const descriptionOf = ({ description = '', hot }: { readonly description?: string; readonly hot?: boolean }): string =>
  escape(`${description}${hot === true ? ' Changes without a restart.' : ''}`)

/** Requests and limits look the same everywhere; the text above the table says how. */
const isAmount = ({ path }: Field): boolean => /esources[.](requests|limits)/.test(path)

const row = (field: Field): string =>
  `| \`${field.path}\` | ${typeOf(field.schema)} | ${defaultOf(field)} | ${descriptionOf(field.schema)} |`

const table = (fields: readonly Field[]): string =>
  ['| Field | Type | Default | |', '|---|---|---|---|', ...fields.map(row)].join('\n')

const settings = (): string =>
  workerFields
    .map((field) => {
      const schema = toStructural(z.toJSONSchema(settingsSchemas[field], { target: 'openapi-3.0', io: 'input' }))
      return `### ${workerNames[field]}: \`spec.services.${field}.config\`\n\n${table(fieldsOf(schema, ''))}`
    })
    .join('\n\n')

/** Spec and status of a kind. */
const partsOf = (definition: Definition): { readonly spec: JsonSchema; readonly status: JsonSchema } =>
  openApiSchema(definition)['properties'] as { spec: JsonSchema; status: JsonSchema }

const statusTable = (status: JsonSchema): string =>
  table(fieldsOf(status, 'status').map((field) => ({ ...field, required: false })))

/** Where the guide to each one-shot kind is; every kind beside TodoChatbot has one. */
const guides: Readonly<Record<string, string>> = {
  Incident: 'How to take one and how to read the archive: [incidents.md](incidents.md).',
  Replay: 'How to replay events and redrive dead letters: [replay.md](replay.md).',
  Backup: 'How to configure, make and find backups: [backup.md](backup.md).',
  Restore: 'How to restore, to drill and to go back: [disaster-recovery.md](disaster-recovery.md).',
}

const oneShot = (definition: Definition): string => {
  const { spec, status } = partsOf(definition)
  const { kind, shortNames, description } = definition
  return `# The ${kind} resource

Kind \`${kind}\`, short name \`${shortNames.join('`, `')}\`, namespaced. ${description}
${guides[kind] ?? ''}

## Spec

${table(fieldsOf(spec, 'spec'))}

## Status

${statusTable(status)}`
}

const text = (): string => {
  const { spec, status } = partsOf(todoChatbotDefinition)
  return `# The TodoChatbot resource

<!-- Generated by \`npm run generate\` from operator/src/api/v1alpha1 and the workers' config.ts. Do not edit. -->

\`todochatbot.dev/v1alpha1\`, kind \`TodoChatbot\`, short name \`tcb\`, namespaced. The same text is in the cluster: \`kubectl explain tcb.spec --recursive\`.
The name of a resource is at most 30 characters long and starts with a letter, because Services and pods are named after it.

Unknown fields are refused with their names. What the schema cannot know (a Secret that is missing, a broker that does not answer, fewer partitions than
exist) becomes a condition that says what to do; nothing that runs is touched. Once the resource exists, \`kafka.mode\`, \`database.mode\`,
\`stateStore.mode\` and the \`storage\` of each cannot be changed, and \`kafka.topicPrefix\` only while none of its topics exists: data would stay behind.

## Spec

Every \`resources\` holds \`requests\` and \`limits\` with \`cpu\`, \`memory\` and \`ephemeral-storage\`, as in a pod.

${table(fieldsOf(spec, 'spec').filter((field) => !isAmount(field)))}

## Settings of the workers

Durations are milliseconds, sizes are bytes. A wrong setting shows up in the condition \`ConfigValid\`, and nothing rolls until it is corrected.

${settings()}

## Annotations on the resource

| Annotation | Effect |
|---|---|
| \`${annotation.restart}\` | Any change restarts the pods of all workers one by one. |
| \`${annotation.kubectlRestartedAt}\` | The same. |
| \`${annotation.retryMigration}\` | Any change runs the migrations again, such as after one that failed for good. |

\`kubectl rollout restart deployment/<system>-<worker>\` works as well: the operator leaves that annotation of the pod template alone.

## Status

${statusTable(status)}

${definitions
  .filter((definition) => definition !== todoChatbotDefinition)
  .map(oneShot)
  .join('\n\n')}
`
}

/** The reference of all fields. */
export const apiDocsArtefacts = (): Artefact[] => [{ path: 'docs/api.md', text: text() }]
