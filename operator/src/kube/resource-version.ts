/**
 * Compares two resource versions of one kind: negative when `left` is older, 0 when equal, positive when newer; undefined when
 * one of them is not a decimal number. Kubernetes promises since 1.35 (KEP-5504) that they are numbers that grow within a kind;
 * all API servers on etcd always did that. They exceed 2^53 in principle, therefore length first, then digits.
 */
export const compareResourceVersions = (left: string | undefined, right: string | undefined): number | undefined => {
  if (left === undefined || right === undefined || !isDecimal(left) || !isDecimal(right)) return undefined
  if (left.length !== right.length) return left.length - right.length
  return left < right ? -1 : left > right ? 1 : 0
}

const isDecimal = (version: string): boolean => /^[1-9][0-9]*$/.test(version)
