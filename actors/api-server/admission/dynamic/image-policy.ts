import type { Container, Pod } from "../../../../protocol/kinds/generated";
import { type Failure, forbidden } from "../../../../protocol/status";
import { after } from "../../registry/pieces";
import type { Ctx, ServerState } from "../../state";
import { postJson, type WebOutcome } from "../../web/call";
import { reviewStatus } from "../../web/review-status";
import type { ImagePolicySettings } from "../configuration";
import type { Notes, Review } from "./review";

/** What was said of some images, and until when it is believed. */
export interface ImageVerdict {
  readonly allowed: boolean;
  readonly reason: string;
  readonly untilMs: number;
}

const rememberedMax = 1024;
/** As apiserver's webhook client: each pause is half as long again, and up to a fifth longer. */
const attemptsMax = 5;
const retryFactor = 1.5;
const retryJitter = 0.2;

/** The webhook that is asked about images, where there is one and the plug-in is on. */
export function imagePolicyOf(state: ServerState): ImagePolicySettings | undefined {
  return state.knobs["admission-plugin-ImagePolicyWebhook"] === 1 ? state.config.admission?.imagePolicy : undefined;
}

/**
 * Asks a webhook whether a Pod's images may run: an ImageReview of imagepolicy.k8s.io/v1alpha1. What it says is believed for a while. Where it fails for a
 * moment it is asked again, five times in all; where nobody answers, the configuration says what becomes of the Pod. Source: "Admission Control", ImagePolicyWebhook.
 */
export function reviewImages(
  state: ServerState,
  ctx: Ctx,
  { kind, subresource, operation, object, namespace, name }: Review,
  { notes, deadlineUs }: { readonly notes: Notes; readonly deadlineUs: number },
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  const settings = imagePolicyOf(state);
  const isAsked = kind.group === "" && kind.plural === "pods" && (subresource === "" || subresource === "ephemeralcontainers");
  if (!settings || !isAsked || (operation !== "CREATE" && operation !== "UPDATE")) return then(state, undefined, ctx);
  const pod = object as unknown as Pod;
  const annotations = Object.entries(pod.metadata?.annotations ?? {}).filter(([key]) => key.includes(".image-policy.k8s.io/"));
  const spec = {
    containers: imagesOf(pod, subresource).map((image) => ({ image })),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
    namespace,
  };
  const key = JSON.stringify(spec);
  const known = state.imageVerdicts.get(key);
  if (known && known.untilMs > ctx.wallUs() / 1000) return then(state, refusalOf(known), ctx);
  const body = { kind: "ImageReview", apiVersion: "imagepolicy.k8s.io/v1alpha1", metadata: {}, spec };
  const { url, caBundle, headers, insecure } = settings;
  const asked = { url, headers, insecureSkipTlsVerify: insecure, ...(caBundle === "" ? {} : { caBundle }) };
  return ask(state, ctx, 1, settings.retryBackoffMs);

  function ask(state: ServerState, ctx: Ctx, attempt: number, pauseMs: number): undefined {
    const leftMs = (deadlineUs - ctx.monotonicUs()) / 1000 - 1_000;
    if (leftMs <= 0) return unanswered(state, ctx, "context deadline exceeded");
    return postJson(state, ctx, asked, body, Math.min(leftMs, 30_000), (state, outcome, ctx) => {
      const leftMs = (deadlineUs - ctx.monotonicUs()) / 1000 - 1_000;
      const jitteredMs = pauseMs * (1 + ctx.random("image-policy.backoff") * retryJitter);
      if (mayRecover(outcome) && attempt < attemptsMax && jitteredMs < leftMs)
        return after(state, ctx, jitteredMs, (state, ctx) => ask(state, ctx, attempt + 1, pauseMs * retryFactor));
      const answer = read(outcome);
      return typeof answer === "string" ? unanswered(state, ctx, answer) : decide(state, ctx, answer.allowed, answer.reason);
    });
  }

  function decide(state: ServerState, ctx: Ctx, allowed: boolean, reason: string): undefined {
    const ttlMs = allowed ? settings!.allowTtlMs : settings!.denyTtlMs;
    const verdict = { allowed, reason, untilMs: ctx.wallUs() / 1000 + ttlMs };
    if (state.imageVerdicts.size >= rememberedMax) state.imageVerdicts.delete(state.imageVerdicts.keys().next().value!);
    state.imageVerdicts.set(key, verdict);
    return then(state, refusalOf(verdict), ctx);
  }

  function unanswered(state: ServerState, ctx: Ctx, why: string): undefined {
    ctx.log("warn", "the webhook for images did not answer", { why });
    if (!settings!.defaultAllow) return then(state, forbidden({ group: "", resource: "pods", name }, why), ctx);
    notes.annotate("imagepolicywebhook.image-policy.k8s.io/failed-open", "true");
    return then(state, undefined, ctx);
  }

  function refusalOf({ allowed, reason }: ImageVerdict): Failure | undefined {
    if (allowed) return undefined;
    const why =
      reason === ""
        ? "one or more images rejected by webhook backend"
        : `image policy webhook backend denied one or more images: ${reason}`;
    return forbidden({ group: "", resource: "pods", name }, why);
  }
}

/** Whether it is worth asking once more: apiserver's webhook client asks again after these, and after no other failure. */
function mayRecover(outcome: WebOutcome): boolean {
  if (!outcome.ok) return /ECONNRESET|connection reset/.test(outcome.detail);
  const { code, headers } = outcome.response;
  return code === 500 || code === 504 || code === 429 || (code >= 400 && headers.some(([name]) => name.toLowerCase() === "retry-after"));
}

function imagesOf({ spec }: Pod, subresource: string): readonly string[] {
  const of = (containers: readonly Pick<Container, "image">[] = []) => containers.map(({ image = "" }) => image);
  if (subresource === "ephemeralcontainers") return of(spec?.ephemeralContainers);
  return [...of(spec?.containers), ...of(spec?.initContainers)];
}

/** What the webhook said; a text where that is no verdict. */
function read(outcome: WebOutcome): { readonly allowed: boolean; readonly reason: string } | string {
  if (!outcome.ok) return outcome.detail;
  const { code, body } = outcome.response;
  if (code < 200 || code >= 300) return `error contacting webhook: ${code}`;
  const status = reviewStatus(body);
  if (typeof status === "string") return status;
  const { allowed = false, reason = "" } = status;
  return { allowed: allowed === true, reason: String(reason) };
}
