import type {
  CustomResourceColumnDefinition,
  CustomResourceConversion,
  CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionSpec,
  CustomResourceDefinitionVersion,
  CustomResourceSubresources,
  JSONSchemaProps,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1035Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { semanticallyEqual } from "../../objects/equality";
import { Findings } from "../../objects/validation/field-error";
import { sameJson } from "../../storage/entry";
import { approvalAnnotation, isProtectedGroup } from "../naming";
import { checkDefaults } from "./defaults";
import { followFieldPath } from "./field-path";
import { checkRules } from "./rules";
import { checkOpenApi } from "./schema";
import { checkStructural } from "./structural";

/** Whether a CustomResourceDefinition may be stored. Words and order are those of Kubernetes' API servers. */

/** What holds of a new one. */
export function checkDefinition(definition: CustomResourceDefinition, findings: Findings): void {
  check(definition, undefined, findings);
}

/** What holds after an update, and what it may change. A schema that was accepted once is not held against the limits of single rules again. */
export function checkDefinitionUpdate(stored: CustomResourceDefinition, updated: CustomResourceDefinition, findings: Findings): void {
  check(updated, stored, findings);
  const { spec } = updated;
  if (!spec) return;
  const established = stored.status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") ?? false;
  const immutable = (field: string, before: unknown, after: unknown) => {
    if (before !== after) findings.invalid(field, after ?? null, "field is immutable");
  };
  if (established) {
    immutable("spec.scope", stored.spec.scope, spec.scope);
    immutable("spec.names.kind", stored.spec.names.kind, spec.names.kind);
  }
  immutable("spec.group", stored.spec.group, spec.group);
  immutable("spec.names.plural", stored.spec.names.plural, spec.names.plural);
  checkStoredVersions(updated, findings);
}

function check({ metadata, spec }: CustomResourceDefinition, stored: CustomResourceDefinition | undefined, findings: Findings): void {
  if (!spec) return findings.required("spec");
  const { names, group } = spec;
  if (metadata?.name && metadata.name !== `${names?.plural ?? ""}.${group ?? ""}`)
    findings.invalid("metadata.name", metadata.name, `must be spec.names.plural+"."+spec.group`);
  if (!group) findings.required("spec.group");
  else if (wrongWithDns1123Subdomain(group).length > 0) findings.invalid("spec.group", group, wrongWithDns1123Subdomain(group).join(","));
  else if (!group.includes(".")) findings.invalid("spec.group", group, "should be a domain with at least one dot");
  if (!spec.scope) findings.required("spec.scope");
  else if (spec.scope !== "Cluster" && spec.scope !== "Namespaced")
    findings.notSupported("spec.scope", spec.scope, ["Cluster", "Namespaced"]);
  if (spec.preserveUnknownFields === true)
    findings.invalid(
      "spec.preserveUnknownFields",
      true,
      "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
    );
  checkVersions(spec, stored, findings);
  checkNames(names, findings);
  checkConversion(spec.conversion, findings);
  checkApproval(group, metadata?.annotations?.[approvalAnnotation], stored, findings);
}

function checkVersions(spec: CustomResourceDefinitionSpec, stored: CustomResourceDefinition | undefined, findings: Findings): void {
  const { versions = [] } = spec;
  for (const [index, version] of versions.entries())
    if (!version.schema?.openAPIV3Schema) findings.required(`spec.versions[${index}].schema.openAPIV3Schema`, "schemas are required");
  // What all versions have alike is said once, and spoken of as Kubernetes does, as if it stood above them.
  const place = (index: number, field: keyof CustomResourceDefinitionVersion, above: string): string | undefined => {
    const isShared = versions.every((version) => version[field] !== undefined && sameJson(version[field], versions[0]![field]));
    return isShared ? (index === 0 ? `spec.${above}` : undefined) : `spec.versions[${index}].${field}`;
  };
  for (const [index, version] of versions.entries()) {
    const at = `spec.versions[${index}]`;
    const wrong = wrongWithDns1035Label(version.name ?? "");
    if (wrong.length > 0) findings.invalid(`${at}.name`, version.name ?? "", wrong.join(","));
    checkDeprecation(version, at, findings);
    const schemaAt = place(index, "schema", "validation");
    const schema = version.schema?.openAPIV3Schema;
    if (schemaAt !== undefined && schema) {
      const before = stored?.spec.versions?.find(({ name }) => name === version.name)?.schema?.openAPIV3Schema;
      checkSchema(schema, before, version.subresources?.status !== undefined, `${schemaAt}.openAPIV3Schema`, findings);
    }
    const subresourcesAt = place(index, "subresources", "subresources");
    if (subresourcesAt !== undefined) checkSubresources(version.subresources, subresourcesAt, findings);
    const columnsAt = place(index, "additionalPrinterColumns", "additionalPrinterColumns");
    for (const [number, column] of (columnsAt === undefined ? [] : (version.additionalPrinterColumns ?? [])).entries())
      checkColumn(column, `${columnsAt}[${number}]`, findings);
    const fieldsAt = place(index, "selectableFields", "selectableFields");
    if (fieldsAt !== undefined && schema) checkSelectable(version, schema, fieldsAt, findings);
  }
  if (new Set(versions.map(({ name }) => name)).size < versions.length)
    findings.invalid("spec.versions", versions, "must contain unique version names");
  if (versions.filter(({ storage }) => storage).length !== 1)
    findings.invalid("spec.versions", versions, "must have exactly one version marked as storage version");
}

const allowedAtRoot: ReadonlySet<string> = new Set(
  "description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems multipleOf required items properties externalDocs example x-kubernetes-preserve-unknown-fields x-kubernetes-validations".split(
    " ",
  ),
);
const allowedWords =
  "[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]";

function checkSchema(
  schema: JSONSchemaProps,
  before: JSONSchemaProps | undefined,
  hasStatus: boolean,
  at: string,
  findings: Findings,
): void {
  const own = new Findings();
  if (hasStatus) {
    if (schema.type && schema.type !== "object")
      own.invalid(
        `${at}.type`,
        schema.type,
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      );
    if (Object.keys(schema).some((keyword) => !allowedAtRoot.has(keyword)))
      own.invalid(at, schema, `only ${allowedWords} fields are allowed at the root of the schema if the status subresource is enabled`);
  }
  if (schema.nullable) own.forbidden(`${at}.nullable`, "nullable cannot be true at the root");
  const structural = new Findings();
  checkStructural(schema, at, structural);
  const openApi = new Findings();
  checkOpenApi(schema, at, openApi);
  if (structural.errors().length === 0 && openApi.errors().length === 0) checkDefaults(schema, at, structural);
  own.add(structural.errors().toSorted((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0)));
  own.add(openApi.errors());
  // A rule about a schema that is wrong itself can only be understood once that is put right.
  if (own.errors().length === 0) checkRules(schema, at, before !== undefined && sameJson(before, schema), own);
  findings.add(own.errors());
}

function checkDeprecation({ deprecated, deprecationWarning }: CustomResourceDefinitionVersion, at: string, findings: Findings): void {
  if (deprecationWarning === undefined) return;
  const wrong: string[] = [];
  if (!deprecated) wrong.push("can only be set for deprecated versions");
  else {
    if (deprecationWarning.length > 256) wrong.push("must be <= 256 characters long");
    if (deprecationWarning === "") wrong.push("must not be an empty string");
    const unprintable = [...deprecationWarning].findIndex((letter) => /[\p{C}\p{Zl}\p{Zp}]/u.test(letter));
    if (unprintable >= 0) wrong.push(`must only contain printable UTF-8 characters; non-printable character found at index ${unprintable}`);
  }
  findings.invalidFor(`${at}.deprecationWarning`, deprecationWarning, wrong);
}

function checkPath(path: string, at: string, findings: Findings, roots: readonly string[], where: string): void {
  if (!path.startsWith(".")) findings.invalid(at, path, "must be a simple json path starting with .");
  else if (roots.length > 0 && !roots.some((root) => path.startsWith(root))) findings.invalid(at, path, where);
}

function checkSubresources(subresources: CustomResourceSubresources | undefined, at: string, findings: Findings): void {
  const scale = subresources?.scale;
  if (!scale) return;
  for (const [field, root] of [
    ["specReplicasPath", ".spec."],
    ["statusReplicasPath", ".status."],
  ] as const) {
    if (!scale[field]) findings.required(`${at}.scale.${field}`);
    else checkPath(scale[field], `${at}.scale.${field}`, findings, [root], `should be a json path under ${root.slice(0, -1)}`);
  }
  if (scale.labelSelectorPath)
    checkPath(
      scale.labelSelectorPath,
      `${at}.scale.labelSelectorPath`,
      findings,
      [".spec.", ".status."],
      "should be a json path under either .spec or .status",
    );
}

const columnTypes = ["boolean", "date", "integer", "number", "string"];
const columnFormats = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

function checkColumn({ name, type, format, jsonPath }: CustomResourceColumnDefinition, at: string, findings: Findings): void {
  if (!name) findings.required(`${at}.name`);
  const kinds = `must be one of ${columnTypes.join(",")}`;
  if (!type) findings.required(`${at}.type`, kinds);
  else if (!columnTypes.includes(type)) findings.invalid(`${at}.type`, type, kinds);
  if (format && !columnFormats.includes(format)) findings.invalid(`${at}.format`, format, `must be one of ${columnFormats.join(",")}`);
  if (!jsonPath) findings.required(`${at}.JSONPath`);
  else checkPath(jsonPath, `${at}.JSONPath`, findings, [], "");
}

const selectableMax = 8;

function checkSelectable(
  { selectableFields = [] }: CustomResourceDefinitionVersion,
  schema: JSONSchemaProps,
  at: string,
  findings: Findings,
): void {
  const seen = new Set<string>();
  for (const [index, { jsonPath }] of selectableFields.entries()) {
    const place = `${at}[${index}].jsonPath`;
    if (!jsonPath) {
      findings.required(place);
      continue;
    }
    const followed = followFieldPath(schema, jsonPath, false);
    if ("fault" in followed) {
      findings.invalid(place, jsonPath, `is an invalid path: ${followed.fault}`);
      continue;
    }
    if (followed.names[0] === "metadata") findings.invalid(place, jsonPath, "must not point to fields in metadata");
    if (!["string", "boolean", "integer"].includes(followed.schema.type ?? ""))
      findings.invalid(
        place,
        jsonPath,
        "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
      );
    const path = followed.names.join(".");
    if (seen.has(path)) findings.duplicate(place, jsonPath);
    seen.add(path);
  }
  if (seen.size > selectableMax) findings.tooMany(at, seen.size, selectableMax);
}

function checkNames(names: CustomResourceDefinitionNames | undefined, findings: Findings): void {
  for (const field of ["plural", "singular", "kind", "listKind"] as const) if (!names?.[field]) findings.required(`spec.names.${field}`);
  if (!names) return;
  const label = (at: string, value: string, text = value, before = "") => {
    const wrong = wrongWithDns1035Label(text);
    if (wrong.length > 0) findings.invalid(at, value, before + wrong.join(","));
  };
  for (const field of ["plural", "singular"] as const) if (names[field]) label(`spec.names.${field}`, names[field]);
  for (const field of ["kind", "listKind"] as const)
    if (names[field])
      label(`spec.names.${field}`, names[field], names[field].toLowerCase(), "may have mixed case, but should otherwise match: ");
  for (const [index, name] of (names.shortNames ?? []).entries()) label(`spec.names.shortNames[${index}]`, name);
  if (names.kind && names.kind === names.listKind)
    findings.invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same");
  for (const [index, name] of (names.categories ?? []).entries()) label(`spec.names.categories[${index}]`, name);
}

function checkConversion(conversion: CustomResourceConversion | undefined, findings: Findings): void {
  if (!conversion) return;
  const at = "spec.conversion";
  const { strategy, webhook } = conversion;
  if (!strategy) return findings.required(`${at}.strategy`);
  if (strategy !== "None" && strategy !== "Webhook") return findings.notSupported(`${at}.strategy`, strategy, ["None", "Webhook"]);
  if (strategy === "None") {
    if (webhook?.clientConfig) findings.forbidden(`${at}.webhookClientConfig`, "should not be set when strategy is not set to Webhook");
    if (webhook?.conversionReviewVersions?.length)
      findings.forbidden(`${at}.conversionReviewVersions`, "should not be set when strategy is not set to Webhook");
    return;
  }
  const client = webhook?.clientConfig;
  const clientAt = `${at}.webhookClientConfig`;
  if (!client) findings.required(clientAt, "required when strategy is set to Webhook");
  else if ((client.url === undefined) === (client.service === undefined))
    findings.required(clientAt, "exactly one of url or service is required");
  else if (client.url !== undefined) checkUrl(client.url, `${clientAt}.url`, findings);
  else {
    if (!client.service!.name) findings.required(`${clientAt}.service.name`, "service name is required");
    if (!client.service!.namespace) findings.required(`${clientAt}.service.namespace`, "service namespace is required");
    const { port = 443 } = client.service!;
    if (port < 1 || port > 65535)
      findings.invalid(`${clientAt}.service.port`, port, "port is not valid: must be between 1 and 65535, inclusive");
  }
  checkReviewVersions(webhook?.conversionReviewVersions ?? [], `${at}.conversionReviewVersions`, findings);
}

function checkUrl(url: string, at: string, findings: Findings): void {
  if (!URL.canParse(url))
    return findings.required(at, `url must be a valid URL: parse ${JSON.stringify(url)}: invalid URI; desired format: https://host[/path]`);
  const { protocol, hash, search, username } = new URL(url);
  if (protocol !== "https:")
    findings.invalid(at, protocol.slice(0, -1), `'https' is the only allowed URL scheme; desired format: https://host[/path]`);
  if (username !== "") findings.invalid(at, username, "user information is not permitted in the URL");
  if (hash !== "") findings.invalid(at, hash.slice(1), "fragments are not permitted in the URL");
  if (search !== "") findings.invalid(at, search.slice(1), "query parameters are not permitted in the URL");
}

function checkReviewVersions(versions: readonly string[], at: string, findings: Findings): void {
  if (versions.length === 0) return findings.required(at);
  for (const [index, version] of versions.entries()) {
    if (versions.indexOf(version) !== index) findings.invalid(`${at}[${index}]`, version, "duplicate version");
    else findings.invalidFor(`${at}[${index}]`, version, wrongWithDns1035Label(version));
  }
  if (!versions.some((version) => version === "v1" || version === "v1beta1"))
    findings.invalid(at, versions, "must include at least one of v1, v1beta1");
}

function checkApproval(
  group: string,
  annotation: string | undefined,
  stored: CustomResourceDefinition | undefined,
  findings: Findings,
): void {
  if (!group || !isProtectedGroup(group)) return;
  // What was there before the annotation was asked for may stay as it is.
  if (stored && semanticallyEqual(stored.metadata?.annotations?.[approvalAnnotation], annotation)) return;
  const at = `metadata.annotations[${approvalAnnotation}]`;
  if (!annotation)
    findings.required(
      at,
      'protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111',
    );
  else if (!annotation.startsWith("unapproved") && !URL.canParse(annotation))
    findings.invalid(
      at,
      annotation,
      'protected groups must have approval annotation "api-approved.kubernetes.io" with either a URL or a reason starting with "unapproved", see https://github.com/kubernetes/enhancements/pull/1111',
    );
}

function checkStoredVersions({ spec, status }: CustomResourceDefinition, findings: Findings): void {
  const names = new Set(spec.versions?.map(({ name }) => name));
  for (const [index, version] of (status?.storedVersions ?? []).entries())
    if (!names.has(version))
      findings.invalid(
        `status.storedVersions[${index}]`,
        version,
        `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
      );
}
