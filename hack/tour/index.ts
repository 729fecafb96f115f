import type { Kubectl } from '../cluster/kubectl.ts'

/** What the tour needs. */
export interface TourInput {
  readonly cluster: Kubectl
  /** chat-api. */
  readonly url: string
  readonly say: (line: string) => void
}

export async function playTour(input: TourInput): Promise<void> {
  input.say(`chat-api at ${input.url}`)
  await Promise.resolve()
}
