import type { Binding, ConfigMap, Event, Namespace, Node, Secret } from "../../../../protocol/kinds/generated";
import { wrongWithConfigMapKey, wrongWithLabelValue, wrongWithQualifiedName } from "../../../../protocol/kinds/names";
import { parseQuantity } from "../../../../protocol/kinds/quantity";
import { semanticallyEqual } from "../equality";
import { wrongWithNetwork } from "./addresses";
import type { Findings } from "./field-error";
import { checkFinalizerName } from "./metadata";
import { checkNonNegativeQuantity } from "./numbers";

/** Configuration, namespaces, nodes and events of the core group. */

const dataBytesMax = 1024 * 1024;

export function checkConfigMap(map: ConfigMap, findings: Findings): void {
  let size = 0;
  for (const key in map.data) {
    findings.invalidFor(`data[${key}]`, key, wrongWithConfigMapKey(key));
    if (map.binaryData?.[key] !== undefined) findings.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
    size += Buffer.byteLength(map.data[key]!);
  }
  for (const key in map.binaryData) {
    findings.invalidFor(`binaryData[${key}]`, key, wrongWithConfigMapKey(key));
    size += decodedLength(map.binaryData[key]!);
  }
  if (size > dataBytesMax) findings.tooLong("", dataBytesMax);
}

const decodedLength = (base64: string) => (base64.length * 3) / 4 - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);

interface Data {
  readonly immutable?: boolean;
  readonly data?: unknown;
  readonly binaryData?: unknown;
}

/** ConfigMaps and Secrets that are marked immutable stay so, with their content. */
export function checkImmutableData(stored: Data, updated: Data, findings: Findings): void {
  if (stored.immutable !== true) return;
  if (updated.immutable !== true) findings.forbidden("immutable", "field is immutable when `immutable` is set");
  for (const field of ["data", "binaryData"] as const)
    if (!semanticallyEqual(stored[field], updated[field])) findings.forbidden(field, "field is immutable when `immutable` is set");
}

const demandedKeys: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
]);

export function checkSecret(secret: Secret, findings: Findings): void {
  let size = 0;
  for (const key in secret.data) {
    findings.invalidFor(`data[${key}]`, key, wrongWithConfigMapKey(key));
    size += decodedLength(secret.data[key]!);
  }
  if (size > dataBytesMax) findings.tooLong("data", dataBytesMax);
  for (const key of demandedKeys.get(secret.type ?? "") ?? []) {
    const content = secret.data?.[key];
    if (content === undefined) findings.required(`data[${key}]`);
    else if (key.startsWith(".docker")) {
      const wrong = wrongWithJson(Buffer.from(content, "base64").toString("utf8"));
      if (wrong) findings.invalid(`data[${key}]`, "<secret contents redacted>", wrong);
    }
  }
  if (secret.type === "kubernetes.io/ssh-auth" && !secret.data?.["ssh-privatekey"]) findings.required("data[ssh-privatekey]");
  if (secret.type === "kubernetes.io/basic-auth" && secret.data?.username === undefined && secret.data?.password === undefined) {
    findings.required("data[username]");
    findings.required("data[password]");
  }
  if (secret.type === "kubernetes.io/service-account-token" && !secret.metadata?.annotations?.["kubernetes.io/service-account.name"])
    findings.required("metadata.annotations[kubernetes.io/service-account.name]");
}

