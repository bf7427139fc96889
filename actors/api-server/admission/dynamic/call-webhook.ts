import type { MutatingWebhook, Status, ValidatingWebhook } from "../../../../protocol/kinds/generated";
import type { JsonObject } from "../../../../protocol/kinds/object";
import { badRequest, type Failure, failure, isFailure } from "../../../../protocol/status";
import type { HttpResponse } from "../../../../protocol/web";
import { isObject } from "../../objects/decode";
import type { Ctx, ServerState } from "../../state";
import { postToCluster } from "../../web/call";
import { headersFor } from "../webhook-credentials";
import { type Match, type Notes, type Review, reviewMessage } from "./review";

/** What came of asking a webhook. */
export type WebhookAnswer =
  /** `patch` is the text of a JSON Patch, "" where there is none. */
  | { readonly type: "allowed"; readonly patch: string }
  | { readonly type: "denied"; readonly status: Failure }
  /** It could not be asked, or what it said makes no sense: the failure policy decides. */
  | { readonly type: "failed"; readonly message: string };

/**
 * Asks a webhook about a request: an AdmissionReview there, an AdmissionReview back. Its warnings and annotations go into the notes.
 * Source: "Request" and "Response" in the documentation of dynamic admission control.
 */
export function callWebhook(
  state: ServerState,
  ctx: Ctx,
  webhook: ValidatingWebhook | MutatingWebhook,
  asked: { readonly review: Review; readonly match: Match; readonly objects: Pick<Review, "object" | "old"> },
  { mutating, notes, deadlineUs }: { readonly mutating: boolean; readonly notes: Notes; readonly deadlineUs: number },
  then: (state: ServerState, answer: WebhookAnswer, ctx: Ctx) => undefined,
): undefined {
  const { name, clientConfig, sideEffects, timeoutSeconds = 10 } = webhook;
  const failed = (reason: string): WebhookAnswer => ({
    type: "failed",
    message: `failed calling webhook ${JSON.stringify(name)}: ${reason}`,
  });
  if (asked.review.dryRun && sideEffects !== "None" && sideEffects !== "NoneOnDryRun")
    return then(state, { type: "denied", status: badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`) }, ctx);
  const version = webhook.admissionReviewVersions.find((each) => each === "v1" || each === "v1beta1");
  if (version === undefined)
    return then(
      state,
      failed("could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)"),
      ctx,
    );
  const leftMs = (deadlineUs - ctx.monotonicUs()) / 1000;
  if (leftMs <= 0) return then(state, failed("failed to call webhook: context deadline exceeded"), ctx);
  const uid = ctx.uuid();
  const message = reviewMessage(asked.review, asked.match, asked.objects, { version, uid });
  // Some of the caller's patience is kept for the write itself, so that a webhook which may be passed over does not use up all of it.
  const timeoutMs = Math.min(timeoutSeconds * 1000, leftMs - Math.min(1_000, leftMs / 4));
  const { url, service, caBundle } = clientConfig;
  const { validatingCredentials = [], mutatingCredentials = [] } = state.config.admission ?? {};
  const headers = headersFor(mutating ? mutatingCredentials : validatingCredentials, clientConfig);
  const target = { ...(url === undefined ? {} : { url }), ...(service ? { service } : {}), ...(caBundle ? { caBundle } : {}), headers };
  return postToCluster(state, ctx, target, message, timeoutMs, (state, outcome, ctx) => {
    if (!outcome.ok) {
      const posted = JSON.stringify(shownUrl(webhook, timeoutMs));
      return then(state, failed(`failed to call webhook: Post ${posted}: ${goText(outcome.detail)}`), ctx);
    }
    const wrong = wrongCode(outcome.response);
    if (wrong !== undefined) return then(state, failed(`failed to call webhook: ${wrong}`), ctx);
    const response = responseIn(outcome.response, { uid, version, mutating });
    if (typeof response === "string") return then(state, failed(response), ctx);
    note(name, response, notes);
    return then(state, read(name, response), ctx);
  });
}

/** The URL as it is shown in errors: where the webhook was looked for, whatever is behind. */
function shownUrl({ clientConfig: { url, service } }: ValidatingWebhook | MutatingWebhook, timeoutMs: number): string {
  const { name = "", namespace = "", port = 443, path = "/" } = service ?? {};
  const base = url ?? `https://${name}.${namespace}.svc:${port}${path.startsWith("/") ? path : `/${path}`}`;
  return `${base}${base.includes("?") ? "&" : "?"}timeout=${Math.ceil(timeoutMs / 1000)}s`;
}

/** What Node says when nothing answers, as Go says it: people and tools look for these words. */
function goText(detail: string): string {
  const refused = /connect ECONNREFUSED (\S+)/.exec(detail);
  if (refused) return `dial tcp ${refused[1]}: connect: connection refused`;
  const unknown = /getaddrinfo ENOTFOUND (\S+)/.exec(detail);
  if (unknown) return `dial tcp: lookup ${unknown[1]}: no such host`;
  if (/self-signed certificate|unable to (?:verify the first|get (?:local )?issuer) certificate/.test(detail))
    return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  const name = /does not match certificate's altnames: Host: (\S+?)\. is not in the cert's altnames: (.*)$/.exec(detail);
  if (name) {
    const names = name[2]!.replaceAll(/(?:DNS|IP Address):/g, "");
    return `tls: failed to verify certificate: x509: certificate is valid for ${names}, not ${name[1]}`;
  }
  return detail;
}

/** What a client makes of an answer whose code says that there is none. */
function wrongCode({ code, body }: HttpResponse): string | undefined {
  if (code >= 200 && code < 300) return undefined;
  const text = Buffer.from(body).toString("utf8", 0, 2048).trim() || "unknown";
  switch (code) {
    case 400:
      return "the server rejected our request for an unknown reason";
    case 401:
      return "the server has asked for the client to provide credentials";
    case 404:
      return "the server could not find the requested resource";
    case 405:
      return "the server does not allow this method on the requested resource";
    case 503:
      return "the server is currently unable to handle the request";
    case 504:
      return "the server was unable to return a response in the time allotted, but may still be processing the request";
    default:
      return code >= 500
        ? `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
        : `the server responded with the status code ${code} but did not return more information`;
  }
}

/** The response in an answer; the text says what is wrong with one that cannot be used. */
function responseIn(
  { body }: HttpResponse,
  { uid, version, mutating }: { readonly uid: string; readonly version: string; readonly mutating: boolean },
): JsonObject | string {
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return `failed to call webhook: couldn't get version/kind; json parse error: ${error.message}`;
    throw error;
  }
  const invalid = (why: string) => `received invalid webhook response: ${why}`;
  if (!isObject(answer)) return invalid("webhook response was absent");
  const { apiVersion = "", kind = "", response } = answer;
  if (!isObject(response)) return invalid("webhook response was absent");
  if (version === "v1beta1") return response;
  if (response.uid !== uid) return invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? "")}`);
  if (apiVersion !== "admission.k8s.io/v1" || kind !== "AdmissionReview") {
    const [group = "", ofGroup] = String(apiVersion).includes("/") ? String(apiVersion).split("/") : ["", String(apiVersion)];
    return invalid(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${group}/${ofGroup ?? ""}, Kind=${String(kind)}`,
    );
  }
  const hasPatch = typeof response.patch === "string" && response.patch !== "";
  const hasType = response.patchType !== undefined && response.patchType !== null;
  if (!mutating) {
    if (hasPatch) return invalid("validating webhook may not return response.patch");
    return hasType ? invalid("validating webhook may not return response.patchType") : response;
  }
  if (hasPatch && !hasType) return invalid("webhook returned response.patch but not response.patchType");
  if (!hasPatch && hasType) return invalid("webhook returned response.patchType but not response.patch");
  if (hasType && response.patchType === "") return invalid('webhook returned invalid response.patchType of ""');
  return response;
}

