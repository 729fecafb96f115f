/**
 * Every routine check, as a closed catalogue: status.checks[], the metric todochatbot_check and docs/checks.md come from here. A check compares
 * what the parts say of themselves with what Kubernetes says, so that what is stuck, slow or lying is found without a person looking.
 */

/** One line of the catalogue. */
export interface CheckEntry {
  /** What is looked at, and where the answer comes from. */
  readonly asks: string
  /** What is a Warning, what a Failure. */
  readonly judges: string
  /** What an admin can do. */
  readonly remedy: string
}

/** The catalogue, by name. */
export const checkCatalogue = {
  'worker-health': {
    asks: 'GET /health of every worker pod, beside what Kubernetes says of the pod',
    judges:
      'Failed: a pod that is Ready does not answer or calls itself unhealthy. Warning: a pod is not Ready for two minutes',
    remedy: 'The message names the failing check of the worker; kubectl logs <pod> says more.',
  },
  dependencies: {
    asks: 'The pods of the Embedded PostgreSQL, Kafka and Redis',
    judges: 'Failed: none is ready. The External ones are judged by what the workers say of them (worker-health)',
    remedy: 'kubectl describe pod and kubectl logs of the StatefulSet that the message names.',
  },
  'database-connections': {
    asks: 'Connections of the whole PostgreSQL server against max_connections (asked through audit)',
    judges: 'Warning from 80 % on, Failed from 95 % on',
    remedy: 'Lower spec.database.pool.max or the number of replicas, or raise max_connections of the server.',
  },
  'database-pools': {
    asks: "Every worker's pool: connections in use, callers that wait",
    judges: 'Warning: callers wait. Failed: more wait than the pool has connections',
    remedy: 'Raise spec.database.pool.max, or find what holds connections: slow-queries and long-transactions.',
  },
  'slow-queries': {
    asks: 'Statements slower than spec.database.slowQueryThreshold: their share since the last look, those running now, and pg_stat_statements where it is installed',
    judges: 'Warning: 1 % of the statements, or one that runs right now. Failed: 10 %',
    remedy: 'The message names the statement. See database-indexes; the workers log every slow statement.',
  },
  'long-transactions': {
    asks: 'The oldest open transaction of the workers',
    judges: 'Warning: open for a minute. Failed: open for ten minutes',
    remedy:
      'It keeps rows locked and hinders vacuum. Find it in pg_stat_activity; restarting the worker that holds it ends it.',
  },
  'database-indexes': {
    asks: 'Every index of the migrations: there and valid',
    judges: 'Failed: an index is missing or invalid',
    remedy: 'Run the statement of the message as the owner of the schema; REINDEX an invalid one.',
  },
  'database-vacuum': {
    asks: 'Tables whose dead rows outnumber the living',
    judges: 'Warning: there are some',
    remedy: 'Look at long-transactions and at autovacuum of the server; VACUUM the table.',
  },
  outbox: {
    asks: 'Events that are stored and not published yet, by the database, not by the relay',
    judges: 'Warning: the oldest waits for 30 s. Failed: for five minutes',
    remedy: 'The relays publish through daprd: see worker-health, components and the condition KafkaReady.',
  },
  'overdue-reminders': {
    asks: 'Reminders whose time has passed and that have not fired',
    judges: 'Warning: the oldest is a minute late. Failed: ten minutes',
    remedy: 'The notification worker fires them: kubectl logs of it; scale it to at least 1.',
  },
  topics: {
    asks: 'Kafka topics against the spec: present, partitions, settings (the operator corrects what it may)',
    judges: 'Failed: a topic is missing, refused or claimed by another system. Warning: partitions differ',
    remedy: 'The message of status.topics[] says what Kafka refused.',
  },
  'partition-leaders': {
    asks: 'The leader of every partition, and how leaders are spread over the brokers',
    judges: 'Failed: a partition has no leader. Warning: one broker leads more than twice its share',
    remedy:
      'kafka-leader-election.sh --election-type preferred --all-topic-partitions; a partition without leader waits for its broker.',
  },
  'under-replicated-partitions': {
    asks: 'In-sync replicas of every partition',
    judges: 'Warning: fewer are in sync than exist. Failed: fewer than min.insync.replicas',
    remedy: 'A broker is down or too slow: kubectl get pods of the brokers, their logs and disks.',
  },
  'topic-retention': {
    asks: 'Whether a consumer is so late that events left the topic before it took them',
    judges: 'Failed: its position is older than the oldest event. Warning: less than a tenth of the topic lies between',
    remedy: 'Raise spec.kafka.topics.<topic>.retention and see consumer-lag.',
  },
  'consumer-groups': {
    asks: 'Members of every consumer group, beside the Ready pods of its worker',
    judges:
      'Failed: pods are Ready and the group has no member. Warning: fewer members than Ready pods, where partitions allow',
    remedy:
      'daprd of the worker does not consume: see subscriptions; kubectl logs <pod> -c daprd; deleting the pod starts it anew.',
  },
  'consumer-lag': {
    asks: 'Events that wait for each worker, and whether it takes any',
    judges: 'Warning: more than 1,000 wait. Failed: some wait for five minutes and none is taken',
    remedy: 'Scale the worker up to its partitions, or see worker-health and dead-letters of it.',
  },
  'dead-letters': {
    asks: 'Events that no worker could take',
    judges: 'Warning: there are some. Failed: they grow',
    remedy: 'kafka-console-consumer.sh on the topic shows them; the log of the worker says why each was refused.',
  },
  subscriptions: {
    asks: 'Subscriptions that every sidecar has loaded, beside those that exist as objects and those that should',
    judges: 'Failed: one is missing in a sidecar',
    remedy:
      'Delete the pod: daprd reads its subscriptions at start. If the object is missing the operator makes it again.',
  },
  components: {
    asks: 'Dapr components that every sidecar has loaded',
    judges: 'Failed: one is missing, or there is no sidecar',
    remedy: 'kubectl logs <pod> -c daprd says why it could not be loaded.',
  },
  'dapr-control-plane': {
    asks: 'Pods of the Dapr control plane (operator, sentry, sidecar-injector)',
    judges: 'Failed: one of them has no Ready pod. Unknown: the operator may not look into that namespace',
    remedy: 'kubectl get pods -n dapr-system. Running sidecars go on; new pods get none without the injector.',
  },
  'dapr-placement': {
    asks: 'Pods of the Dapr placement service',
    judges: 'Warning: none is Ready; this system uses no actors and goes on',
    remedy: 'kubectl logs -l app=dapr-placement-server -n dapr-system.',
  },
  certificates: {
    asks: 'Certificates that are shown to the operator: of Dapr Sentry with its issuer, and of External Kafka and Redis with TLS',
    judges: 'Warning: ends within 14 days. Failed: within 2 days, or over',
    remedy: 'Renew it: dapr mtls renew-certificate for the issuer of Dapr, else with whoever issued it.',
  },
  'secret-ages': {
    asks: 'Age of every Secret the system reads',
    judges: 'Warning: older than 365 days',
    remedy: 'Rotate it: change the password where it is checked and in the Secret; pods follow by themselves.',
  },
  storage: {
    asks: 'Size of the Embedded database against the capacity of its volume',
    judges: 'Warning: 75 % full. Failed: 90 % full',
    remedy: 'Grow the volume claim, or delete what is not needed: services.notification.config.notificationRetention.',
  },
  'resource-use': {
    asks: 'CPU and memory of every container against its limit (metrics.k8s.io)',
    judges: 'Warning: 85 % of a limit. Failed: 95 % of the memory limit. Unknown: the cluster serves no metrics',
    remedy: 'Raise spec.services.<worker>.resources, or for a time spec.services.<worker>.boost.',
  },
  'failed-pods': {
    asks: 'Pods of the system that failed or were evicted',
    judges: 'Warning: there are some',
    remedy: 'kubectl describe pod <pod> says why. They are removed after spec.maintenance.cleanup.failedPods.',
  },
  'network-policies': {
    asks: 'NetworkPolicies that should exist',
    judges: 'Failed: one is missing',
    remedy: 'The operator makes it again; the condition UpToDate says what hinders it.',
  },
  'audit-chain': {
    asks: 'The hash chain of the audit trail: what is new since the last look, a part of the rest in turn, and the last verified entry itself',
    judges: 'Failed: an entry is missing, doubled, changed, or the trail was rewritten',
    remedy:
      'Keep the database as it is and find out who changed it: GET /audit/verify of the audit worker lists the damage. After a new database on purpose, set the annotation todochatbot.dev/audit-reset to any new value.',
  },
  'backup-destination': {
    asks: 'A Job of this system: whether the destination of backups takes, gives back, lists and removes a small object, every spec.backup.checkInterval',
    judges: 'Failed: it does not. Passed without a figure: no destination is configured',
    remedy:
      'The message names the cause; kubectl logs of the Job <system>-backup-check-… says more. See docs/backup.md.',
  },
  'leftover-topics': {
    asks: 'Topics with the prefix of this system that it does not use',
    judges: 'Warning: there are some',
    remedy: 'kafka-topics.sh --delete, or spec.maintenance.cleanup.orphanTopics: Delete.',
  },
  'leftover-objects': {
    asks: 'ConfigMaps with the labels of this system, and its generated Secrets, that it does not use',
    judges: 'Warning: there are some',
    remedy:
      'kubectl delete, or spec.maintenance.cleanup.orphanObjects: Delete. Secrets are reported only: they may be the last copy of a password.',
  },
} as const satisfies Record<string, CheckEntry>

/** Name of a check. */
export type CheckName = keyof typeof checkCatalogue

/** Every name, in the order of the status. */
export const checkNames = Object.keys(checkCatalogue) as readonly CheckName[]
