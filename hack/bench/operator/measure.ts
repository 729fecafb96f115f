import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordedWrite } from '../api-audit-log.ts'
import { processCpu } from '../process-cpu.ts'
import { processMemory } from '../process-memory.ts'
import { inFlight, percentile, rounded } from '../statistics.ts'
import type { Contestant } from './contestants.ts'
import { IN_FLIGHT } from './contestants.ts'
import type { BenchControlPlane } from './environment.ts'
import { startRecorder } from './recorder.ts'
import type { Recorder } from './recorder.ts'
import { replicas, resourceOf } from './resources.ts'
import type { Dependencies, SystemName, Template } from './resources.ts'
import { startSimulator } from './simulator.ts'

/** What one operator did with one number of resources. Times in ms, memory in MiB. */
export interface Measurement {
  readonly contestant: string
  readonly resources: number
  readonly objectsPerResource: number
  /** From the first resource created to the last of all objects applied. */
  readonly applied: number
  /** From the first resource created to the last write that follows from it, statuses and repeated applies included. */
  readonly settled: number
  /** Of one resource, from its first object applied to its last; the median. */
  readonly eachAppliedP50: number
  /** Writes to owned objects, divided by owned objects, up to quiet. */
  readonly writesPerObject: number
  /** Writes of status per resource, up to quiet. */
  readonly statusWritesPerResource: number
  /** Events and finalizers written per resource. */
  readonly otherWritesPerResource: number
  /** From an edit received by the API server to the first write that follows from it, one edit at a time. */
  readonly editP50: number
  readonly editP99: number
  /** From the first of as many edits as resources to the last object they change. */
  readonly editAll: number
  /** Writes to owned objects per edit, up to quiet. */
  readonly writesPerEdit: number
  /** Writes of any kind but Leases in the idle time at the end. */
  readonly idleWrites: number
  readonly idleSeconds: number
  readonly residentMiB: number
  readonly peakMiB: number
  /** CPU time of the contestant per resource, ms: from when it was ready to quiet after all were created. */
  readonly cpuPerResource: number
}

/** What a run is made of. */
export interface RunInput {
  readonly environment: BenchControlPlane
  readonly systems: readonly SystemName[]
  readonly dependencies: Dependencies
  readonly template: Template
  readonly idleSeconds: number
}

/** Edits that are measured one at a time. */
const SINGLE_EDITS = 100
/** ms without a write after which a phase is over. */
const QUIET = 3_000
const LIMIT = 15 * 60_000

/** Gives an operator its resources, edits them one at a time and all at once, and leaves it alone. */
export async function measure(contestant: Contestant, input: RunInput): Promise<Measurement> {
  const { environment, systems, template } = input
  const simulator = await startSimulator(environment.plane.kubeconfigPath)
  const daemon = await contestant.start(environment, template)
  const recorder = await startRecorder(environment.plane.auditLogPath)
  try {
    const cpuBefore = await processCpu(daemon.pid)
    const applied = await create(recorder, input)
    await recorder.untilQuiet(QUIET, LIMIT)
    const created = countWrites(recorder)
    const settled = Math.max(lastOf(recorder.children), lastOf(recorder.statuses)) - editReceivedAt(recorder, 0)
    const cpu = (await processCpu(daemon.pid)) - cpuBefore
    const spans = systems.map(({ name }) =>
      spanOf(recorder.children.filter((write) => write.name.startsWith(`${name}-`))),
    )
    const latencies = await editOneByOne(recorder, input)
    await recorder.untilQuiet(QUIET, LIMIT)
    const before = countWrites(recorder)
    const editAll = await editEvery(recorder, input)
    await recorder.untilQuiet(QUIET, LIMIT)
    const writesPerEdit = (countWrites(recorder).children - before.children) / systems.length
    const idleWrites = await idle(recorder, input.idleSeconds)
    const memory = await processMemory(daemon.pid)
    const mebibytes = (bytes: number): number => rounded(bytes / 2 ** 20)
    return {
      contestant: contestant.name,
      resources: systems.length,
      objectsPerResource: template.objects,
      applied: rounded(applied),
      settled: rounded(settled),
      eachAppliedP50: rounded(percentile(spans, 0.5)),
      writesPerObject: rounded(created.children / (systems.length * template.objects), 3),
      statusWritesPerResource: rounded(created.statuses / systems.length, 2),
      otherWritesPerResource: rounded(created.others / systems.length, 2),
      editP50: rounded(percentile(latencies, 0.5), 1),
      editP99: rounded(percentile(latencies, 0.99), 1),
      editAll: rounded(editAll),
      writesPerEdit: rounded(writesPerEdit, 2),
      idleWrites,
      idleSeconds: input.idleSeconds,
      residentMiB: mebibytes(memory.resident),
      peakMiB: mebibytes(memory.peak),
      cpuPerResource: rounded(cpu / systems.length, 1),
    }
  } finally {
    await daemon.kill()
    await simulator.stop()
  }
}

