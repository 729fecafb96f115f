import type { CallOptions, KubeClient, KubeList, Selection } from './client.ts'
import { apiVersionOf, kindOf, pathOf } from './kinds.ts'
import type { ResourceKind } from './kinds.ts'
import { isNotFound } from './kube-error.ts'
import type { KubeObject } from './object.ts'
import type { KubeRequest, Transport } from './transport.ts'

const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

/** Query parameters of a selection, shared by list and watch. */
export const queryOf = ({ labelSelector, fieldSelector }: Selection): NonNullable<KubeRequest['query']> => ({
  labelSelector,
  fieldSelector,
})

/** Makes the client of single calls on top of a transport. */
export const createKubeClient = (transport: Transport): KubeClient => {
  const call = async (request: KubeRequest, { signal, timeoutMs, urgent }: CallOptions = {}) =>
    transport.request({ ...request, signal, timeoutMs, urgent })

  const write = (
    method: 'POST' | 'PUT',
    object: KubeObject,
    options: CallOptions & { fieldManager: string; subresource?: 'status' | undefined },
  ) => {
    const { namespace, name } = object.metadata
    const { subresource, fieldManager } = options
    const path = pathOf(kindOf(object), method === 'POST' ? { namespace } : { namespace, name, subresource })
    return call({ method, path, query: { fieldManager }, body: object }, options)
  }

  return {
    get: async (kind, ref, options) => {
      const { body } = await call({ method: 'GET', path: pathOf(kind, ref) }, options)
      return body as KubeObject
    },
    list: async (kind, options = {}) => {
      const { namespace, metadataOnly, limit, continueToken } = options
      const { body } = await call(
        {
          method: 'GET',
          path: pathOf(kind, { namespace }),
          query: { ...queryOf(options), limit, continue: continueToken },
          ...(metadataOnly === true && { accept: METADATA_LIST }),
        },
        options,
      )
      return listOf(kind, body)
    },
    create: async (object, options) => (await write('POST', object, options)).body as KubeObject,
    replace: async (object, options) => (await write('PUT', object, options)).body as KubeObject,
    apply: async (object, options) => {
      const { namespace, name } = object.metadata
      const { status, body } = await call(
        {
          method: 'PATCH',
          path: pathOf(kindOf(object), { namespace, name, subresource: options.subresource }),
          // Unknown fields are refused by server-side apply itself; the default, Warn, parses every body a second time to find them.
          query: { fieldManager: options.fieldManager, force: options.force ?? true, fieldValidation: 'Ignore' },
          // JSON is YAML; the API server knows no other media type for server-side apply (KEP-555).
          contentType: 'application/apply-patch+yaml',
          body: object,
        },
        options,
      )
      return { object: body as KubeObject, created: status === 201 }
    },
    patch: async (kind, ref, patch, options) => {
      const { body } = await call(
        {
          method: 'PATCH',
          path: pathOf(kind, { ...ref, subresource: options.subresource }),
          query: { fieldManager: options.fieldManager },
          contentType: 'application/merge-patch+json',
          body: patch,
        },
        options,
      )
      return body as KubeObject
    },
    delete: async (kind, ref, options = {}) => {
      const { uid, resourceVersion, propagation = 'Background' } = options
      try {
        const { body } = await call(
          {
            method: 'DELETE',
            path: pathOf(kind, ref),
            body: {
              apiVersion: 'v1',
              kind: 'DeleteOptions',
              propagationPolicy: propagation,
              preconditions: { uid, resourceVersion },
            },
          },
          options,
        )
        const answer = body as Partial<KubeObject> | undefined
        return answer?.kind === kind.kind ? (answer as KubeObject) : undefined
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },
  }
}

/** Items of a list answer carry neither apiVersion nor kind; they are added from the table. */
export const listOf = (kind: ResourceKind, body: unknown): KubeList => {
  const list = body as {
    metadata?: { resourceVersion?: string; continue?: string }
    items?: readonly KubeObject[] | null
  }
  const apiVersion = apiVersionOf(kind)
  return {
    items: (list.items ?? []).map((item) => ({ ...item, apiVersion, kind: kind.kind })),
    resourceVersion: list.metadata?.resourceVersion ?? '',
    continueToken: list.metadata?.continue === '' ? undefined : list.metadata?.continue,
  }
}
