import type { KubeObject } from '../kube/object.ts'
import { isAtomicMap, isSet, keyDefaults, listKeys, quantityFields, type FieldPlace } from './list-keys.ts'
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
  compareMap(desired, live, { kind: desired.kind, top: '', field: '', step: '', quantity: false, up: undefined, found })
  return found
}

/** A map or list of the desired object. Made for these alone, and told in words only when something differs: this runs over every object written. */
interface Place extends FieldPlace {
  /** What leads from `up` here, as people write it: `.containers`, `[name=app]`. */
  readonly step: string
  /** Strings below here are quantities. */
  readonly quantity: boolean
  readonly up: Place | undefined
  readonly found: string[]
}

const labelOf = (place: Place | undefined): string => (place === undefined ? '' : `${labelOf(place.up)}${place.step}`)

const tell = ({ found }: Place, label: string): void => {
  found.push(label.startsWith('.') ? label.slice(1) : label)
}

/** @param field of a map; undefined: an item of a list, which counts as what the list is */
const compare = (desired: unknown, live: unknown, up: Place, step: string, field: string | undefined): void => {
  if (desired === live || desired === undefined || up.found.length >= MAX_DIFFERENCES) return
  if (live === undefined || live === null) {
    if (!isZero(desired)) tell(up, labelOf(up) + step)
  } else if (typeof desired === 'object' && desired !== null) {
    const place = {
      kind: up.kind,
      top: up.up === undefined && field !== undefined ? field : up.top,
      field: field ?? up.field,
      step,
      quantity: isQuantity(up, field),
      up,
      found: up.found,
    }
    if (Array.isArray(desired)) {
      if (Array.isArray(live)) compareList(desired, live, place)
      else tell(up, labelOf(place))
    } else if (isMap(live)) compareMap(desired as Json, live, place)
    else tell(up, labelOf(place))
  } else if (!(isQuantity(up, field) && sameQuantity(desired, live))) tell(up, labelOf(up) + step)
}

const isQuantity = ({ quantity }: Place, field: string | undefined): boolean =>
  quantity || (field !== undefined && quantityFields.has(field))

const compareMap = (desired: Json, live: Json, place: Place): void => {
  for (const field of Object.keys(desired)) {
    if (desired[field] !== live[field]) compare(desired[field], live[field], place, `.${field}`, field)
  }
  if (!isAtomicMap(place)) return
  for (const field of Object.keys(live)) if (!(field in desired)) tell(place, `${labelOf(place)}.${field}`)
}

const compareList = (desired: readonly unknown[], live: readonly unknown[], place: Place): void => {
  const keys = listKeys(place)
  if (keys !== undefined) {
    const byKey = new Map(live.map((item) => [keyOfItem(item, keys), item]))
    for (const item of desired) {
      const key = keyOfItem(item, keys)
      compare(item, byKey.get(key), place, `[${key}]`, undefined)
    }
  } else if (isSet(place)) {
    for (const item of desired) if (!live.includes(item)) tell(place, `${labelOf(place)}[${String(item)}]`)
  } else if (desired.length !== live.length) tell(place, labelOf(place))
  else desired.forEach((item, index) => compare(item, live[index], place, `[${index}]`, undefined))
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
