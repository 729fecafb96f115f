import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'
import { repository } from '../cluster/folders.ts'

/**
 * Bundles every program: `<output>/operator/main.mjs`, `<output>/workers/<program>.mjs` and `<output>/backup/<job>.mjs`, with the chunks
 * they share or load on demand. Nothing is minified, so stack traces read without source maps. Types are not checked here; `npm run typecheck` does.
 * @throws Error when the operator has no main.ts, or esbuild's own with file and line.
 */
export async function bundle(output: string): Promise<void> {
  await rm(output, { recursive: true, force: true })
  const operator = join(repository, 'operator/src/main.ts')
  const programs = Object.entries(await workerPrograms())
  const inBackupImage = ([name]: readonly [string, string]): boolean => backupPrograms.includes(name)
  const workers = Object.fromEntries(programs.filter((program) => !inBackupImage(program)))
  const backup = Object.fromEntries(programs.filter(inBackupImage))
  await Promise.all([
    bundleInto(join(output, 'operator'), { main: operator }),
    bundleInto(join(output, 'workers'), workers),
    bundleInto(join(output, 'backup'), backup),
  ])
}

/** Jobs that need PostgreSQL's programs or the S3 client: they are in the image `backup`, those of them that there are. */
const backupPrograms: readonly string[] = ['backup', 'restore', 'replay']

async function bundleInto(outdir: string, entryPoints: Readonly<Record<string, string>>): Promise<void> {
  await build({
    entryPoints: { ...entryPoints },
    outdir,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: repository,
    bundle: true,
    platform: 'node',
    format: 'esm',
    // What is imported dynamically (the kubeconfig reader with its 800 modules) stays a file of its own, unread in a pod.
    splitting: true,
    target: 'node24',
    // CommonJS packages in an ES module still ask for require, __filename and __dirname.
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module'",
        "import { fileURLToPath as __toPath } from 'node:url'",
        'const require = __createRequire(import.meta.url)',
        'const __filename = __toPath(import.meta.url)',
        "const __dirname = __toPath(new URL('.', import.meta.url))",
      ].join(';'),
    },
    // Optional native driver of pg, loaded only when asked for.
    external: ['pg-native'],
    plugins: [englishOnly],
    logLevel: 'warning',
  })
}

/** zod brings its messages in some fifty languages, 350 kB of source that every process would hold; we speak English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: (build) => {
    build.onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, ({ path }) => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: dirname(path),
    }))
  },
}

/** chat-api and its siblings have a main.ts; every file or folder of workers/jobs is a short-lived program. */
async function workerPrograms(): Promise<Record<string, string>> {
  const root = join(repository, 'workers')
  const programs: Record<string, string> = {}
  for (const name of await readdir(root)) {
    const main = join(root, name, 'main.ts')
    if (await isFile(main)) programs[name] = main
  }
  for (const name of await readdir(join(root, 'jobs')).catch(() => [])) {
    const main = join(root, 'jobs', name, 'main.ts')
    if (await isFile(main)) programs[name] = main
    else if (name.endsWith('.ts') && !name.endsWith('.test.ts')) programs[name.slice(0, -3)] = join(root, 'jobs', name)
  }
  return programs
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isFile(),
    () => false,
  )
}

if (import.meta.main) await bundle(join(repository, 'dist'))
