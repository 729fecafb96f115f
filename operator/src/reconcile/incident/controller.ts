/** What wakes the reconcile of an Incident: itself, its Job, the Job's pod, its system, its claim. */
import { label } from '../../api/v1alpha1/labels.ts'
import { incidentKind, type IncidentSpec } from '../../api/v1alpha1/incident.ts'
import type { KubeObject } from '../../kube/object.ts'
import type { Controller } from '../../runtime/controller.ts'
import { wakeByJob, wakeByPod, wakeItself } from '../one-shot/wake.ts'
import type { Informers } from '../todochatbot/informers.ts'

/** Connects informers to the queue of incidents. */
export function wakeIncidents(informers: Informers, controller: Pick<Controller, 'enqueue'>): void {
  informers.Incident.onChange((change) => wakeItself(change, controller))
  wakeByJob(informers, incidentKind, controller)
  wakeByPod(informers, label.incident, controller)
  informers.TodoChatbot.onChange(({ object, previous, initial }) => {
    // A hand-made Incident may be older than its system.
    if (initial || previous !== undefined) return
    for (const incident of incidentsOf(informers, object)) controller.enqueue(incident.metadata)
  })
}

/** Every Incident about a system. */
export function incidentsOf(
  { Incident }: Pick<Informers, 'Incident'>,
  { metadata: { name, namespace = '' } }: Pick<KubeObject, 'metadata'>,
): readonly KubeObject[] {
  return Incident.inNamespace(namespace).filter(
    ({ spec }) => (spec as Partial<IncidentSpec> | undefined)?.system === name,
  )
}
