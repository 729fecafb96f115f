/**
 * What tests and benchmarks use of the dev cluster. Everything here runs real servers: no fakes.
 *
 * - `startControlPlane()`: etcd and kube-apiserver on free ports, beside anything else, in two seconds.
 * - `startPostgres()`, `startRedis()`, `startKafka()`, `startDaprd()`, `startS3()`: one server each on free ports, data in a
 *   temporary folder. `kill()` is a crash, `restart()` comes back on the same data, `stop()` removes everything.
 *
 * - `findFullCluster()`, `ensureFullCluster()`, `removeFullCluster()`, `preflight()`: the one full cluster of the
 *   machine, as `./hack/up` starts it and `./hack/down` removes it.
 *
 * All but the full cluster die with the calling process, however that ends.
 */
export { startControlPlane } from './isolated-control-plane.ts'
export type { IsolatedControlPlane, IsolatedOptions } from './isolated-control-plane.ts'
export { ensureFullCluster, findFullCluster, preflight, removeFullCluster } from './running-cluster.ts'
export type { EnsureOptions, RunningCluster } from './running-cluster.ts'
export { startDaprd } from './servers/daprd.ts'
export type { DaprdOptions, DaprdServer } from './servers/daprd.ts'
export { startKafka, startSecureKafka } from './servers/kafka.ts'
export type { KafkaServer, SecureKafkaServer } from './servers/kafka.ts'
export { startPostgres } from './servers/postgresql.ts'
export type { PostgresServer } from './servers/postgresql.ts'
export { startRedis } from './servers/redis.ts'
export type { RedisServer } from './servers/redis.ts'
export { startS3 } from './servers/s3.ts'
export type { S3Options, S3Server } from './servers/s3.ts'
export type { Server } from './servers/server.ts'
