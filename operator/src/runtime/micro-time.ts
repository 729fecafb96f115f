/**
 * `metav1.MicroTime`: RFC 3339 with exactly six decimals. The API server refuses Leases and Events whose times carry fewer or
 * more (kubernetes-client/gen#224). `milliseconds` is Unix time.
 */
export const microTime = (milliseconds: number): string => `${new Date(milliseconds).toISOString().slice(0, -1)}000Z`
