import type { AuditEvent } from "../../actors/api-server/audit/event";
import type { RunResult } from "../run";
import { escapeXml } from "./junit";

const shownMax = 500;

/** What the API servers wrote of requests, as the scenario's policy has it; "" where there is no policy. */
export function auditTable({ series: { audit } }: RunResult): string {
  if (!audit) return "";
  const answered = audit.events.filter(({ stage }) => stage !== "RequestReceived");
  const rows = answered.slice(0, shownMax).map((event) => {
    const { stageTimestamp, user, verb, requestURI, stage } = event;
    const cells = [stageTimestamp.slice(11, 23), nameOf(user), verb, targetOf(event) || requestURI, codeOf(event), stage, reasonOf(event)];
    return `<tr class="${Number(codeOf(event)) >= 400 ? "bad" : ""}">${cells.map((cell) => `<td>${escapeXml(cell)}</td>`).join("")}</tr>`;
  });
  const rest = audit.total - audit.events.length;
  return `<p>${audit.total} entries${rest > 0 ? `, of which the last ${rest} are not kept` : ""}; ${rows.length} of ${answered.length} answers are shown.</p>
<div class="wide"><table><tr><th>At<th>User<th>Verb<th>What<th>Code<th>Stage<th>Why</tr>${rows.join("")}</table></div>`;
}

/** The log as a file: one event a line, as `wavetank up` writes it. */
export function auditLogText(audit: NonNullable<RunResult["series"]["audit"]>): string {
  return audit.events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

function nameOf(user: object): string {
  return String((user as { readonly username?: string }).username ?? "");
}

/** "pods/binding shop/web-1" */
function targetOf({ objectRef = {} }: AuditEvent): string {
  const { resource = "", subresource, namespace, name } = objectRef as Readonly<Record<string, string | undefined>>;
  const what = [resource, subresource].filter(isSaid).join("/");
  return [what, [namespace, name].filter(isSaid).join("/")].filter(isSaid).join(" ");
}

const isSaid = (text: string | undefined) => text !== undefined && text !== "";

function codeOf({ responseStatus }: AuditEvent): string {
  return String((responseStatus as { readonly code?: number } | undefined)?.code ?? "");
}

function reasonOf({ annotations = {} }: AuditEvent): string {
  return annotations["authorization.k8s.io/reason"] ?? "";
}