/** What is wrong with a text that should be a JSON object. */
function wrongWithJson(text: string): string | undefined {
  if (text.trim() === "") return "unexpected end of JSON input";
  try {
    const value: unknown = JSON.parse(text);
    const kind = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
    return kind === "object" ? undefined : `json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`;
  } catch {
    const at = text.trimStart();
    const literal = ["true", "false", "null"].find((word) => word[0] === at[0]);
    const wrong = literal ? [...literal].findIndex((letter, index) => at[index] !== letter) : -1;
    if (wrong > 0 && wrong < at.length) return `invalid character '${at[wrong]}' in literal ${literal} (expecting '${literal![wrong]}')`;
    return /^["{[\dtfn-]/.test(at) ? "unexpected end of JSON input" : `invalid character '${at[0]}' looking for beginning of value`;
  }
}

export function checkSecretUpdate(stored: Secret, updated: Secret, findings: Findings): void {
  if (stored.type !== updated.type) findings.invalid("type", updated.type, "field is immutable");
  checkImmutableData(stored, updated, findings);
}

export function checkNamespace(namespace: Namespace, findings: Findings): void {
  for (const finalizer of namespace.spec?.finalizers ?? []) checkFinalizerName(finalizer, "spec.finalizers", findings);
}

const effects: readonly string[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

export function checkNode(node: Node, findings: Findings): void {
  const seen = new Set<string>();
  node.spec?.taints?.forEach((taint, index) => {
    // Real servers say that taints stood in the metadata.
    const at = `metadata.taints[${index}]`;
    findings.invalidFor(`${at}.key`, taint.key ?? "", wrongWithQualifiedName(taint.key ?? ""));
    const wrong = wrongWithLabelValue(taint.value ?? "");
    if (wrong.length > 0) findings.invalid(`${at}.value`, taint.value, wrong.join(";"));
    if (!taint.effect) findings.required(`${at}.effect`);
    else if (!effects.includes(taint.effect)) findings.notSupported(`${at}.effect`, taint.effect, effects);
    const pair = `${taint.key}/${taint.effect}`;
    if (seen.has(pair)) findings.duplicate(at, taint, "taints must be unique by key and effect pair");
    seen.add(pair);
  });
  checkAmounts(node.status?.capacity, "status.capacity", findings);
  checkAmounts(node.status?.allocatable, "status.allocatable", findings);
  const networks = node.spec?.podCIDRs ?? [];
  networks.forEach((network, index) => {
    findings.invalidFor(`spec.podCIDRs[${index}]`, network, wrongWithNetwork(network));
  });
  if (networks.length < 2) return;
  const families = new Set(networks.map((network) => network.includes(":")));
  if (families.size < 2 || networks.length > 2)
    findings.invalid("spec.podCIDRs", networks, "may specify no more than one CIDR for each IP family");
  networks.forEach((network, index) => {
    if (networks.indexOf(network) < index) findings.duplicate(`spec.podCIDRs[${index}]`, network);
  });
}

/** Amounts of what a node has: none below zero, and whole ones of what comes in pieces. */
function checkAmounts(list: Readonly<Record<string, string | number>> | undefined, at: string, findings: Findings): void {
  for (const name in list) {
    checkNonNegativeQuantity(list[name], `${at}.${name}`, findings);
    const inPieces = name === "pods" || (name.includes("/") && !name.includes("kubernetes.io/"));
    if (inPieces && parseQuantity(list[name]!).nanos % 1_000_000_000n !== 0n)
      findings.invalid(`${at}.${name}`, list[name], "must be an integer");
  }
}

/** A Node's address range is given once; its provider's ID as well. */
export function checkNodeUpdate(stored: Node, updated: Node, findings: Findings): void {
  const before = stored.spec ?? {};
  const after = updated.spec ?? {};
  if ((before.podCIDRs ?? []).length > 0 && !semanticallyEqual(before.podCIDRs, after.podCIDRs))
    findings.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  if (before.providerID && before.providerID !== after.providerID)
    findings.forbidden("spec.providerID", 'node updates may not change providerID except from "" to valid');
  if (before.externalID !== after.externalID) findings.forbidden("spec.externalID", "may not be updated");
  checkNodeStatus(stored, updated, findings);
}

export function checkNodeStatus(_stored: Node, updated: Node, findings: Findings): void {
  checkAmounts(updated.status?.capacity, "status.capacity", findings);
  checkAmounts(updated.status?.allocatable, "status.allocatable", findings);
  const addresses = updated.status?.addresses ?? [];
  addresses.forEach((address, index) => {
    if (addresses.findIndex((other) => semanticallyEqual(other, address)) < index)
      findings.duplicate(`status.addresses[${index}]`, address);
  });
}

export function checkEvent(event: Event, findings: Findings): void {
  const involved = event.involvedObject?.namespace ?? "";
  const namespace = event.metadata?.namespace ?? "";
  const belongs = involved === "" ? namespace === "default" || namespace === "kube-system" || namespace === "" : involved === namespace;
  if (!belongs) findings.invalid("involvedObject.namespace", involved, "does not match event.namespace");
}

export function checkBinding(binding: Binding, findings: Findings): void {
  const { kind, name } = binding.target ?? {};
  if (kind && kind !== "Node") findings.notSupported("target.kind", kind, ["Node", "<empty>"]);
  if (!name) findings.required("target.name");
}
