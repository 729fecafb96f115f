import type { Protocol } from '../resources.ts'

/** Somebody opens a connection. */
export interface Connection {
  readonly from: string
  readonly to: string
  readonly protocol: Protocol
  readonly port: number
}

const numberOf = (address: string): number => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)

/** Whether an IPv4 address lies in a CIDR; an address alone is a CIDR of one. */
export function contains(cidr: string, address: string): boolean {
  const [network = '', bits = '32'] = cidr.split('/')
  const size = 2 ** (32 - Number(bits))
  return Math.floor(numberOf(network) / size) === Math.floor(numberOf(address) / size)
}
