/** No task of that id that this user may see: unknown, deleted, or another user's (which must look the same). */
export class TaskNotFound extends Error {
  override readonly name = 'TaskNotFound'
  readonly taskId: string
  constructor(taskId: string) {
    super(`There is no task ${taskId}.`)
    this.taskId = taskId
  }
}

/** The caller's If-Match names a version that is no longer current; nothing was changed. */
export class TaskVersionMismatch extends Error {
  override readonly name = 'TaskVersionMismatch'
  readonly taskId: string
  readonly currentVersion: number
  constructor(taskId: string, currentVersion: number) {
    super(`Task ${taskId} is at version ${currentVersion}.`)
    this.taskId = taskId
    this.currentVersion = currentVersion
  }
}
