import type { JSONSchemaProps } from "../../../../protocol/kinds/generated";
import { type FieldError, Findings } from "../../objects/validation/field-error";
import { sameJson } from "../../storage/entry";
import { brokenRules, hasRules } from "../rules";
import { repeatedItems, wrongEmbedded } from "../schema/lists";
import { prune } from "../schema/prune";
import { itemsOf, resourceFields } from "../schema/structural";
import { validateSchema } from "../schema/validate";

/** Whether the defaults that a schema gives are values of it: nothing would be pruned of them, and they pass. */
export function checkDefaults(schema: JSONSchemaProps, at: string, findings: Findings): void {
  checkNode(schema, at, true, findings);
}

function checkNode(schema: JSONSchemaProps, at: string, isRoot: boolean, findings: Findings): void {
  if (schema.default !== undefined && !isRoot) findings.add(wrongWith(schema, `${at}.default`));
  const items = itemsOf(schema);
  if (items) checkNode(items, `${at}.items`, false, findings);
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    if (!isRoot || !resourceFields.has(name)) checkNode(child, `${at}.properties[${name}]`, false, findings);
}

function wrongWith(schema: JSONSchemaProps, at: string): readonly FieldError[] {
  const findings = new Findings();
  // Seen from inside: the value is a field of something, not a resource of its own.
  const wrapped: JSONSchemaProps = { type: "object", properties: { value: schema } };
  const pruned = prune(wrapped, { value: schema.default }).value;
  if (!sameJson(pruned, { value: schema.default })) findings.invalid(at, schema.default, "must not have unknown fields");
  findings.add(wrongEmbedded(schema, schema.default, at));
  findings.add(repeatedItems(schema, schema.default, at));
  findings.add(validateSchema(schema, schema.default, at));
  if (findings.errors().length === 0 && hasRules(schema)) {
    const isResource = schema["x-kubernetes-embedded-resource"] === true;
    findings.add(brokenRules(schema, schema.default, undefined, at, isResource));
  }
  return findings.errors();
}
