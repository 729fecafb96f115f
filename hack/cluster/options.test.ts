import { expect, test } from 'vitest'
import { UsageError, parseOptions } from './options.ts'

test('plays the tour on a full local cluster unless told otherwise', () => {
  expect(parseOptions([], {})).toMatchObject({
    profile: 'full',
    provider: 'local',
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

test.each([
  [['--profile', 'half'], /--profile half.*allowed: full, control-plane/],
  [['--provider=minikube'], /--provider minikube.*allowed: local, kind/],
  [['--provider', 'kind', '--profile', 'control-plane'], /leave --provider out/],
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
