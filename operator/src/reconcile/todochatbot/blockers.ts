/** Finds, in what the kubelet and the scheduler report, the one thing that keeps a workload from being ready. Pure. */
import { finding, worst, type Finding, type Reason } from '../errors.ts'
import type { ClaimView, ContainerStatus, PodView, Terminated } from './views.ts'

const waitingReasons: Readonly<Record<string, Reason>> = {
  ImagePullBackOff: 'ImagePullFailed',
  ErrImagePull: 'ImagePullFailed',
  ErrImageNeverPull: 'ImagePullFailed',
  InvalidImageName: 'ImagePullFailed',
  CrashLoopBackOff: 'CrashLoop',
  CreateContainerConfigError: 'ContainerConfig',
  CreateContainerError: 'ContainerConfig',
  RunContainerError: 'ContainerConfig',
}

/** How long something that normally takes seconds may take before it counts as a problem, in ms. */
export const patience = 30_000

/** What blocks one pod; undefined when it is ready, going away, or simply still starting. */
export function podBlocker(pod: PodView, now: number, claims: readonly ClaimView[] = []): Finding | undefined {
  if (pod.ready || pod.terminating || pod.phase === 'Succeeded') return undefined
  return worst([
    ...pod.containers.map((container) => containerBlocker(pod, container)),
    claimBlocker(pod, now, claims),
    schedulingBlocker(pod, now),
  ])
}

/** The first blocker among pods; those that failed oldest first, so that the message does not hop from pod to pod. */
export function firstBlocker(
  pods: readonly PodView[],
  now: number,
  claims: readonly ClaimView[] = [],
): Finding | undefined {
  return worst(
    [...pods]
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.name.localeCompare(b.name))
      .map((pod) => podBlocker(pod, now, claims)),
  )
}

/** The last words of a container that ended with an error, at most 300 characters, newest container first. */
export function lastError(pods: readonly PodView[]): string | undefined {
  const ends = pods
    .flatMap((pod) => pod.containers.map((container) => ({ container, end: endOf(container) })))
    .filter(
      (entry): entry is { container: ContainerStatus; end: Terminated } =>
        entry.end !== undefined && entry.end.exitCode !== 0,
    )
    .sort((a, b) => (b.end.finishedAt ?? '').localeCompare(a.end.finishedAt ?? ''))
  const [newest] = ends
  return newest === undefined ? undefined : `${newest.container.name}: ${lastWords(newest.end)}`
}

function containerBlocker(pod: PodView, container: ContainerStatus): Finding | undefined {
  const waiting = container.state?.waiting
  const reason = waitingReasons[waiting?.reason ?? '']
  const end = endOf(container)
  if (
    reason === 'CrashLoop' ||
    (reason === undefined && end !== undefined && end.exitCode !== 0 && (container.restartCount ?? 0) > 1)
  ) {
    const restarts = container.restartCount ?? 0
    return finding(
      'CrashLoop',
      `Pod/${pod.name}`,
      `container ${container.name} keeps ending (restarts: ${restarts}): ${end === undefined ? 'no message' : lastWords(end)}`,
    )
  }
  return reason === undefined
    ? undefined
    : finding(
        reason,
        `Pod/${pod.name}`,
        `container ${container.name}: ${oneLine(waiting?.message ?? waiting?.reason ?? '')}`,
      )
}

function claimBlocker(pod: PodView, now: number, claims: readonly ClaimView[]): Finding | undefined {
  // StatefulSet claims are called <template>-<pod>.
  const pending = claims.find(({ name, bound }) => !bound && name.endsWith(`-${pod.name}`))
  if (pending === undefined || now - Date.parse(pending.createdAt) < patience) return undefined
  const from = pending.storageClass === '' ? 'the default storage class' : `storage class ${pending.storageClass}`
  return finding('VolumePending', `PersistentVolumeClaim/${pending.name}`, `waits for a volume from ${from}`)
}

function schedulingBlocker(pod: PodView, now: number): Finding | undefined {
  const refused = pod.conditions.find(
    ({ type, status, reason }) => type === 'PodScheduled' && status === 'False' && reason === 'Unschedulable',
  )
  return refused === undefined || now - Date.parse(refused.lastTransitionTime ?? pod.createdAt) < patience
    ? undefined
    : finding('Unschedulable', `Pod/${pod.name}`, oneLine(refused.message ?? 'no node fits'))
}

const endOf = ({ state, lastState }: ContainerStatus): Terminated | undefined =>
  state?.terminated ?? lastState?.terminated

function lastWords({ exitCode, reason, message }: Terminated): string {
  const said = oneLine(message ?? '')
  const how = reason === undefined || reason === 'Error' ? `exit code ${exitCode}` : `${reason}, exit code ${exitCode}`
  return said === '' ? how : `${said} (${how})`
}

/** The last non-empty line: the first ones of a stack trace or of a log say less. Of a JSON log line, its message. */
function oneLine(text: string): string {
  const last =
    text
      .split('\n')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .at(-1) ?? ''
  const line = last.startsWith('{') ? messageOfLog(last) : last
  return line.length > 300 ? `${line.slice(0, 299)}…` : line
}

function messageOfLog(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: unknown; err?: { message?: unknown } }
    const said = [msg, err?.message].filter((part) => typeof part === 'string' && part !== '')
    return said.length > 0 ? [...new Set(said)].join(': ') : line
  } catch {
    // Cut off by the kubelet's limit, or no JSON after all: shown as it is.
    return line
  }
}
