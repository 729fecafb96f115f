/** One thing that is wrong with a rule: the part that is named, what is wrong with its value, what would be right. */
export interface RecurrenceProblem {
  /** Name of the RRULE part, e.g. `BYMONTHDAY`; `RRULE` for the text as a whole. */
  part: string
  problem: string
  allowed: string
}

/** The rule is refused; `problems` lists every reason at once. The message is fit for an end user. */
export class RecurrenceInvalid extends Error {
  override readonly name = 'RecurrenceInvalid'
  readonly problems: readonly RecurrenceProblem[]
  constructor(problems: readonly RecurrenceProblem[]) {
    super(problems.map(({ part, problem, allowed }) => `${part} ${problem}; allowed: ${allowed}`).join('. '))
    this.problems = problems
  }
}
