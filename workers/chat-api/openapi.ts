import { z } from 'zod'
import { problemCatalogue } from '../lib/http-errors.ts'
import { taskSchema } from '../lib/task/task.ts'
import type { Operation, ResponseShape } from './operation.ts'

type Json = Record<string, unknown>

const problemSchema = {
  type: 'object',
  description: 'RFC 9457 problem details. Branch on code; detail is for people.',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { enum: Object.keys(problemCatalogue) },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
    correlationId: { type: 'string' },
  },
}

const problem = {
  description: 'The request was refused or failed.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
}

/**
 * The OpenAPI 3.1 document of the operations, made from the schemas that validate their requests. OpenAPI 3.1 uses JSON Schema
 * 2020-12 as it is, which is what zod writes. Refinements zod cannot express (time zones, offsets) are in the descriptions.
 */
export function openApiDocument(operations: readonly Operation[], version: string): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations) {
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: describeOperation(operation) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Todo Chatbot API',
      version,
      description:
        'Tasks, a chat that understands plain English, and the inbox of reminders. Errors are application/problem+json.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'auth' }, { name: 'tasks' }, { name: 'chat' }, { name: 'notifications' }],
    paths,
    components: {
      schemas: { Task: jsonSchema(taskSchema, 'input'), Problem: problemSchema },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  }
}

function describeOperation(operation: Operation): Json {
  const parameters = [
    ...parametersOf(operation.params, 'path'),
    ...parametersOf(operation.query, 'query'),
    ...Object.entries(operation.requestHeaders ?? {}).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ]
  const responses: Record<string, Json> = { default: problem }
  for (const [status, shape] of Object.entries(operation.responses))
    responses[status] = describeResponse(Number(status), shape)
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [operation.tag],
    security: operation.authenticated ? [{ bearer: [] }] : [],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(operation.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(operation.body, 'input') } },
          },
        }
      : {}),
    responses,
  }
}

function describeResponse(status: number, { description, schema, headers }: ResponseShape): Json {
  if (status >= 400) return { ...problem, description, ...describeHeaders(headers) }
  return {
    description,
    ...describeHeaders(headers),
    ...(schema ? { content: { 'application/json': { schema: jsonSchema(schema, 'output') } } } : {}),
  }
}

function describeHeaders(headers: ResponseShape['headers']): Json {
  if (!headers) return {}
  const entries = Object.entries(headers).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ])
  return { headers: Object.fromEntries(entries) as Json }
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query'): Json[] {
  return Object.entries(schema.shape).map(([name, field]) => {
    const { description, ...shape } = jsonSchema(field as z.ZodType, 'output')
    return {
      name,
      in: place,
      required: place === 'path' || !(field as z.ZodType).safeParse(undefined).success,
      ...(description === undefined ? {} : { description }),
      schema: shape,
    }
  })
}

/** A schema as JSON Schema, with every task in it replaced by a reference to the one in components. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const document: Json = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema: written, path }) => {
      if (zodSchema !== taskSchema || (schema === taskSchema && path.length === 0 && io === 'input')) return
      for (const key of Object.keys(written)) Reflect.deleteProperty(written, key)
      written.$ref = '#/components/schemas/Task'
    },
  })
  // The dialect is OpenAPI 3.1's default; saying it in every schema would be noise.
  delete document['$schema']
  return document
}