function note(name: string, { warnings, auditAnnotations }: JsonObject, notes: Notes): void {
  if (isObject(auditAnnotations))
    for (const [key, value] of Object.entries(auditAnnotations)) notes.annotate(`${name}/${key}`, String(value));
  if (Array.isArray(warnings)) for (const text of warnings) notes.warn(String(text));
}

function read(name: string, response: JsonObject): WebhookAnswer {
  if (response.allowed !== true) return { type: "denied", status: rejection(name, isObject(response.status) ? response.status : {}) };
  const patch = typeof response.patch === "string" ? Buffer.from(response.patch, "base64").toString("utf8") : "";
  const patchType = response.patchType ?? "JSONPatch";
  if (patch !== "" && patchType !== "JSONPatch")
    return {
      type: "failed",
      message: `failed calling webhook ${JSON.stringify(name)}: unsupported patch type ${JSON.stringify(patchType)}`,
    };
  return { type: "allowed", patch };
}

/** The Status of a webhook that refuses, with its own code, reason and details; the code is one of a refusal in any case. */
function rejection(name: string, given: Status): Failure {
  const deniedBy = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = given.message
    ? `${deniedBy}: ${given.message}`
    : given.reason
      ? `${deniedBy}: ${given.reason}`
      : `${deniedBy} without explanation`;
  const code = typeof given.code === "number" && given.code >= 400 && given.code < 600 ? given.code : 400;
  const { reason: _, ...plain } = failure("BadRequest", message);
  const status = {
    ...plain,
    ...(given.reason ? { reason: String(given.reason) } : {}),
    ...(isObject(given.details) ? { details: given.details } : {}),
    code,
  };
  return isFailure(status) ? status : failure("BadRequest", message);
}
