import type { ApiObject, JsonObject } from "../../../../protocol/kinds/object";
import { apiVersionOf, definition, definitionNameOf, type Schema, schemaOf } from "../../../../protocol/kinds/registry";
import { type Failure, internalError } from "../../../../protocol/status";
import { decodeAs, decodeObject, isObject } from "../../objects/decode";
import { complete } from "../../registry/objects";
import type { Match } from "./review";

const isOwn = ({ kind, body }: Match) => body.kind === kind.kind && body.group === kind.group;

/** The schema of what a request brings: a Scale's for "deployments/scale". */
export function schemaOfBody(match: Match): Schema {
  const name = isOwn(match) ? undefined : definitionNameOf(apiVersionOf(match.body), match.body.kind);
  return (name === undefined ? undefined : definition(name)) ?? schemaOf(match.kind);
}

/** An object that somebody has changed on its way in: its fields have their types again, unknown ones are gone, defaults are filled in. */
export function decodedAgain(match: Match, json: JsonObject): JsonObject | Failure {
  const { kind, body } = match;
  if (isOwn(match)) {
    const decoded = decodeObject(kind, json, "Ignore");
    if (!decoded.ok) return internalError(decoded.failure.message);
    // What names the type may not be lost by it, nor the place of the metadata.
    const metadata = isObject(decoded.object.metadata) ? decoded.object.metadata : {};
    const named = { ...decoded.object, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata } as unknown as ApiObject;
    return complete(kind, named) as unknown as JsonObject;
  }
  const name = definitionNameOf(apiVersionOf(body), body.kind);
  if (name === undefined) return json;
  const decoded = decodeAs(name, json);
  return decoded.ok ? { ...decoded.value, apiVersion: apiVersionOf(body), kind: body.kind } : internalError(decoded.message);
}
