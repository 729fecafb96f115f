import { expect, test } from 'vitest'
import { UsageError, parseOptions } from './options.ts'

test('plays the tour on a full local cluster unless told otherwise', () => {
  expect(parseOptions([], {})).toMatchObject({
    profile: 'full',
    provider: 'local',
    keda: false,
    operator: true,
    sample: true,
    tour: true,
  })
})

test.each([
  [['--no-operator'], { operator: false, sample: false, tour: false }],
  [['--no-sample'], { operator: true, sample: false, tour: false }],
  [['--no-tour'], { operator: true, sample: true, tour: false }],
])('%s leaves out what comes after as well', (args, expected) => {
  expect(parseOptions(args, {})).toMatchObject(expected)
})

test('installs KEDA when asked, whatever else is left out', () => {
  expect(parseOptions(['--keda'], {})).toMatchObject({ keda: true, operator: true })
  expect(parseOptions(['--keda', '--no-operator'], {})).toMatchObject({ keda: true, operator: false })
})

test.each([
  [['--profile', 'half'], /--profile half.*allowed: full, control-plane/],
  [['--provider=minikube'], /--provider minikube.*allowed: local, kind/],
  [['--provider', 'kind', '--profile', 'control-plane'], /leave --provider out/],
  [['--keda', '--provider', 'kind'], /--keda.*leave --provider out/],
  [['--keda', '--profile', 'control-plane'], /--keda.*--profile control-plane.*leave one of them out/],
  [['--no-such-option'], /no-such-option/],
])('%s is refused in words that name the option', (args, message) => {
  expect(() => parseOptions(args, {})).toThrow(UsageError)
  expect(() => parseOptions(args, {})).toThrow(message)
})

test('the profiles keep their state apart, so that both can run', () => {
  const environment = { XDG_STATE_HOME: '/state' }
  expect(parseOptions([], environment).stateDir).toBe('/var/lib/todochatbot-dev')
  expect(parseOptions(['--profile', 'control-plane'], environment).stateDir).toBe('/state/todochatbot-control-plane')
  expect(parseOptions(['--profile', 'control-plane'], { TODOCHATBOT_STATE_DIR: '/mine' }).stateDir).toBe('/mine')
})
