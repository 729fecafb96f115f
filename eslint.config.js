import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/**
 * Import rules of one folder: files under `files` may not import what matches a pattern. Tests may import what they exercise.
 * A later entry for the same file replaces an earlier one (flat config), so every folder is matched by exactly one layer.
 */
const layer = (files, ...rules) => ({
  files,
  ignores: ['**/*.test.ts'],
  rules: { 'no-restricted-imports': ['error', { patterns: rules.map(([regex, message]) => ({ regex, message })) }] },
})

/** The operator validates worker configuration with the workers' own schemas, and takes nothing else from them. */
const noWorkers = [
  '/workers/(?!(chat-api|recurring-task|notification|audit|jobs/[a-z]+)/config\\.ts$|lib/(config-schema|backup/destination-config|kafka/config|redis/config)\\.ts$)|/hack/',
  'The operator may import the configuration schemas of the workers and nothing else of them.',
]

/** A worker imports workers/lib and itself only: every sibling folder is named here. */
const workers = ['chat-api', 'recurring-task', 'notification', 'audit', 'jobs']

export default defineConfig(
  { ignores: ['node_modules/', 'dist/', 'coverage/', 'hack/cluster/go/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-console': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
        { selector: 'TSEnumDeclaration', message: 'Use a union of string literals.' },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
    },
  },
  { files: ['*.config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['hack/**/*.ts'], rules: { 'no-console': 'off' } },
  layer(
    ['operator/src/api/**'],
    ['/(desired|reconcile|apply|runtime|kube)/|^node:', 'api is pure: it may import zod and itself.'],
    noWorkers,
  ),
  layer(
    ['operator/src/desired/**'],
    [
      '/(reconcile|apply|runtime|kube)/|^node:',
      'desired is pure: (TodoChatbot, Facts) to objects; it may import api only.',
    ],
    noWorkers,
  ),
  layer(
    ['operator/src/kube/**'],
    ['/(api|desired|reconcile|apply|runtime)/', 'kube is the lowest layer: HTTP to the API server and nothing else.'],
    noWorkers,
  ),
  layer(
    ['operator/src/runtime/**'],
    ['/(api|desired|reconcile|apply)/', 'runtime knows nothing of TodoChatbot; it may import kube.'],
    noWorkers,
  ),
  layer(
    ['operator/src/apply/**'],
    ['/(desired|reconcile|runtime)/', 'apply may import kube and the types of api only.'],
    noWorkers,
  ),
  layer(['operator/src/reconcile/**', 'operator/src/*.ts'], noWorkers),
  ...workers.map((worker) =>
    layer(
      [`workers/${worker}/**`],
      [
        `/(${workers.filter((other) => other !== worker).join('|')}|operator|hack)/`,
        'A worker imports workers/lib and itself only.',
      ],
    ),
  ),
  layer(['workers/lib/**'], [`/(${workers.join('|')}|operator|hack)/`, 'workers/lib knows no worker.']),
  {
    files: ['operator/src/**/*.ts', 'workers/**/*.ts'],
    ignores: [
      'operator/src/config.ts',
      'operator/src/main.ts',
      'workers/*/main.ts',
      'workers/lib/environment.ts',
      '**/*.test.ts',
      '**/test/**',
    ],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only the configuration modules read the environment.' },
      ],
    },
  },
  {
    files: ['**/*.test.ts', '**/test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      'max-lines': ['error', { max: 400 }],
    },
  },
)
