import type { ApiObject, JsonObject } from "../../../../protocol/kinds/object";
import { apiVersionOf, definitionNameOf } from "../../../../protocol/kinds/registry";
import { type Failure, internalError } from "../../../../protocol/status";
import { decodeAs, decodeObject } from "../../objects/decode";
import { complete } from "../../registry/objects";
import type { Match } from "./review";

/** An object that somebody has changed on its way in: its fields have their types again, unknown ones are gone, defaults are filled in. */
export function decodedAgain(match: Match, json: JsonObject): JsonObject | Failure {
  const { kind, body } = match;
  if (body.kind === kind.kind && body.group === kind.group) {
    const decoded = decodeObject(kind, json, "Ignore");
    if (!decoded.ok) return internalError(decoded.failure.message);
    // What names the type may not be lost by it.
    const named = { ...decoded.object, apiVersion: apiVersionOf(kind), kind: kind.kind } as unknown as ApiObject;
    return complete(kind, named) as unknown as JsonObject;
  }
  const definition = definitionNameOf(apiVersionOf(body), body.kind);
  if (definition === undefined) return json;
  const decoded = decodeAs(definition, json);
  return decoded.ok ? { ...decoded.value, apiVersion: apiVersionOf(body), kind: body.kind } : internalError(decoded.message);
}
