import type { ObjectMeta, OwnerReference } from "./generated";

/**
 * What every API object has, and the small facts about ownership and naming that each component needs.
 * Objects are plain JSON and read-only: whoever changes one makes a new one.
 */

/** Any JSON object, before anything is known about it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** An object that says what it is. `Pod`, `Deployment`, … of generated.ts add spec and status. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** Metadata as the API server fills it in; what was read from the API always has these. */
export interface StoredMeta extends ObjectMeta {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339, seconds, UTC. */
  readonly creationTimestamp: string;
}

/** `Stored<Pod>`: a Pod as read from the API. */
export type Stored<T = ApiObject> = T & { readonly apiVersion: string; readonly kind: string; readonly metadata: StoredMeta };

type WithMeta = { readonly metadata?: ObjectMeta };

/** The owner that manages the object, if it has one: the owner reference with `controller: true`. */
export function controllerOf(object: WithMeta): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

/** Whether `owner` is the controller of `object`; compared by uid, since names are used again. */
export function isControlledBy(object: WithMeta, owner: { readonly metadata: { readonly uid?: string } }): boolean {
  return owner.metadata.uid !== undefined && controllerOf(object)?.uid === owner.metadata.uid;
}

/** Whether `owner` is among the owners of `object`, controlling or not. */
export function isOwnedBy(object: WithMeta, owner: { readonly metadata: { readonly uid?: string } }): boolean {
  const { uid } = owner.metadata;
  return uid !== undefined && (object.metadata?.ownerReferences?.some((reference) => reference.uid === uid) ?? false);
}

/** A reference to an owner that does not control. */
export function ownerReference(owner: Stored): OwnerReference {
  return { apiVersion: owner.apiVersion, kind: owner.kind, name: owner.metadata.name, uid: owner.metadata.uid };
}

/** The reference a controller puts into what it creates: controlling, and blocking the owner's foreground deletion. */
export function controllerReference(owner: Stored): OwnerReference {
  return { ...ownerReference(owner), controller: true, blockOwnerDeletion: true };
}

/** "namespace/name", or "name" for what has no namespace: the key of work queues and caches. */
export function objectKey(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

/** The key of an object. */
export function keyOf(object: WithMeta): string {
  return objectKey(object.metadata?.namespace, object.metadata?.name ?? "");
}

/** The inverse of objectKey. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf("/");
  return slash < 0 ? { namespace: "", name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Whether deletion has been asked for; the object lives on until its grace is over and its finalizers are gone. */
export function isBeingDeleted(object: WithMeta): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

/** RFC 3339 with whole seconds, the form of `metav1.Time`. `now` is milliseconds since 1970. */
export function timestamp(nowMs: number): string {
  const second = Math.floor(nowMs / 1000);
  return `${dayAndTime(second) ?? new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 with six decimals, the form of `metav1.MicroTime` (Leases and events). `now` is milliseconds since 1970, fractions welcome. */
export function microTimestamp(nowMs: number): string {
  const wholeMs = Math.floor(nowMs);
  const micros = Math.floor((nowMs - wholeMs) * 1000);
  const second = Math.floor(wholeMs / 1000);
  const start = dayAndTime(second);
  const toMillis = start === undefined ? new Date(wholeMs).toISOString().slice(0, 23) : `${start}.${digits(wholeMs - second * 1000, 3)}`;
  return `${toMillis}${digits(micros, 3)}Z`;
}

const digits = (value: number, length: number) => String(value).padStart(length, "0");

/** The last second of the year 9999. */
const lastSecond = 253_402_300_799;

/**
 * A second since 1970 as "2024-02-29T23:59:59", by the calendar's arithmetic: every status and every Lease says the time, and a simulation guards
 * Date so that it is many times slower. Undefined before 1970 and after 9999.
 */
function dayAndTime(second: number): string | undefined {
  if (!(second >= 0 && second <= lastSecond)) return undefined;
  const day = Math.floor(second / 86_400);
  const time = second - day * 86_400;
  // Years are counted from March of the year 0, so that leap days come last; an era has 400 years and 146,097 days.
  const fromMarch = day + 719_468;
  const era = Math.floor(fromMarch / 146_097);
  const ofEra = fromMarch - era * 146_097;
  const yearOfEra = Math.floor((ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365);
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * ofYear + 2) / 153);
  const dayOfMonth = ofYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const date = `${year}-${digits(month, 2)}-${digits(dayOfMonth, 2)}`;
  return `${date}T${digits(Math.floor(time / 3600), 2)}:${digits(Math.floor((time % 3600) / 60), 2)}:${digits(time % 60, 2)}`;
}

/** Milliseconds since 1970 of an RFC 3339 time, or undefined when there is none or it does not parse. */
export function timeMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
