import { expect, test } from 'vitest'
import { containerdConfiguration } from './containerd.ts'
import { firstAddress } from './control-plane.ts'
import { kubeletConfiguration } from './node.ts'
import { fillIn } from './servers/kafka.ts'

test('containerd keeps all its files below the state folder', () => {
  const text = containerdConfiguration({
    stateDir: '/state',
    pauseImage: 'docker.io/x/pause:1',
    mayLowerOomScore: true,
  })
  for (const line of text.split('\n')) {
    if (/^\s*(root|state|address|conf_dir) = /.test(line)) expect(line).toContain('"/state/')
  }
})

test.each([
  [true, 'restrict_oom_score_adj = false'],
  [false, 'restrict_oom_score_adj = true'],
])(
  'without CAP_SYS_RESOURCE (%s means with it) containers keep the OOM score they are given',
  (mayLowerOomScore, line) => {
    expect(containerdConfiguration({ stateDir: '/s', pauseImage: 'p', mayLowerOomScore })).toContain(line)
  },
)

test('the kubelet brings edited ConfigMaps to pods within seconds and never collects images', () => {
  const configuration = kubeletConfiguration({
    stateDir: '/state',
    serverCertificate: '/c',
    serverKey: '/k',
    clientAuthority: '/ca',
    resolvConf: '/etc/resolv.conf',
  })
  expect(configuration).toMatchObject({
    syncFrequency: '10s',
    configMapAndSecretChangeDetectionStrategy: 'Watch',
    imageGCHighThresholdPercent: 100,
    authentication: { anonymous: { enabled: false } },
  })
})

test.each([
  ['10.62.0.0/16', '10.62.0.1'],
  ['10.255.0.0/24', '10.255.0.1'],
])('the first address of %s is %s', (range, address) => {
  expect(firstAddress(range)).toBe(address)
})

test("Kafka's configuration is filled in, and a placeholder without a value is an error that names it", () => {
  expect(fillIn('log.dirs=${DATA_DIR}', { DATA_DIR: '/data' })).toBe('log.dirs=/data')
  expect(() => fillIn('log.dirs=${DATA_DIR}', {})).toThrow('${DATA_DIR}')
})
