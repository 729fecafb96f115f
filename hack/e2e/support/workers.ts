/** The workers of a system, in the order in which they start. */
export const workers = ['audit', 'recurring-task', 'notification', 'chat-api'] as const
/** One of {@link workers}. */
export type Worker = (typeof workers)[number]
