/** `metav1.LabelSelector`: all of it must hold, so an empty one takes everything. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | (string & {})
    readonly values?: readonly string[]
  }[]
}

/**
 * Whether labels satisfy a selector. NotIn and DoesNotExist hold where the label is absent, as in Kubernetes.
 * @param unknown the answer for an operator of a later Kubernetes; the API server of today refuses others
 */
export const selects = (
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
  labels: Readonly<Record<string, string>>,
  unknown: boolean,
): boolean =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, operator, values = [] }) => {
    const value = labels[key]
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value)
      case 'NotIn':
        return value === undefined || !values.includes(value)
      case 'Exists':
        return value !== undefined
      case 'DoesNotExist':
        return value === undefined
      default:
        return unknown
    }
  })
