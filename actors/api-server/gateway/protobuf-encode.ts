import { MapField, Type } from "protobufjs";
import { parseDurationMs } from "../../../protocol/kinds/duration";
import { type JsonObject, timeMs } from "../../../protocol/kinds/object";
import { definition, type Schema } from "../../../protocol/kinds/registry";
import { definitionName, definitionOfKind, magic, messageOf, propertyName, unknownMessage } from "./protobuf-messages";

/**
 * Answers in Kubernetes' protobuf, as client-go asks for them. Objects are stored and travel as JSON; the gateway writes them anew for
 * who wants them so, and only the built-in kinds have messages.
 */

type Plain = Record<string, unknown>;

/** Whether objects of this kind can be written so. */
export function hasProtobuf(apiVersion: string, kind: string): boolean {
  const name = definitionOfKind(apiVersion, kind);
  return name !== undefined && messageOf(name) !== undefined;
}

/** An object as its bytes with the magic before them; undefined for a kind that has no message. */
export function toProtobuf(object: JsonObject): Uint8Array | undefined {
  const apiVersion = String(object.apiVersion ?? "");
  const kind = String(object.kind ?? "");
  const name = definitionOfKind(apiVersion, kind);
  const type = name === undefined ? undefined : messageOf(name);
  if (name === undefined || type === undefined) return undefined;
  const raw = type.encode(toMessage(object, type, definition(name))).finish();
  const unknown = unknownMessage();
  const wrapped = unknown.encode({ typeMeta: { apiVersion, kind }, raw, contentEncoding: "", contentType: "" }).finish();
  return Buffer.concat([Buffer.from(magic, "latin1"), wrapped]);
}

/** A watch event as it stands in a stream: a frame of four bytes that count, big end first, and a metav1.WatchEvent. */
export function toProtobufEvent(eventType: string, object: JsonObject): Uint8Array | undefined {
  const raw = toProtobuf(object);
  if (raw === undefined) return undefined;
  const type = messageOf("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent")!;
  const event = type.encode({ type: eventType, object: { raw } }).finish();
  const frame = Buffer.alloc(4 + event.length);
  frame.writeUInt32BE(event.length);
  frame.set(event, 4);
  return frame;
}

/** What a field of a message is filled with, found once for each message. */
interface Slot {
  readonly name: string;
  /** undefined for a struct that Go embeds: its fields are those of the whole in JSON. */
  readonly property: string | undefined;
  readonly shape: "one" | "list" | "map";
  readonly type: Type | undefined;
  readonly isBytes: boolean;
  readonly schema: Schema | undefined;
}

const slots = new WeakMap<Type, readonly Slot[]>();

function slotsOf(type: Type, schema: Schema | undefined): readonly Slot[] {
  const known = slots.get(type);
  if (known) return known;
  const properties = schema?.properties ?? {};
  const made = type.fieldsArray.map((field): Slot => {
    const property = propertyName(field.name, properties);
    const resolved = field.resolvedType instanceof Type ? field.resolvedType : undefined;
    const of = property === undefined ? schema : properties[property];
    const shape = field instanceof MapField ? "map" : field.repeated ? "list" : "one";
    const inner = shape === "map" ? of?.additionalProperties : shape === "list" ? of?.items : of;
    return {
      name: field.name,
      property: property ?? (resolved ? undefined : field.name),
      shape,
      type: resolved,
      isBytes: field.type === "bytes",
      schema: inner,
    };
  });
  slots.set(type, made);
  return made;
}

function toMessage(json: JsonObject, type: Type, schema: Schema | undefined): Plain {
  const message: Plain = {};
  for (const slot of slotsOf(type, schema)) {
    const { name, property } = slot;
    if (property === undefined) {
      message[name] = toMessage(json, slot.type!, definition(definitionName(slot.type!)) ?? schema);
      continue;
    }
    const value = json[property];
    if (value === undefined || value === null) continue;
    if (slot.shape === "list") message[name] = (value as readonly unknown[]).map((each) => toValue(each, slot));
    else if (slot.shape === "map")
      message[name] = Object.fromEntries(Object.entries(value as JsonObject).map(([key, each]) => [key, toValue(each, slot)]));
    else message[name] = toValue(value, slot);
  }
  return message;
}

function toValue(value: unknown, { type, isBytes, schema }: Slot): unknown {
  if (type) return toTyped(value, type, schema);
  if (isBytes) return Buffer.from(String(value), "base64");
  return value;
}

/** The types that JSON writes in a way of their own; all others are objects. */
function toTyped(value: unknown, type: Type, schema: Schema | undefined): unknown {
  switch (type.name) {
    case "Time":
    case "MicroTime":
      return toTime(String(value));
    case "Duration":
      return { duration: Math.round((parseDurationMs(String(value)) ?? 0) * 1e6) };
    case "Quantity":
      return { string: String(value) };
    case "IntOrString":
      return typeof value === "number" ? { type: 0, intVal: value, strVal: "" } : { type: 1, intVal: 0, strVal: String(value) };
    case "RawExtension":
    case "JSON":
      return { raw: Buffer.from(JSON.stringify(value)) };
    case "FieldsV1":
      return { Raw: Buffer.from(JSON.stringify(value)) };
    case "JSONSchemaPropsOrArray":
      return Array.isArray(value) ? { jSONSchemas: value.map((each) => ofSchema(each, type)) } : { schema: ofSchema(value, type) };
    case "JSONSchemaPropsOrBool":
      return typeof value === "boolean" ? { allows: value } : { allows: true, schema: ofSchema(value, type) };
    case "JSONSchemaPropsOrStringArray":
      return Array.isArray(value) ? { property: value } : { schema: ofSchema(value, type) };
  }
  // Lists that have a name of their own in Go (ExtraValue, Verbs) are messages with one field.
  if (Array.isArray(value)) return { items: value };
  return toMessage(value as JsonObject, type, definition(definitionName(type)) ?? schema);
}

function ofSchema(value: unknown, either: Type): Plain {
  const type = either.fields.schema!.resolvedType as Type;
  return toMessage(value as JsonObject, type, definition(definitionName(type)));
}

/** Seconds and nanoseconds since 1970 of an RFC 3339 time, whose fraction may have nine digits. */
function toTime(text: string): Plain {
  const wholeMs = timeMs(text.replace(/\.\d+/, "")) ?? 0;
  const fraction = /\.(\d{1,9})/.exec(text)?.[1] ?? "";
  return { seconds: Math.floor(wholeMs / 1000), nanos: Number(fraction.padEnd(9, "0")) };
}
