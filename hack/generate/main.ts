import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { apiDocsArtefacts } from './api-docs.ts'
import type { Artefact } from './artefact.ts'
import { crdArtefacts } from './crds.ts'
import { rbacArtefacts } from './rbac.ts'
import { checkDocs } from '../../operator/src/reconcile/checks/check-docs.ts'
import { errorDocs } from '../../operator/src/reconcile/error-docs.ts'

/**
 * Writes every generated file, or with --check says which are stale and exits with 1. The sources are the zod schemas and the table of
 * permissions; nothing generated is edited by hand.
 */
const root = new URL('../../', import.meta.url)

const artefacts = (): Artefact[] => [
  ...crdArtefacts(),
  ...rbacArtefacts(root),
  ...apiDocsArtefacts(),
  { path: 'docs/errors.md', text: errorDocs() },
  { path: 'docs/checks.md', text: checkDocs() },
]

const current = (path: string): string | undefined => {
  try {
    return readFileSync(new URL(path, root), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const stale = artefacts().filter((artefact) => current(artefact.path) !== artefact.text)

if (process.argv.includes('--check')) {
  for (const { path } of stale) console.error(`${path} is stale`)
  if (stale.length > 0) {
    console.error('run `npm run generate` and commit the result')
    process.exitCode = 1
  } else console.log('generated files are up to date')
} else {
  for (const { path, text } of stale) {
    const url = new URL(path, root)
    mkdirSync(dirname(fileURLToPath(url)), { recursive: true })
    writeFileSync(url, text)
    console.log(`wrote ${path}`)
  }
}
