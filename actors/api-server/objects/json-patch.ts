import { isObject } from "./decode";

/** One operation of a JSON Patch (RFC 6902). */
export interface Operation {
  readonly op: "add" | "remove" | "replace" | "move" | "copy" | "test";
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** An operation does not apply, in the words of the library that real servers use. */
export class PatchError extends Error {}

/** What all copies of a patch may come to, in bytes of JSON: a few that copy each other double the document with each. Source: apiserver's JSONPatchMaxCopyBytes. */
const copiedBytesMax = 3 * 1024 * 1024;

/**
 * The document after all operations, in their order. Changes the document, and puts the operations' values into it: give it copies of both. Each operation
 * costs as much as its path is long, whatever lies below; but what is copied. Throws PatchError.
 */
export function applyOperations(document: unknown, operations: readonly Operation[]): unknown {
  const root: Record<string, unknown> = { [whole]: document };
  let copied = 0;
  for (const operation of operations) {
    const { op, path, from = "", value } = operation;
    switch (op) {
      case "add":
        add(root, path, value, op);
        break;
      case "remove":
        remove(root, path, op);
        break;
      case "replace":
        replace(root, path, value);
        break;
      case "test":
        if (!isEqual(find(root, path), value)) throw new PatchError(`testing value ${path} failed: test failed`);
        break;
      case "move":
        add(root, path, remove(root, from, op), op);
        break;
      case "copy": {
        const found = find(root, from);
        if (found === undefined) throw missing(op, from);
        const text = JSON.stringify(found);
        copied += text.length;
        if (copied > copiedBytesMax)
          throw new PatchError(
            `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${copiedBytesMax}`,
          );
        add(root, path, JSON.parse(text), op);
      }
    }
  }
  return root[whole];
}

/** The document is a field of an object, so that the path "" is one like the others. */
const whole = "document";

function missing(op: string, path: string): PatchError {
  return new PatchError(`${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
}

/** The names along a path, the document's own first; undefined where it is no JSON pointer. */
function namesOf(path: string): readonly string[] | undefined {
  if (path === "") return [whole];
  if (!path.startsWith("/")) return undefined;
  return [
    whole,
    ...path
      .slice(1)
      .split("/")
      .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~")),
  ];
}

type Container = unknown[] | Record<string, unknown>;

/** Where a path ends: the list or object that has its last name; undefined where there is none. */
function placeOf(root: Container, path: string): { readonly container: Container; readonly name: string } | undefined {
  const names = namesOf(path);
  if (!names) return undefined;
  let container: unknown = root;
  for (const name of names.slice(0, -1)) container = child(container, name);
  if (!Array.isArray(container) && !isObject(container)) return undefined;
  return { container, name: names.at(-1)! };
}

function child(container: unknown, name: string): unknown {
  if (Array.isArray(container)) return container[indexOf(name, container.length)];
  return isObject(container) && Object.hasOwn(container, name) ? container[name] : undefined;
}

function find(root: Container, path: string): unknown {
  const place = placeOf(root, path);
  return place && child(place.container, place.name);
}

/** A place in a list of that many, counted from the end where it is negative; -1 for what is none. */
function indexOf(name: string, length: number): number {
  if (!/^(0|-?[1-9][0-9]{0,9})$/.test(name)) return -1;
  const index = Number(name) < 0 ? Number(name) + length : Number(name);
  return index >= 0 && index < length ? index : -1;
}

function add(root: Container, path: string, value: unknown, op: string): void {
  const place = placeOf(root, path);
  // An object's prototype is nobody's field.
  if (!place || place.name === "__proto__") throw missing(op, path);
  const { container, name } = place;
  if (!Array.isArray(container)) {
    container[name] = value;
    return;
  }
  const index = name === "-" ? container.length : indexOf(name, container.length + 1);
  if (index < 0) throw missing(op, path);
  container.splice(index, 0, value);
}

function remove(root: Container, path: string, op: string): unknown {
  const place = placeOf(root, path);
  const found = place && child(place.container, place.name);
  if (!place || found === undefined) throw missing(op, path);
  const { container, name } = place;
  if (Array.isArray(container)) container.splice(indexOf(name, container.length), 1);
  else if (container === root) container[name] = null;
  else delete container[name];
  return found;
}

function replace(root: Container, path: string, value: unknown): void {
  const place = placeOf(root, path);
  if (!place || child(place.container, place.name) === undefined) throw missing("replace", path);
  const { container, name } = place;
  if (Array.isArray(container)) container[indexOf(name, container.length)] = value;
  else container[name] = value;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  if (!isObject(a)) return a === b;
  if (!isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && isEqual(a[name], b[name]));
}
