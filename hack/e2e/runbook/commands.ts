/**
 * Every read-only command of the operational runbook, as it is written there, with its placeholders filled in. `docs/runbook.md` lists the
 * same commands; the test runs them against a running system.
 */

/** What the placeholders of the runbook stand for. */
export interface Placeholders {
  readonly namespace: string
  /** `<pod-name>`: a pod of a worker. */
  readonly pod: string
  /** `<deployment-name>` */
  readonly deployment: string
  /** `<kafka-pod>` */
  readonly kafkaPod: string
  /** `<consumer-group>` */
  readonly consumerGroup: string
  /** `<postgres-pod>` */
  readonly postgresPod: string
}

/** One command and what an admin reads in its answer. */
export interface RunbookCommand {
  readonly section: string
  /** Words after `kubectl`. */
  readonly args: readonly string[]
  readonly shows: readonly RegExp[]
}

const words = (command: string): readonly string[] => command.split(' ')

/** The commands in the order of the runbook. */
export function runbookCommands(of: Placeholders): readonly RunbookCommand[] {
  const { namespace, pod, deployment, kafkaPod, consumerGroup, postgresPod } = of
  const command = (section: string, line: string, ...shows: readonly RegExp[]): RunbookCommand => ({
    section,
    args: words(line),
    shows,
  })
  const inNamespace = (section: string, line: string, ...shows: readonly RegExp[]): RunbookCommand =>
    command(section, `${line} -n ${namespace}`, ...shows)
  return [
    inNamespace(
      'Starting the System',
      'wait --for=condition=ready pod -l app.kubernetes.io/name=kafka --timeout=300s',
      /kafka-0 condition met/,
    ),
    // The runbook says app=dapr-placement; Dapr's chart labels the pods app=dapr-placement-server since 1.0.
    command(
      'Starting the System',
      'wait --for=condition=ready pod -l app=dapr-placement-server -n dapr-system --timeout=300s',
      /condition met/,
    ),
    inNamespace('Checking Service Status', 'get pods', /chat-api.* 2\/2 +Running/, /kafka-0 +1\/1 +Running/),
    inNamespace('Checking Service Status', 'get svc', /chat-api +ClusterIP/, /postgresql +ClusterIP/),
    inNamespace('Checking Service Status', 'get deployments', /chat-api +1\/1/, /audit +1\/1/),
    inNamespace('Checking Service Status', `logs ${pod}`, /"msg":"started"/),
    inNamespace('Checking Service Status', `describe pod ${pod}`, /daprd/, /Ready +True/),
    inNamespace('Configuration Management', 'get configmaps', /chat-api-config/, /audit-config/),
    inNamespace('Configuration Management', 'get secrets', /-database/, /-auth/),
    inNamespace('Service Unavailable', `logs ${pod} -c daprd`, /dapr initialized|component loaded/i),
    command(
      'Event Processing Issues',
      `exec ${kafkaPod} -n ${namespace} -- kafka-topics.sh --list --bootstrap-server localhost:9092`,
      /^task-events$/m,
      /^task-events\.dlq$/m,
    ),
    command(
      'Event Processing Issues',
      `exec ${kafkaPod} -n ${namespace} -- kafka-consumer-groups.sh --bootstrap-server localhost:9092 --describe --group ${consumerGroup}`,
      /LAG/,
      /task-events/,
    ),
    inNamespace('Event Processing Issues', 'get components.dapr.io', /task-pubsub/, /statestore/),
    inNamespace('Database Connectivity', 'get pods', /postgresql-0 +1\/1 +Running/),
    {
      section: 'Database Connectivity',
      args: ['exec', postgresPod, '-n', namespace, '--', 'psql', '-U', 'postgres', '-d', 'todo', '-c', 'select 1'],
      shows: [/1 row/],
    },
    command('Dapr-Specific Issues', 'get pods -n dapr-system', /dapr-sidecar-injector.*Running/),
    command('Dapr-Specific Issues', 'logs -l app=dapr-placement-server -n dapr-system', /level=|"level"/),
    inNamespace('Resource Constraints', 'top pods', /chat-api/, /Mi/),
    command('Resource Constraints', 'top nodes', /%/),
    inNamespace('Resource Constraints', `describe deployment ${deployment}`, /Limits:/, /Requests:/),
    command('Resource Constraints', 'get pods -A --field-selector=status.phase=Failed'),
    command(
      'Backup Procedures',
      `exec ${postgresPod} -n ${namespace} -- pg_dump -U postgres todo`,
      /PostgreSQL database dump complete/,
    ),
    command(
      'Backup Procedures',
      `exec ${kafkaPod} -n ${namespace} -- kafka-console-consumer.sh --bootstrap-server localhost:9092 --topic task-events --from-beginning --max-messages 1`,
      /com\.todo\.task\./,
    ),
    inNamespace('Service Degradation', `rollout history deployment/${deployment}`, /REVISION/),
  ]
}
