import { type Field, MapField, type Message, Type } from "protobufjs";
import { formatDurationMs } from "../../../protocol/kinds/duration";
import { type JsonObject, microTimestamp, timestamp } from "../../../protocol/kinds/object";
import { definition, type Schema } from "../../../protocol/kinds/registry";
import { isMeant } from "./presence";
import { definitionName, definitionOfKind, type Envelope, magic, messageOf, propertyName, unknownMessage } from "./protobuf-messages";

/**
 * Bodies in Kubernetes' protobuf, in which client-go since 1.32 writes what it sends: four bytes of magic, then a runtime.Unknown that
 * names the kind and holds the object. They become JSON here.
 */

/** The object in a body as JSON; a text that says what is wrong with the body otherwise. */
export function fromProtobuf(body: Uint8Array): JsonObject | string {
  if (Buffer.from(body.subarray(0, 4)).toString("latin1") !== magic) return "it does not begin with the bytes of Kubernetes' protobuf";
  try {
    const unknown = unknownMessage().decode(body.subarray(4)) as unknown as Envelope;
    const { apiVersion = "", kind = "" } = unknown.typeMeta ?? {};
    const name = definitionOfKind(apiVersion, kind);
    const schema = name === undefined ? undefined : definition(name);
    if (name === undefined || schema === undefined)
      return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`;
    const type = messageOf(name)!;
    return { kind, apiVersion, ...toJson(type.decode(unknown.raw ?? new Uint8Array()), type, schema, name) };
  } catch (error) {
    return (error as Error).message;
  }
}

type Values = Readonly<Record<string, unknown>>;

function toJson(message: Message, type: Type, schema: Schema | undefined, owner: string): JsonObject {
  const json: Record<string, unknown> = {};
  const properties = schema?.properties ?? {};
  for (const field of type.fieldsArray) {
    const value = (message as unknown as Values)[field.name];
    if (!Object.hasOwn(message, field.name) || value === null || value === undefined) continue;
    const property = propertyName(field.name, properties);
    if (property === undefined) {
      // A struct that Go embeds: in JSON its fields are those of the whole.
      if (field.resolvedType instanceof Type) Object.assign(json, toJson(value as Message, field.resolvedType, schema, owner));
      continue;
    }
    const converted = convertField(field, value, properties[property]);
    if (converted === undefined) continue;
    if (schema?.required?.includes(property) || isMeant(owner, property, converted)) json[property] = converted;
  }
  return json;
}

function convertField(field: Field, value: unknown, schema: Schema | undefined): unknown {
  if (field instanceof MapField) {
    const entries = Object.entries(value as Values);
    if (entries.length === 0) return undefined;
    return Object.fromEntries(entries.map(([key, each]) => [key, convert(field, each, schema?.additionalProperties) ?? ""]));
  }
  if (!field.repeated) return convert(field, value, schema);
  const list = value as readonly unknown[];
  return list.length === 0 ? undefined : list.map((each) => convert(field, each, schema?.items));
}

function convert(field: Field, value: unknown, schema: Schema | undefined): unknown {
  const type = field.resolvedType;
  if (type instanceof Type) return convertMessage(value as Message & Values, type, schema);
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (typeof value === "object" || typeof value === "bigint") return Number(value);
  return value;
}

/** The types that JSON writes in a way of their own; all others are objects. */
function convertMessage(message: Message & Values, type: Type, schema: Schema | undefined): unknown {
  switch (type.name) {
    case "Time":
      return timeMs(message) === 0 ? undefined : timestamp(timeMs(message));
    case "MicroTime":
      return timeMs(message) === 0 ? undefined : microTimestamp(timeMs(message));
    case "Duration":
      return formatDurationMs(Number(message.duration ?? 0) / 1e6);
    case "Quantity":
      return message.string === undefined || message.string === "" ? undefined : message.string;
    case "IntOrString":
      return Number(message.type ?? 0) === 1 ? (message.strVal ?? "") : Number(message.intVal ?? 0);
    case "RawExtension":
    case "JSON":
      return embedded(message.raw);
    case "FieldsV1":
      return embedded(message.Raw);
    case "JSONSchemaPropsOrArray":
      return either(message, type, "jSONSchemas") ?? [];
    case "JSONSchemaPropsOrBool":
      return either(message, type, "") ?? message.allows ?? false;
    case "JSONSchemaPropsOrStringArray":
      return either(message, type, "") ?? message.property ?? [];
  }
  // Lists and maps that have a name of their own in Go (ExtraValue, Verbs) are messages with one field.
  const items = type.fields.items;
  if (schema?.type === "array" && items !== undefined) return convertField(items, message.items ?? [], schema) ?? [];
  const name = definitionName(type);
  return toJson(message, type, definition(name) ?? schema, name);
}

/** A schema, or where there is none, the list of schemas in the other field. */
function either(message: Message & Values, type: Type, other: string): unknown {
  const schema = definition(`io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps`);
  const field = type.fields.schema!;
  const inner = field.resolvedType as Type;
  const read = (value: unknown) => toJson(value as Message, inner, schema, definitionName(inner));
  if (message.schema !== undefined && message.schema !== null) return read(message.schema);
  return other === "" ? undefined : (message[other] as readonly unknown[] | undefined)?.map(read);
}

function timeMs({ seconds = 0, nanos = 0 }: Values): number {
  return Number(seconds) * 1_000 + Number(nanos) / 1e6;
}

function embedded(raw: unknown): unknown {
  return raw instanceof Uint8Array && raw.length > 0 ? JSON.parse(Buffer.from(raw).toString("utf8")) : undefined;
}
