import { defineConfig } from 'vitest/config'

/** Three rings: unit (pure, milliseconds), integration (real servers on loopback), e2e (the full cluster through kubectl and HTTP). */
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{operator,workers,hack}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/*.e2e.test.ts', '**/node_modules/**'],
          environment: 'node',
          // Property tests take seconds where the programs of the cluster are being built beside them.
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{operator,workers,hack}/**/*.integration.test.ts'],
          environment: 'node',
          testTimeout: 120_000,
          hookTimeout: 180_000,
          // They wait more than they work: for servers that start, for grace periods, for leases.
          maxWorkers: 2,
          // Projects with other numbers of workers run in groups of their own.
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['hack/e2e/**/*.e2e.test.ts'],
          environment: 'node',
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          sequence: { concurrent: false, groupOrder: 2 },
        },
      },
    ],
  },
})
