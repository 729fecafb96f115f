import type { ResolvedTodoChatbot } from '../api/v1alpha1/defaults.ts'
import { dependencyPorts, names } from '../api/v1alpha1/names.ts'
import type { DependencyName } from '../api/v1alpha1/names.ts'
import type { TodoChatbot } from '../api/v1alpha1/todochatbot.ts'

/** Either form of the resource: the modes are the same in both. */
type Bot = Pick<TodoChatbot | ResolvedTodoChatbot, 'metadata' | 'spec'>

/** The dependencies this system runs itself. */
export const embeddedDependencies = ({ spec }: Bot): readonly DependencyName[] => [
  ...(spec.kafka.mode === 'Embedded' ? (['kafka'] as const) : []),
  ...(spec.database.mode === 'Embedded' ? (['postgresql'] as const) : []),
  ...(spec.stateStore.mode === 'Embedded' ? (['redis'] as const) : []),
]

/** `host:port` of an Embedded dependency; without the cluster domain, which the resolvers of pods add. */
export const dependencyAddress = ({ metadata }: Pick<Bot, 'metadata'>, dependency: DependencyName): string =>
  `${dependencyHost({ metadata }, dependency)}:${String(dependencyPorts[dependency])}`

/** Host of an Embedded dependency: its Service, whose address stays when the pod is replaced. */
export const dependencyHost = ({ metadata }: Pick<Bot, 'metadata'>, dependency: DependencyName): string =>
  `${names.dependency(metadata.name, dependency)}.${metadata.namespace}.svc`
