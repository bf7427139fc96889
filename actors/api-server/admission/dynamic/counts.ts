import type { MutatingWebhook, ValidatingWebhook } from "../../../../protocol/kinds/generated";
import type { ServerState } from "../../state";
import type { WebhookAnswer } from "./call-webhook";

/** What came of asking webhooks and policies, for /metrics: by the name of the family and its labels. */
export type AdmissionCounts = Map<string, Map<string, number>>;

/** What the families say of themselves. */
export const admissionHelp: ReadonlyMap<string, string> = new Map([
  ["apiserver_admission_webhook_request_total", "Requests to admission webhooks, by webhook, operation, code and outcome."],
  ["apiserver_admission_webhook_fail_open_count", "Admission webhooks that could not be asked and were passed over."],
  [
    "apiserver_admission_webhook_rejection_count",
    "Requests that an admission webhook refused, or that failed because it could not be asked.",
  ],
  ["apiserver_validating_admission_policy_check_total", "Validations of admission policies, by policy, binding and outcome."],
]);

function count(counts: AdmissionCounts, family: string, labels: Readonly<Record<string, string>>): void {
  const samples = counts.get(family) ?? new Map<string, number>();
  counts.set(family, samples);
  const text = `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}}`;
  samples.set(text, (samples.get(text) ?? 0) + 1);
}

/** Counts what a webhook answered, and how long it took; `type` is as Kubernetes labels the two kinds of webhooks. */
export function tallyWebhook(
  { admissions, metrics }: ServerState,
  { name, failurePolicy }: MutatingWebhook | ValidatingWebhook,
  type: "admit" | "validating",
  operation: string,
  answer: WebhookAnswer,
  tookUs: number,
): void {
  const rejected = answer.type === "denied" || (answer.type === "failed" && failurePolicy !== "Ignore");
  const code = answer.type === "allowed" ? 200 : answer.type === "denied" ? answer.status.code : 500;
  const own = { name, type, operation };
  metrics.webhookDurations.observe([name, type, operation, String(rejected)], tookUs / 1e6);
  count(admissions, "apiserver_admission_webhook_request_total", { ...own, code: String(code), rejected: String(rejected) });
  if (answer.type === "failed" && failurePolicy === "Ignore")
    count(admissions, "apiserver_admission_webhook_fail_open_count", { name, type });
  if (!rejected) return;
  const why = answer.type === "denied" ? "no_error" : "calling_webhook_error";
  const shown = answer.type === "denied" ? String(answer.status.code) : "0";
  count(admissions, "apiserver_admission_webhook_rejection_count", { ...own, error_type: why, rejection_code: shown });
}

/** Counts what a validating policy came to: "allow", "deny", "warn" or "audit". */
export function tallyPolicy(
  { admissions, metrics }: ServerState,
  policy: string,
  binding: string,
  action: string,
  error: "no_error" | "invalid_error",
  tookUs: number,
): void {
  const labels = { policy, policy_binding: binding, error_type: error, enforcement_action: action };
  count(admissions, "apiserver_validating_admission_policy_check_total", labels);
  metrics.expressions.checked(Object.values(labels), tookUs);
}
