/** One row of docs/bad-input.md. */
export interface Answered {
  readonly wrong: string
  readonly answer: string
}

/** The three tables of docs/bad-input.md. */
export interface BadInput {
  readonly refused: readonly Answered[]
  readonly conditions: readonly Answered[]
  readonly requests: readonly Answered[]
}

/** The document, generated from what a running system answered. */
export function badInputDocument({ refused, conditions, requests }: BadInput): string {
  return `# What wrong and hostile input is answered

Generated from a running system by \`UPDATE_DOCS=1 npm run test:e2e -- hack/e2e/6-bad-input.e2e.test.ts\`; without the variable the same test
fails when an answer differs. ${refused.length + conditions.length + requests.length} inputs.

## Resources that the API server refuses

Nothing is stored. The message is what \`kubectl apply\` prints.

${table(['resource', 'answer'], refused)}

## Resources that only the world can refute

They are stored, and a condition says what is wrong and what to do. What already runs keeps running.

${table(['resource', 'condition'], conditions)}

## HTTP requests

Answered as \`application/problem+json\` (RFC 9457); nothing takes effect.

${table(['request', 'answer'], requests)}
`
}

/** Cells as Markdown needs them; what differs between two runs is masked before it comes here. */
function table(header: readonly [string, string], rows: readonly Answered[]): string {
  const cell = (text: string): string =>
    text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;').trim()
  const lines = rows.map(({ wrong, answer }) => `| ${cell(wrong)} | ${cell(answer)} |`)
  return [`| ${header[0]} | ${header[1]} |`, '| --- | --- |', ...lines].join('\n')
}
