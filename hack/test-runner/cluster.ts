import { findDaemon } from '../cluster/daemon.ts'
import { stateFolder } from '../cluster/folders.ts'
import type { StepResult, StepSpec } from './step.ts'

/** Runs a step and reports it. */
export type RunStep = (spec: StepSpec) => Promise<StepResult>

/** The full cluster of a run. */
export interface TakenCluster {
  readonly result: StepResult
  /** Whether this run started it and has to remove it. */
  readonly started: boolean
}

const MINUTE = 60_000

/**
 * Brings the full cluster to this checkout's programs, images and operator, or starts it: `up` does both. A cluster that
 * runs already stays afterwards, with the systems in it.
 */
export async function takeCluster(step: RunStep): Promise<TakenCluster> {
  const running = (await findDaemon(stateFolder(), 'kube-apiserver')).length > 0
  const name = running ? 'cluster: bring the running one up to date' : 'cluster: build and start'
  const result = await step({ name, command: ['./hack/up', '--no-sample'], timeout: 40 * MINUTE })
  return { result, started: !running }
}

/** Removes the cluster this run has started. */
export function releaseCluster(step: RunStep): Promise<StepResult> {
  return step({ name: 'cluster: remove', command: ['./hack/down'], timeout: 3 * MINUTE })
}
