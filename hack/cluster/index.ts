/**
 * What tests and benchmarks use of the dev cluster. Everything here runs real servers: no fakes.
 *
 * - `startControlPlane()`: etcd and kube-apiserver on free ports, beside anything else.
 */
export { startControlPlane } from './isolated-control-plane.ts'
export type { IsolatedControlPlane, IsolatedOptions } from './isolated-control-plane.ts'
