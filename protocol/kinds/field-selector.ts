/**
 * Field selectors: `status.phase=Running,spec.nodeName!=node-1`. Every kind can be selected by name and namespace; a few have more fields, listed here.
 * Source: "Field Selectors" in the Kubernetes documentation and the field label conversions of each API group.
 */

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

export type FieldRequirements = readonly FieldRequirement[];

export type ParsedFields =
  | { readonly ok: true; readonly requirements: FieldRequirements }
  | { readonly ok: false; readonly message: string };

interface Selectable {
  /** Field as written in a selector, to where its value stands in the object; the first of several that is there counts. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly refusal: (field: string) => string;
}

const unsupported = (field: string) => `field label not supported: ${field}`;
const same = (...fields: readonly string[]): ReadonlyMap<string, readonly string[]> => new Map(fields.map((field) => [field, [field]]));

const byKind: ReadonlyMap<string, Selectable> = new Map<string, Selectable>([
  [
    "/Pod",
    {
      fields: new Map([
        ...same(
          "spec.nodeName",
          "spec.restartPolicy",
          "spec.schedulerName",
          "spec.serviceAccountName",
          "spec.hostNetwork",
          "status.phase",
          "status.podIP",
          "status.nominatedNodeName",
        ),
        ["status.podIPs", ["status.podIP"]],
        ["spec.host", ["spec.nodeName"]],
      ]),
      refusal: unsupported,
    },
  ],
  ["/Node", { fields: same("spec.unschedulable"), refusal: unsupported }],
  ["/ReplicationController", { fields: same("status.replicas"), refusal: unsupported }],
  [
    "/Event",
    {
      fields: new Map([
        ...same(
          "involvedObject.kind",
          "involvedObject.namespace",
          "involvedObject.name",
          "involvedObject.uid",
          "involvedObject.apiVersion",
          "involvedObject.resourceVersion",
          "involvedObject.fieldPath",
          "reason",
          "type",
        ),
        ["reportingComponent", ["reportingComponent", "source.component"]],
        ["source", ["source.component", "reportingComponent"]],
      ]),
      refusal: unsupported,
    },
  ],
  [
    "events.k8s.io/Event",
    {
      fields: new Map([
        ...same(
          "regarding.kind",
          "regarding.namespace",
          "regarding.name",
          "regarding.uid",
          "regarding.apiVersion",
          "regarding.resourceVersion",
          "regarding.fieldPath",
          "reason",
          "type",
        ),
        ["reportingController", ["reportingController", "deprecatedSource.component"]],
      ]),
      refusal: unsupported,
    },
  ],
  ["/Namespace", { fields: same("status.phase"), refusal: unsupported }],
  ["/Secret", { fields: same("type"), refusal: unsupported }],
  ["/Service", { fields: same("spec.clusterIP", "spec.type"), refusal: unsupported }],
  [
    "batch/Job",
    { fields: new Map([["status.successful", ["status.succeeded"]]]), refusal: (field) => `field label "${field}" not supported for Job` },
  ],
  [
    "certificates.k8s.io/CertificateSigningRequest",
    { fields: same("spec.signerName"), refusal: (field) => `field label not supported for CertificateSigningRequest: ${field}` },
  ],
  [
    "resource.k8s.io/ResourceSlice",
    {
      fields: same("spec.nodeName", "spec.driver"),
      refusal: (field) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${field}`,
    },
  ],
]);

/** Fields whose absence means false or zero rather than the empty text. */
const absentMeans: ReadonlyMap<string, string> = new Map([
  ["spec.unschedulable", "false"],
  ["spec.hostNetwork", "false"],
  ["status.replicas", "0"],
  ["status.succeeded", "0"],
]);

const metadataFields = new Set(["metadata.name", "metadata.namespace"]);

interface KindName {
  readonly group: string;
  readonly kind: string;
  /** Of a custom resource: the fields that its definition lets select by. */
  readonly custom?: { readonly declared: { readonly selectableFields?: readonly { readonly jsonPath: string }[] } };
}

function selectableOf(kind: KindName): Selectable | undefined {
  if (!kind.custom) return byKind.get(`${kind.group}/${kind.kind}`);
  const fields = (kind.custom.declared.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, ""));
  return { fields: same(...fields), refusal: unsupported };
}

/** Parses a query's fieldSelector for a kind; the message of a failure is what a server answers with status 400. */
export function parseFieldSelector(text: string, kind: KindName): ParsedFields {
  const requirements: FieldRequirement[] = [];
  const selectable = selectableOf(kind);
  for (const part of splitTerms(text)) {
    if (part === "") continue;
    const term = splitTerm(part);
    const value = term && plainValue(term.value);
    if (!term || value === undefined) return { ok: false, message: `invalid selector: '${text}'; can't understand '${part}'` };
    if (!metadataFields.has(term.field) && !selectable?.fields.has(term.field)) {
      const message = selectable
        ? selectable.refusal(term.field)
        : `"${term.field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
      return { ok: false, message };
    }
    requirements.push({ field: term.field, operator: term.operator, value });
  }
  return { ok: true, requirements };
}

/** Whether an object of the kind meets every requirement; a field that is absent counts as empty (or as false or 0, where it is one). */
export function matchesFields(requirements: FieldRequirements, kind: KindName, object: object): boolean {
  const selectable = selectableOf(kind);
  return requirements.every(({ field, operator, value }) => {
    const places = selectable?.fields.get(field) ?? [field];
    return (fieldText(object, places) === value) === (operator === "=");
  });
}

/** The name that the requirements pin down (`metadata.name=x`), so that a list can become a get. */
export function requiredName(requirements: FieldRequirements): string | undefined {
  return requirements.find(({ field, operator }) => field === "metadata.name" && operator === "=")?.value;
}

/** The text of requirements, as they would be written in a query. */
export function formatFields(requirements: FieldRequirements): string {
  return requirements.map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, "\\$&")}`).join(",");
}

function fieldText(object: object, places: readonly string[]): string {
  for (const place of places) {
    let at: unknown = object;
    for (const step of place.split(".")) at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[step] : undefined;
    if (at !== undefined && at !== null && at !== "") return String(at);
  }
  return absentMeans.get(places[0]!) ?? "";
}

/** Splits at commas that are not escaped. */
function splitTerms(text: string): readonly string[] {
  return text === "" ? [] : (text.match(/(?:\\[\s\S]|[^,\\]|\\$)+|(?<=,|^)(?=,|$)/g) ?? []);
}

function splitTerm(part: string): { field: string; operator: "=" | "!="; value: string } | undefined {
  const match = /^((?:\\[\s\S]|[^=!\\]|!(?!=))*?)(!=|==|=)([\s\S]*)$/.exec(part);
  return match ? { field: match[1]!, operator: match[2] === "!=" ? "!=" : "=", value: match[3]! } : undefined;
}

/** Takes the escapes out of a value; undefined where there is an unknown escape, or an unescaped "=" or ",". */
function plainValue(text: string): string | undefined {
  if (!/^(?:[^\\,=]|\\[\\,=])*$/.test(text)) return undefined;
  return text.replace(/\\([\\,=])/g, "$1");
}
