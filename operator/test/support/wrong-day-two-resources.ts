import type { WrongResource } from './wrong-resources.ts'

const chatApi = (fields: string): string => `services: {chatApi: {${fields}}}`

/** Wrong in the fields of day two: scaling, temporary settings, remediation, maintenance. Refused when created. */
export const wrongDayTwoResources: readonly WrongResource[] = [
  {
    what: 'a number of pods and an autoscaler at once',
    spec: chatApi('replicas: 2, autoscaling: {max: 3, targetCPU: 80}'),
    says: ['spec.services.chatApi.replicas', 'replicas and autoscaling exclude each other'],
  },
  {
    what: 'an autoscaler without a target',
    spec: chatApi('autoscaling: {max: 3}'),
    says: ['autoscaling needs at least one of targetCPU, targetMemory and targetLag'],
  },
  {
    what: 'an autoscaler whose minimum is above its maximum',
    spec: chatApi('autoscaling: {min: 4, max: 3, targetCPU: 80}'),
    says: ['autoscaling.min must not exceed autoscaling.max'],
  },
  {
    what: 'an autoscaler without a maximum',
    spec: chatApi('autoscaling: {targetCPU: 80}'),
    says: ['spec.services.chatApi.autoscaling.max', 'Required value'],
  },
  {
    what: 'an autoscaler of chat-api by lag',
    spec: chatApi('autoscaling: {max: 3, targetLag: 10}'),
    says: ['spec.services', 'chatApi.autoscaling.targetLag has no meaning: chat-api takes no events'],
  },
  {
    what: 'an unknown policy for hand-made scaling',
    spec: chatApi('manualScaling: Ignore'),
    says: ['spec.services.chatApi.manualScaling', '"Revert", "Adopt"'],
  },
  {
    what: 'a disruption budget with both bounds',
    spec: chatApi('podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}'),
    says: ['podDisruptionBudget needs exactly one of minAvailable and maxUnavailable'],
  },
  {
    what: 'a disruption budget of 150 %',
    spec: chatApi('podDisruptionBudget: {minAvailable: "150%"}'),
    says: ['minAvailable', 'a percentage, such as 1 or "50%"'],
  },
  {
    what: 'an isolation without an end',
    spec: chatApi('isolated: {mode: Network, reason: leak, by: me}'),
    says: ['spec.services.chatApi.isolated.until', 'Required value'],
  },
  {
    what: 'an isolation without a reason',
    spec: chatApi('isolated: {mode: Network, by: me, until: "2030-01-01T00:00:00Z"}'),
    says: ['spec.services.chatApi.isolated.reason', 'Required value'],
  },
  {
    what: 'an unknown kind of isolation',
    spec: chatApi('isolated: {mode: Quarantine, reason: leak, by: me, until: "2030-01-01T00:00:00Z"}'),
    says: ['spec.services.chatApi.isolated.mode', '"ScaleDown", "Network"'],
  },
  {
    what: 'an isolation until a date in words',
    spec: chatApi('isolated: {mode: Network, reason: leak, by: me, until: tomorrow}'),
    says: ['spec.services.chatApi.isolated.until', 'RFC 3339 date-time with a zone'],
  },
  {
    what: 'a boost without an end',
    spec: chatApi('boost: {cpu: "1", reason: rush}'),
    says: ['spec.services.chatApi.boost.until', 'Required value'],
  },
  {
    what: 'debug logging until a day without a time',
    spec: chatApi('debugUntil: "2030-01-01"'),
    says: ['spec.services.chatApi.debugUntil', 'RFC 3339 date-time with a zone'],
  },
  {
    what: 'an unknown step in the ladder of the remediation',
    spec: 'remediation: {ladder: [Reboot]}',
    says: ['spec.remediation.ladder[0]', '"Restart"'],
  },
  {
    what: 'a remediation that isolates by itself, which stays a decision of a person',
    spec: 'remediation: {ladder: [Recreate, Isolate]}',
    says: ['spec.remediation.ladder[1]', '"Recreate", "Restart", "RaiseMemory", "RollBack"'],
  },
  {
    what: 'a step that is twice in the ladder',
    spec: 'remediation: {ladder: [Restart, Recreate, Restart]}',
    says: ['spec.remediation.ladder', 'each step may be there once'],
  },
  { what: 'an empty ladder', spec: 'remediation: {ladder: []}', says: ['spec.remediation.ladder'] },
  {
    what: 'a share of healthy workers in words',
    spec: 'remediation: {minHealthy: half}',
    says: ['minHealthy', 'a percentage, such as 1 or "50%"'],
  },
  {
    what: 'checks every second',
    spec: 'maintenance: {checks: {interval: 1s}}',
    says: ['spec.maintenance.checks.interval', 'must lie between 10s and 1d'],
  },
  {
    what: 'an unknown policy of clean-up',
    spec: 'maintenance: {cleanup: {orphanTopics: Purge}}',
    says: ['spec.maintenance.cleanup.orphanTopics', '"Ignore", "Report", "Delete"'],
  },
  {
    what: 'a progress deadline of two seconds',
    spec: 'update: {progressDeadline: 2s}',
    says: ['spec.update.progressDeadline', 'must lie between 30s and 1h'],
  },
]
