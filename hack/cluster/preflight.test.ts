import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CommandError, run } from './command.ts'

// Each case runs some sixty small programs: seconds on a machine that is busy building.
vi.setConfig({ testTimeout: 60_000 })

/** A machine made of files: programs that answer what they are told to, and the parts of /proc and /sys that are read. */
let machine: string
beforeEach(async () => {
  machine = await mkdtemp(join(tmpdir(), 'preflight-'))
  await mkdir(join(machine, 'bin'))
  for (const tool of ['grep', 'head', 'sort', 'sed', 'awk', 'dirname', 'tail', 'tr', 'cat', 'find', 'bash']) {
    await symlink((await run('which', [tool])).trim(), join(machine, 'bin', tool))
  }
  await program('node', 'v24.1.0')
  await program('npm', '11')
  await program('go', 'go version go1.99.0 linux/amd64')
  await program('java', 'openjdk version "17.0.15" 2025-04-15')
  await program('mvn', 'Apache Maven 3.8.7')
  await program('id', '0')
  await program('apt-get', '')
  await program('df', 'Avail\n99999')
  await file('proc/meminfo', 'MemTotal:       8000000 kB\n')
  await file('proc/filesystems', 'nodev\toverlay\n')
  await file('proc/sys/net/bridge/bridge-nf-call-iptables', '1')
  await file('dev/null', '')
  await chmod(join(machine, 'dev/null'), 0o666)
  await file('proc/net/tcp', 'header\n')
  await file('proc/net/tcp6', 'header\n')
  await file('sys/fs/cgroup/cgroup.controllers', 'cpu memory pids')
})
afterEach(() => rm(machine, { recursive: true }))

async function file(path: string, text: string): Promise<void> {
  await mkdir(join(machine, path, '..'), { recursive: true })
  await writeFile(join(machine, path), text)
}

const program = (name: string, output: string): Promise<void> =>
  writeFile(join(machine, 'bin', name), `#!/bin/sh\nprintf '%s\\n' '${output}'\n`, { mode: 0o755 })

async function problems(profile = 'full'): Promise<string[]> {
  const env = { PATH: join(machine, 'bin'), PREFLIGHT_ROOT: machine }
  const arguments_ = [
    join(import.meta.dirname, 'preflight.sh'),
    profile,
    join(machine, 'state'),
    join(machine, 'cache'),
  ]
  try {
    await run('/bin/bash', arguments_, { env })
    return []
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    return error.stderr.split('\n').filter((line) => line.startsWith('  - '))
  }
}

test('a machine that has everything has no problem', async () => {
  expect(await problems()).toEqual([])
})

test('everything that is missing is reported at once, each with its remedy', async () => {
  await program('id', '1000')
  await program('node', 'v18.2.0')
  await rm(join(machine, 'bin/mvn'))
  await program('go', 'go version go1.19 linux/amd64')
  await file('proc/meminfo', 'MemTotal:       2000000 kB\n')
  const found = await problems()
  expect(found).toHaveLength(5)
  for (const line of found) expect(line).toContain('Remedy: ')
  expect(found.join('\n')).toMatch(/Node is too old: 18\.2\.0/)
  expect(found.join('\n')).toMatch(/Go is too old: 1\.19/)
  expect(found.join('\n')).toMatch(/Maven is not installed/)
  expect(found.join('\n')).toMatch(/Not root/)
  expect(found.join('\n')).toMatch(/Too little memory: 1953 MB/)
})

test.each([
  ['an old Java', () => program('java', 'openjdk version "11.0.2" 2019-01-15'), /Java runtime is too old: 11\.0\.2/],
  ['a full disk', () => program('df', 'Avail\n500'), /Too little disk: 500 MB/],
  ['a /dev/null that only root writes to', () => chmod(join(machine, 'dev/null'), 0o644), /chmod 666 \/dev\/null/],
  ['a machine that is no Debian', () => rm(join(machine, 'bin/apt-get')), /No apt-get/],
  [
    'a kernel without the memory controller',
    () => file('sys/fs/cgroup/cgroup.controllers', 'cpu pids'),
    /cgroup controller memory is off/,
  ],
  [
    'a port somebody listens on',
    // 6443 is 192B; state 0A is LISTEN; inode 4711 belongs to nobody we know.
    () => file('proc/net/tcp', 'header\n0: 00000000:192B 00000000:0000 0A 0:0 0:0 0 0 0 4711\n'),
    /Port 6443 is taken/,
  ],
])('%s is reported', async (_, change, message) => {
  await change()
  const found = await problems()
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(message)
})

test('the control plane alone asks neither for root nor for Debian', async () => {
  await program('id', '1000')
  await rm(join(machine, 'bin/apt-get'))
  expect(await problems('control-plane')).toEqual([])
})
