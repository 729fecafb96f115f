import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryName } from '../../../test/support/arbitrary-spec.ts'
import { maxNameLength, names, workerNames } from './names.ts'
import { topicAliases } from './schema/kafka.ts'
import { workerFields } from './schema/services.ts'

/** `-` + hash of the pod template + `-` + suffix, as the Deployment controller appends it. */
const podSuffix = '-5d8f7c9b6d-x2x4z'.length

/** Pods of Deployments may not be longer than a DNS label. */
test('every name stays a DNS label, pods of the longest allowed resource included', () => {
  fc.assert(
    fc.property(arbitraryName, (system) => {
      fc.pre(system.length <= maxNameLength)
      for (const field of workerFields) {
        const worker = workerNames[field]
        expect(names.worker(system, worker).length + podSuffix).toBeLessThanOrEqual(63)
        expect(names.workerConfig(system, worker)).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
        for (const alias of topicAliases)
          expect(names.subscription(system, worker, alias).length).toBeLessThanOrEqual(63)
      }
      expect(names.migrationJob(system, '01234567').length + '-x2x4z'.length).toBeLessThanOrEqual(63)
      // The StatefulSet controller puts `<name>-<hash>` into a label.
      expect(names.dependency(system, 'postgresql').length + '-5d8f7c9b6d'.length).toBeLessThanOrEqual(63)
    }),
  )
})
