import type { FastifyInstance } from 'fastify'
import type { ChatApiDependencies } from './dependencies.ts'
import { openApiDocument } from './openapi.ts'
import type { Operation } from './operation.ts'
import { loginOperation, registerAuthRoutes, signupOperation } from './routes/auth.ts'
import { chatOperation, registerChatRoute } from './routes/chat.ts'
import { listNotificationsOperation, registerNotificationRoutes } from './routes/notifications.ts'
import {
  completeTaskOperation,
  createTaskOperation,
  deleteTaskOperation,
  getTaskOperation,
  listTasksOperation,
  patchTaskOperation,
  putTaskOperation,
  reopenTaskOperation,
} from './routes/task-operations.ts'
import { registerTaskRoutes } from './routes/tasks.ts'

/** Every endpoint under /api/v1, in the order of the documentation. */
export const operations: readonly Operation[] = [
  signupOperation,
  loginOperation,
  createTaskOperation,
  listTasksOperation,
  getTaskOperation,
  patchTaskOperation,
  putTaskOperation,
  deleteTaskOperation,
  completeTaskOperation,
  reopenTaskOperation,
  chatOperation,
  listNotificationsOperation,
]

/** Adds chat-api's routes to a server that has correlation, problem+json and probes already (workers/lib/server.ts). */
export function registerChatApi(server: FastifyInstance, dependencies: ChatApiDependencies): void {
  registerAuthRoutes(server, dependencies)
  registerTaskRoutes(server, dependencies)
  registerChatRoute(server, dependencies)
  registerNotificationRoutes(server, dependencies)
  // Made when somebody asks: most processes never are, and it is the largest thing they would hold.
  let document: string | undefined
  server.get('/openapi.json', (_request, reply) => {
    document ??= JSON.stringify(openApiDocument(operations, dependencies.version))
    return reply.type('application/json; charset=utf-8').send(document)
  })
}
