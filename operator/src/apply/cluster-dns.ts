import { Resolver } from 'node:dns/promises'
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

/**
 * Name lookup for an operator that runs outside its cluster: Services (`<name>.<namespace>.svc`) are asked of the cluster's DNS server,
 * everything else of the host. Needs a host that reaches Service addresses, as a node does.
 * @param server address of the cluster's DNS server
 */
export function clusterLookup(server: string): LookupFunction {
  const resolver = new Resolver({ timeout: 1_000, tries: 2 })
  resolver.setServers([server])
  return (host, options, callback) => {
    if (!host.endsWith('.svc')) {
      systemLookup(host, options, callback)
      return
    }
    resolver.resolve4(`${host}.cluster.local`).then(
      (addresses) => {
        const [first = ''] = addresses
        if (options.all === true)
          callback(
            null,
            addresses.map((address) => ({ address, family: 4 })),
          )
        else callback(null, first, 4)
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, '', 4),
    )
  }
}
