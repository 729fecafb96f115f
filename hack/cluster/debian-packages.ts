import { access, chmod, rm, writeFile } from 'node:fs/promises'
import { run, succeeds } from './command.ts'

/** What the cluster and the tests need of Debian. Their services are not started; the programs are run by us. */
export const DEBIAN_PACKAGES = [
  'age',
  'buildah',
  'conntrack',
  'containerd',
  'containernetworking-plugins',
  'iproute2',
  'iptables',
  'jq',
  'mmdebstrap',
  'openssl',
  'postgresql-15',
  'redis-server',
  'runc',
  'unzip',
  'util-linux',
  'zstd',
] as const

/** The packages of the list that are not installed. */
export async function missingPackages(packages: readonly string[] = DEBIAN_PACKAGES): Promise<string[]> {
  const missing = await Promise.all(
    packages.map(async (name) => {
      const status = await run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name]).catch(() => '')
      return status === 'installed' ? undefined : name
    }),
  )
  return missing.filter((name) => name !== undefined)
}

/** Installs the packages of the list that are missing; none missing asks nobody anything. Needs root. */
export async function ensurePackages(packages: readonly string[] = DEBIAN_PACKAGES): Promise<void> {
  const missing = await missingPackages(packages)
  if (missing.length === 0) return
  await withoutServiceStart(async () => {
    const apt = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeout: 600_000 }
    // Waits for another apt instead of failing: machines like to update themselves after their start.
    const wait = ['-o', 'DPkg::Lock::Timeout=120', '--quiet']
    await run('apt-get', [...wait, 'update'], apt)
    // A run that was killed in the middle of an installation leaves packages to configure.
    await run('dpkg', ['--configure', '-a'], apt)
    await run('apt-get', [...wait, 'install', '--yes', '--no-install-recommends', ...missing], apt)
  })
}

/** Debian's way to install a server without starting it: invoke-rc.d asks this file (`man 8 invoke-rc.d`). */
const POLICY = '/usr/sbin/policy-rc.d'

async function withoutServiceStart(install: () => Promise<void>): Promise<void> {
  const present = await access(POLICY).then(
    () => true,
    () => false,
  )
  if (present && !(await succeeds('grep', ['-q', 'todochatbot-dev', POLICY]))) return install()
  await writeFile(
    POLICY,
    '#!/bin/sh\n# Made by todochatbot-dev for the time of an installation; may be removed.\nexit 101\n',
  )
  await chmod(POLICY, 0o755)
  try {
    await install()
  } finally {
    await rm(POLICY, { force: true })
  }
}
