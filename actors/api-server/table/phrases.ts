import type { Container, LabelSelector } from "../../../protocol/kinds/generated";
import { type Column, text, wide } from "./column";

/** The words that several printers share. */
export const none = "<none>";
export const unset = "<unset>";
export const unknown = "<unknown>";

/** "a=1,b=2", sorted by key; "<none>" for no labels. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  return pairs.length === 0 ? none : pairs.join(",");
}

/** A label selector in the syntax of kubectl's -l; "<none>" where it is absent or selects all. */
export function selectorText(selector: LabelSelector | undefined): string {
  const requirements: { readonly key: string; readonly text: string }[] = [];
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) requirements.push({ key, text: `${key}=${value}` });
  for (const { key, operator, values } of selector?.matchExpressions ?? []) {
    const list = [...(values ?? [])].sort().join(",");
    if (operator === "In") requirements.push({ key, text: `${key} in (${list})` });
    else if (operator === "NotIn") requirements.push({ key, text: `${key} notin (${list})` });
    else requirements.push({ key, text: operator === "Exists" ? key : `!${key}` });
  }
  if (requirements.length === 0) return none;
  requirements.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return requirements.map((r) => r.text).join(",");
}

/** The first `max` of a list, joined, and how many more there are: "a,b,c + 2 more...". `empty` for an empty list. */
export function someOf(list: readonly string[], empty: string, { max = 3, separator = "," } = {}): string {
  if (list.length === 0) return empty;
  const shown = list.slice(0, max).join(separator);
  return list.length > max ? `${shown} + ${list.length - max} more...` : shown;
}

/** "10.0.0.1:80", and "[fd00::1]:80" for an IPv6 address. */
export function hostPort(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The wide columns of everything that has a Pod template: names and images of its containers. */
export function containerColumns<T>(containers: (object: T) => readonly Container[] | undefined): readonly Column<T>[] {
  const list = (object: T, field: "name" | "image") => (containers(object) ?? []).map((c) => c[field] ?? "").join(",");
  return [
    wide(text<T>("Containers", "Names of the containers in the Pod template.", (o) => list(o, "name"))),
    wide(text<T>("Images", "Images of the containers in the Pod template.", (o) => list(o, "image"))),
  ];
}