const lastOf = (writes: readonly RecordedWrite[]): number =>
  writes.reduce((last, { completedAt }) => Math.max(last, completedAt), -Infinity)

const spanOf = (writes: readonly RecordedWrite[]): number =>
  lastOf(writes) - Math.min(...writes.map(({ completedAt }) => completedAt))

/** When the API server got one of the harness's changes, counted from the first. */
const editReceivedAt = ({ edits }: Recorder, index: number): number => edits[index]?.receivedAt ?? Number.NaN

const key = (write: RecordedWrite): string => `${write.resource}/${write.namespace}/${write.name}`

async function create(recorder: Recorder, { environment, systems, dependencies, template }: RunInput): Promise<number> {
  const expected = systems.length * template.objects
  const creating = inFlight(systems, IN_FLIGHT, async (system) => {
    const path = `/apis/todochatbot.dev/v1alpha1/namespaces/${system.namespace}/todochatbots`
    await environment.client.call('POST', path, resourceOf(system, dependencies))
  })
  const seen = new Set<string>()
  let last = 0
  let next = 0
  const allApplied = (): boolean => {
    for (; next < recorder.children.length; next += 1) {
      const write = recorder.children[next]
      if (write === undefined || write.status >= 300 || seen.has(key(write))) continue
      seen.add(key(write))
      last = Math.max(last, write.completedAt)
    }
    return seen.size >= expected
  }
  await Promise.all([creating, recorder.until(`${expected} objects applied`, allApplied, LIMIT)])
  return last - editReceivedAt(recorder, 0)
}

async function editReplicas(environment: BenchControlPlane, system: SystemName, wanted: number): Promise<void> {
  const path = `/apis/todochatbot.dev/v1alpha1/namespaces/${system.namespace}/todochatbots/${system.name}`
  const patch = { spec: { services: { chatApi: { replicas: wanted } } } }
  await environment.client.call('PATCH', path, patch, 'application/merge-patch+json')
}

const isChatApi = (write: RecordedWrite, system: SystemName): boolean =>
  write.resource === 'deployments' && write.namespace === system.namespace && write.name === `${system.name}-chat-api`

async function editOneByOne(recorder: Recorder, { environment, systems }: RunInput): Promise<number[]> {
  const latencies: number[] = []
  const stride = Math.max(1, Math.floor(systems.length / SINGLE_EDITS))
  for (const system of systems.filter((_, index) => index % stride === 0).slice(0, SINGLE_EDITS)) {
    const from = recorder.children.length
    const before = recorder.edits.length
    await editReplicas(environment, system, replicas.second)
    const effect = (): RecordedWrite | undefined =>
      recorder.children.slice(from).find((write) => isChatApi(write, system))
    await recorder.until(`effect of the edit of ${system.name}`, () => effect() !== undefined, 60_000)
    const first = recorder.children.slice(from).find(({ name }) => name.startsWith(`${system.name}-`))
    latencies.push((first?.completedAt ?? Number.NaN) - editReceivedAt(recorder, before))
  }
  return latencies
}

async function editEvery(recorder: Recorder, { environment, systems }: RunInput): Promise<number> {
  const from = recorder.children.length
  const before = recorder.edits.length
  const waiting = new Set(systems.map(({ namespace, name }) => `deployments/${namespace}/${name}-chat-api`))
  let last = 0
  let next = from
  const allChanged = (): boolean => {
    for (; next < recorder.children.length; next += 1) {
      const write = recorder.children[next]
      if (write !== undefined && waiting.delete(key(write))) last = Math.max(last, write.completedAt)
    }
    return waiting.size === 0
  }
  const editing = inFlight(systems, IN_FLIGHT, (system) => editReplicas(environment, system, replicas.third))
  await Promise.all([editing, recorder.until('every edit in effect', allChanged, LIMIT)])
  return last - editReceivedAt(recorder, before)
}

const countWrites = ({
  children,
  statuses,
  others,
}: Recorder): { children: number; statuses: number; others: number } => ({
  children: children.length,
  statuses: statuses.length,
  others: others.filter(({ resource }) => resource !== 'leases').length,
})

async function idle(recorder: Recorder, seconds: number): Promise<number> {
  const before = countWrites(recorder)
  await sleep(seconds * 1000)
  await recorder.until('the log read', () => true, 10_000)
  const after = countWrites(recorder)
  return after.children + after.statuses + after.others - before.children - before.statuses - before.others
}
