import type { FastifyInstance } from 'fastify'

/**
 * Remembers every route that is registered from now on; the answer gives the methods a path has, in the order of their registration, and none
 * for a path that does not exist. Fastify itself only knows whether method and path together exist.
 */
export function rememberRoutes(server: FastifyInstance): (path: string) => readonly string[] {
  const routes: { readonly pattern: readonly string[]; readonly methods: readonly string[] }[] = []
  server.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: segmentsOf(url), methods: [method].flat() })
  })
  return (path) => {
    const segments = segmentsOf(path)
    return [...new Set(routes.filter(({ pattern }) => fits(pattern, segments)).flatMap(({ methods }) => methods))]
  }
}

const segmentsOf = (path: string): string[] => path.split('/')

/** A parameter stands for one segment that is not empty. */
const fits = (pattern: readonly string[], path: readonly string[]): boolean =>
  pattern.length === path.length &&
  pattern.every((segment, index) => (segment.startsWith(':') ? path[index] !== '' : segment === path[index]))
