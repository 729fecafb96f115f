import type { KubeObject } from '../kube/object.ts'
import { isAtomicMap, isSet, keyDefaults, listKeys, quantityFields } from './list-keys.ts'
import { sameQuantity } from './quantity.ts'

/** More differences than these are not told: one is enough to write, a few to explain. */
const MAX_DIFFERENCES = 10

type Json = Readonly<Record<string, unknown>>

/**
 * Where the live object does not hold what is desired, as paths like `spec.template.spec.containers[name=app].image`; empty when
 * the desired object is a subset of the live one. What the live object has besides (defaults, status, fields of others) does not
 * count. Quantities are compared by value, a desired zero value (false, 0, "", {}, []) equals absence, because the API server
 * leaves such fields out, and lists that are merged by key are matched by key (see list-keys.ts).
 */
export const differences = (desired: KubeObject, live: KubeObject): readonly string[] => {
  const found: string[] = []
  compareMap(desired, live, { object: desired, path: [], label: '', quantity: false, found })
  return found
}

interface Place {
  readonly object: KubeObject
  /** Field names only. */
  readonly path: readonly string[]
  /** For people. */
  readonly label: string
  /** Strings below here are quantities. */
  readonly quantity: boolean
  readonly found: string[]
}

const compare = (desired: unknown, live: unknown, place: Place): void => {
  if (place.found.length >= MAX_DIFFERENCES || desired === undefined) return
  if (live === undefined || live === null) {
    if (!isZero(desired)) place.found.push(place.label)
  } else if (Array.isArray(desired)) {
    if (Array.isArray(live)) compareList(desired, live, place)
    else place.found.push(place.label)
  } else if (isMap(desired)) {
    if (!isMap(live)) place.found.push(place.label)
    else compareMap(desired, live, place)
  } else if (desired !== live && !(place.quantity && sameQuantity(desired, live))) place.found.push(place.label)
}

const compareMap = (desired: Json, live: Json, place: Place): void => {
  for (const [field, value] of Object.entries(desired)) {
    const label = place.label === '' ? field : `${place.label}.${field}`
    const quantity = place.quantity || quantityFields.has(field)
    compare(value, live[field], { ...place, path: [...place.path, field], label, quantity })
  }
  if (!isAtomicMap(place.object, place.path)) return
  for (const field of Object.keys(live)) if (!(field in desired)) place.found.push(`${place.label}.${field}`)
}

const compareList = (desired: readonly unknown[], live: readonly unknown[], place: Place): void => {
  const keys = listKeys(place.object, place.path)
  if (keys !== undefined) {
    const byKey = new Map(live.map((item) => [keyOfItem(item, keys), item]))
    for (const item of desired) {
      const key = keyOfItem(item, keys)
      compare(item, byKey.get(key), { ...place, label: `${place.label}[${key}]` })
    }
  } else if (isSet(place.path)) {
    for (const item of desired) if (!live.includes(item)) place.found.push(`${place.label}[${String(item)}]`)
  } else if (desired.length !== live.length) place.found.push(place.label)
  else desired.forEach((item, index) => compare(item, live[index], { ...place, label: `${place.label}[${index}]` }))
}

const keyOfItem = (item: unknown, keys: readonly string[]): string => {
  const valueOf = (key: string): unknown => (isMap(item) ? item[key] : undefined) ?? keyDefaults[key]
  return keys.map((key) => `${key}=${JSON.stringify(valueOf(key))}`).join(',')
}

const isMap = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isZero = (value: unknown): boolean => {
  if (value === null || value === false || value === 0 || value === '') return true
  if (Array.isArray(value)) return value.length === 0
  return isMap(value) && Object.values(value).every(isZero)
}
