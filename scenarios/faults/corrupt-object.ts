import { isSealed } from "../../actors/api-server/storage/encryption/ciphers";
import type { EtcdRequest, KeyValue, RangeResponse } from "../../protocol/etcd";
import type { JsonObject } from "../../protocol/kinds/object";
import type { JsonSchema } from "../schema";
import type { Tank } from "../tank";
import { askEtcd } from "./etcd-members";
import { count, type Fault } from "./fault";

const ways = ["flip", "zero", "empty", "remove"] as const;
type Way = (typeof ways)[number];
const objectSchema: JsonSchema = {
  type: "string",
  pattern: "^[a-z.]+(/[^/]+){1,2}$",
  description: 'an object of the store, "pods/shop/web-1" or "nodes/node-1"',
};
const withinMs = 30_000;
/** Fields by which the store itself is kept. */
const untouched: ReadonlySet<string> = new Set(["apiVersion", "kind", "name", "namespace", "uid", "creationTimestamp", "managedFields"]);

export const corruptObject: Fault = {
  name: "corrupt-object",
  what: "Changes a field of an object in etcd itself, behind the API servers' backs, as a bug or a broken client would: a bit of it, or to zero, to nothing, or takes it away (Mutiny!). Where the wrong value still stands when the fault ends, the right one is put back.",
  params: {
    object: objectSchema,
    resource: {
      type: "string",
      description: 'any object of this resource, such as "pods" or "endpointslices"; drawn from all where neither is given',
    },
    field: { type: "string", description: 'the field, such as "spec.replicas" or "metadata.labels.app"; drawn where not given' },
    way: { enum: [...ways], description: "what becomes of it; a bit of it flips where not given" },
  },
  required: [],
  silences: false,
  begin(tank, _hosts, params, id) {
    const done: { readonly key: Uint8Array; readonly before: Uint8Array; readonly after: Uint8Array; readonly field: string }[] = [];
    const way = (params.way ?? "flip") as Way;
    find(tank, params as Readonly<Record<string, string | undefined>>, tank.draw(id, "object", 0), (found) => {
      // What is encrypted has no fields that could be told apart.
      if (found === undefined || isSealed(found.value)) return;
      const object = JSON.parse(Buffer.from(found.value).toString("utf8")) as JsonObject;
      const fields = params.field === undefined ? fieldsOf(object) : [String(params.field).split(".")];
      const field = fields[Math.floor(tank.draw(id, "field", 0) * fields.length)];
      if (field === undefined || !spoil(object, field, way, tank.draw(id, "bit", 0))) return;
      const after = Buffer.from(JSON.stringify(object));
      put(tank, found.key, found.modRevision, after, () =>
        done.push({ key: found.key, before: found.value, after, field: field.join(".") }),
      );
    });
    return {
      end() {
        for (const { key, before, after } of done)
          read(tank, key, (now) => {
            if (now && Buffer.compare(now.value, after) === 0) put(tank, key, now.modRevision, before, () => undefined);
          });
        return done.map(({ key, field }) => `${count(1, "field", "of")} ${nameOf(key)} was wrong: ${field}`).join(", ");
      },
    };
  },
};

const root = "/registry/";

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString("utf8").slice(root.length);
}

/** An object as it stands in the store; undefined where there is none. */
function find(
  tank: Tank,
  { object, resource }: Readonly<Record<string, string | undefined>>,
  draw: number,
  then: (found: KeyValue | undefined) => void,
): void {
  if (object !== undefined) return read(tank, Buffer.from(`${root}${object}`), then);
  const key = Buffer.from(resource === undefined ? root : `${root}${resource}/`);
  const rangeEnd = Uint8Array.from(key);
  rangeEnd[rangeEnd.length - 1]!++;
  const range: EtcdRequest = { ...all, key, rangeEnd };
  askEtcd(tank, range, withinMs, (answer) => {
    const objects = ((answer as RangeResponse | undefined)?.kvs ?? []).filter(({ value }) => Buffer.from(value).includes('"metadata":{'));
    then(objects[Math.floor(draw * objects.length)]);
  });
}

const all = {
  kind: "etcd.range",
  limit: 0,
  revision: 0,
  sortOrder: "none",
  sortTarget: "key",
  serializable: false,
  keysOnly: false,
  countOnly: false,
} as const;

function read(tank: Tank, key: Uint8Array, then: (found: KeyValue | undefined) => void): void {
  askEtcd(tank, { ...all, key, rangeEnd: new Uint8Array(0) }, withinMs, (answer) => then((answer as RangeResponse | undefined)?.kvs[0]));
}

/** Writes the value if the key is still as it was. */
function put(tank: Tank, key: Uint8Array, modRevision: number, value: Uint8Array, then: () => void): void {
  const txn: EtcdRequest = {
    kind: "etcd.txn",
    compare: [{ key, target: "mod", result: "equal", number: modRevision, value: new Uint8Array(0) }],
    success: [{ kind: "etcd.put", key, value, lease: 0, prevKv: false }],
    failure: [],
  };
  askEtcd(tank, txn, withinMs, (answer) => {
    if (answer?.kind === "etcd.txn.response" && answer.succeeded) then();
  });
}

/** Paths of all fields that hold a plain value. */
function fieldsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value)
    .filter(([name]) => !untouched.has(name))
    .flatMap(([name, inner]) => fieldsOf(inner, [...path, name]));
}

/** Changes a field in place; false where there is none to change. */
function spoil(object: JsonObject, path: readonly string[], way: Way, draw: number): boolean {
  let holder: unknown = object;
  for (const name of path.slice(0, -1)) holder = (holder as JsonObject | undefined)?.[name];
  const last = path[path.length - 1]!;
  if (typeof holder !== "object" || holder === null || !(last in holder)) return false;
  const record = holder as Record<string, unknown>;
  const value = record[last];
  if (way === "remove") delete record[last];
  else record[last] = spoiled(value, way, draw);
  return record[last] !== value;
}

function spoiled(value: unknown, way: "flip" | "zero" | "empty", draw: number): unknown {
  switch (typeof value) {
    case "number":
      return way === "flip" ? value ^ (1 << Math.floor(draw * 4)) : 0;
    case "boolean":
      return way === "flip" ? !value : false;
    case "string": {
      if (way !== "flip" || value === "") return "";
      const at = Math.floor(draw * value.length);
      // The lowest bit of a character: a letter becomes its neighbour.
      return value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ 1) + value.slice(at + 1);
    }
    default:
      return Array.isArray(value) ? [] : {};
  }
}
