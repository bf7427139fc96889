import type { Counter, Histogram, Registry } from "../metrics/registry";
import { masters, type User } from "./authentication/user";
import { allowedByPolicies } from "./authorization/abac";
import type { Attributes } from "./authorization/attributes";
import { type AuthorizationWebhook, type Authorizer, defaultAuthorizers } from "./authorization/configuration";
import { compileConditions, conditionsHold } from "./authorization/match-conditions";
import { type Decision, forbiddenRequest } from "./authorization/rbac";
import { type ReviewSpec, reviewSpec } from "./authorization/review-spec";
import { decideByNode, decideByRoles } from "./authorization-memo";
import { type Call, refuse, respond } from "./call";
import type { Program } from "./cel/environment";
import { text } from "./health";
import type { Ctx, ServerState } from "./state";
import { postJson, type WebOutcome } from "./web/call";
import { reviewStatus } from "./web/review-status";

/**
 * The authorizers, asked one after the other: the first that allows or denies decides, and members of system:masters may do everything before anybody is
 * asked. What is in the caches is decided at once; a webhook's answer is waited for.
 */
export interface Authorizers {
  readonly chain: readonly Link[];
  readonly asksWebhooks: boolean;
}

type Link =
  | Exclude<Authorizer, { readonly type: "Webhook" }>
  | ({
      readonly type: "Webhook";
      readonly name: string;
      readonly webhook: AuthorizationWebhook;
      readonly conditions: readonly Program[];
    } & Answers);

interface Answers {
  /** What was answered, by what was asked, and until when it is believed. */
  readonly answers: Map<string, { readonly verdict: Verdict; readonly untilUs: number }>;
}

type Verdict = { readonly type: "allow" | "deny" | "none"; readonly reason: string; readonly error?: string };

const answersMax = 8192;

/** Throws an Error where a condition cannot be compiled; reading the configuration has found that before. */
export function newAuthorizers(authorizers: readonly Authorizer[] = defaultAuthorizers): Authorizers {
  const chain = authorizers.map((each): Link => {
    if (each.type !== "Webhook") return each;
    const { programs, problem } = compileConditions(each.webhook.matchConditions);
    if (problem !== undefined) throw new Error(`authorizer ${each.name}: ${problem}`);
    return { ...each, conditions: programs, answers: new Map() };
  });
  return { chain, asksWebhooks: chain.some(({ type }) => type === "Webhook") };
}

/** The figures of authorizers, under kube-apiserver's names. */
export interface AuthorizationFigures {
  readonly decisions: Counter;
  readonly exclusions: Counter;
  readonly conditionErrors: Counter;
  readonly evaluations: Counter;
  readonly durations: Histogram;
  readonly failOpen: Counter;
}

export function newAuthorizationFigures(registry: Registry): AuthorizationFigures {
  const webhook = "apiserver_authorization_webhook";
  const condition = "apiserver_authorization_match_condition";
  return {
    decisions: registry.counter("apiserver_authorization_decisions_total", "What authorizers decided, each by its type and name.", [
      ...["type", "name", "decision"],
    ]),
    exclusions: registry.counter(`${condition}_exclusions_total`, "Questions for which a webhook was passed over.", ["type", "name"]),
    conditionErrors: registry.counter(`${condition}_evaluation_errors_total`, "Conditions that came to no value.", ["type", "name"]),
    evaluations: registry.counter(`${webhook}_evaluations_total`, "Questions that were put to webhooks.", ["name", "result"]),
    durations: registry.histogram(
      `${webhook}_duration_seconds`,
      "How long webhooks took.",
      ["name", "result"],
      [...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]],
    ),
    failOpen: registry.counter(`${webhook}_evaluations_fail_open_total`, "Questions that went on because a webhook did not answer.", [
      ...["name", "result"],
    ]),
  };
}

type Then = (state: ServerState, decision: Decision, ctx: Ctx) => undefined;

/** Whether the user may do it. `deadlineUs` is how long the one who waits for it does, monotonic. */
export function askAccess(state: ServerState, ctx: Ctx, user: User, wanted: Attributes, deadlineUs: number, then: Then): undefined {
  if (user.groups.includes(masters)) return then(state, mayAll, ctx);
  return askInTurn(state, ctx, user, wanted, deadlineUs, then);
}

const mayAll: Decision = { allowed: true, reason: "" };

function askInTurn(state: ServerState, ctx: Ctx, user: User, wanted: Attributes, deadlineUs: number, then: Then): undefined {
  const { chain } = state.authorizers;
  const reasons: string[] = [];
  const errors: string[] = [];
  return from(state, ctx, 0);

  function from(state: ServerState, ctx: Ctx, index: number): undefined {
    for (let at = index; at < chain.length; at++) {
      const link = chain[at]!;
      if (link.type === "Webhook")
        return askWebhook(state, ctx, link, user, wanted, deadlineUs, (state, verdict, ctx) =>
          settle(state, ctx, link, verdict) ? undefined : from(state, ctx, at + 1),
        );
      if (settle(state, ctx, link, localVerdict(state, link, user, wanted))) return undefined;
    }
    return then(state, { allowed: false, reason: reasons.join("\n"), ...errorOf(errors) }, ctx);
  }

  function settle(state: ServerState, ctx: Ctx, { type, name }: Link, { type: verdict, reason, error }: Verdict): boolean {
    if (error !== undefined) errors.push(error);
    if (verdict === "none") {
      if (reason !== "") reasons.push(reason);
      return false;
    }
    const { decisions } = state.metrics.authorization;
    decisions.add([type, name, verdict === "allow" ? "allowed" : "denied"]);
    if (verdict === "allow") then(state, { allowed: true, reason }, ctx);
    else then(state, { allowed: false, denied: true, reason, ...errorOf(error === undefined ? [] : [error]) }, ctx);
    return true;
  }
}

function errorOf(errors: readonly string[]): { readonly error?: string } {
  return errors.length === 0 ? {} : { error: errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]` };
}

/** The answer to who may not; to who may perhaps, but nobody could say so, 500 as from a real server: a text. */
export function refuseAccess(ctx: Ctx, call: Call, wanted: Attributes, { reason, error }: Decision): undefined {
  if (error === undefined) return refuse(ctx, call, forbiddenRequest(call.user, wanted, reason));
  return respond(ctx, call, text(500, `Internal Server Error: ${JSON.stringify(call.request.path)}: ${error}\n`));
}

/** The same where nobody has to be waited for. Throws an Unasked where a webhook would have to be. */
export function decideAccess(state: ServerState, user: User, wanted: Attributes): Decision {
  if (user.groups.includes(masters)) return { allowed: true, reason: "" };
  let reasons = "";
  for (const link of state.authorizers.chain) {
    if (link.type === "Webhook") throw new Unasked(user, wanted);
    const { type, reason } = localVerdict(state, link, user, wanted);
    if (type !== "none") {
      state.metrics.authorization.decisions.add([link.type, link.name, type === "allow" ? "allowed" : "denied"]);
      return { allowed: type === "allow", reason };
    }
    if (reason !== "") reasons = reasons === "" ? reason : `${reasons}\n${reason}`;
  }
  return { allowed: false, reason: reasons };
}

/** A question that somebody elsewhere has to answer. */
class Unasked extends Error {
  constructor(
    readonly user: User,
    readonly wanted: Attributes,
  ) {
    super("an authorization webhook has to be asked");
  }
}

/**
 * Works something out that depends on what users may do, for whoever cannot wait in the middle of it, such as an expression: where a webhook has to be asked it
 * begins anew once that has answered. So `work` must change nothing.
 */
export function withAccess<T>(
  state: ServerState,
  ctx: Ctx,
  deadlineUs: number,
  work: (authorize: (user: User, wanted: Attributes) => Decision) => T,
  then: (state: ServerState, result: T, ctx: Ctx) => undefined,
): undefined {
  if (!state.authorizers.asksWebhooks)
    return then(
      state,
      work((user, wanted) => decideAccess(state, user, wanted)),
      ctx,
    );
  const known = new Map<string, Decision>();
  const keyOf = (user: User, wanted: Attributes) => JSON.stringify(reviewSpec(user, wanted));
  return again(state, ctx);

  function again(state: ServerState, ctx: Ctx): undefined {
    let result: T;
    try {
      result = work((user, wanted) => known.get(keyOf(user, wanted)) ?? decideAccess(state, user, wanted));
    } catch (error) {
      if (!(error instanceof Unasked)) throw error;
      const { user, wanted } = error;
      return askAccess(state, ctx, user, wanted, deadlineUs, (state, decision, ctx) => {
        known.set(keyOf(user, wanted), decision);
        return again(state, ctx);
      });
    }
    return then(state, result, ctx);
  }
}

function localVerdict(state: ServerState, link: Exclude<Link, WebhookLink>, user: User, wanted: Attributes): Verdict {
  switch (link.type) {
    case "Node":
      return decideByNode(state, user, wanted);
    case "RBAC": {
      const { allowed, reason } = decideByRoles(state, user, wanted);
      return { type: allowed ? "allow" : "none", reason };
    }
    case "ABAC":
      return allowedByPolicies(link.policies, user, wanted)
        ? { type: "allow", reason: "" }
        : { type: "none", reason: "No policy matched." };
    case "AlwaysAllow":
      return { type: "allow", reason: "" };
    case "AlwaysDeny":
      return { type: "none", reason: "Everything is forbidden." };
  }
}

type WebhookLink = Extract<Link, { readonly type: "Webhook" }>;

function askWebhook(
  state: ServerState,
  ctx: Ctx,
  { name, webhook, conditions, answers }: WebhookLink,
  user: User,
  wanted: Attributes,
  deadlineUs: number,
  then: (state: ServerState, verdict: Verdict, ctx: Ctx) => undefined,
): undefined {
  const figures = state.metrics.authorization;
  const spec = reviewSpec(user, wanted);
  const failed = (error: string): Verdict => ({ type: webhook.failurePolicy === "Deny" ? "deny" : "none", reason: "", error });
  const met = conditions.length === 0 || conditionsHold(conditions, spec);
  if (typeof met === "string") {
    figures.conditionErrors.add(["Webhook", name]);
    return then(state, failed(met), ctx);
  }
  if (!met) {
    figures.exclusions.add(["Webhook", name]);
    return then(state, { type: "none", reason: "" }, ctx);
  }
  const key = JSON.stringify(spec);
  const known = answers.get(key);
  if (known && known.untilUs > ctx.monotonicUs()) return then(state, known.verdict, ctx);
  const fromUs = ctx.monotonicUs();
  const { url, caBundle, insecure, headers } = webhook.access;
  const target = { url, headers, insecureSkipTlsVerify: insecure, ...(caBundle === "" ? {} : { caBundle }) };
  const timeoutMs = Math.min(webhook.timeoutMs, Math.max(1, (deadlineUs - fromUs) / 1000));
  return postJson(state, ctx, target, reviewOf(webhook, spec), timeoutMs, (state, outcome, ctx) => {
    const answer = readAnswer(outcome, url);
    const result = typeof answer !== "string" ? "success" : !outcome.ok && outcome.timedOut ? "timeout" : "error";
    figures.evaluations.add([name, result]);
    figures.durations.observe([name, result], (ctx.monotonicUs() - fromUs) / 1e6);
    if (typeof answer === "string") {
      if (webhook.failurePolicy === "NoOpinion") figures.failOpen.add([name, result]);
      ctx.log("warn", "an authorization webhook did not answer", { name, why: answer });
      return then(state, failed(answer), ctx);
    }
    const ttlMs = answer.allowed ? webhook.authorizedTtlMs : webhook.unauthorizedTtlMs;
    const verdict = verdictOf(answer);
    if (ttlMs > 0) {
      if (answers.size >= answersMax) answers.delete(answers.keys().next().value!);
      answers.set(key, { verdict, untilUs: ctx.monotonicUs() + ttlMs * 1000 });
    }
    return then(state, verdict, ctx);
  });
}

/** The older version calls groups otherwise. */
function reviewOf({ subjectAccessReviewVersion: version }: AuthorizationWebhook, { groups, ...spec }: ReviewSpec): object {
  const said = groups === undefined ? {} : { [version === "v1beta1" ? "group" : "groups"]: groups };
  return { kind: "SubjectAccessReview", apiVersion: `authorization.k8s.io/${version}`, metadata: {}, spec: { ...spec, ...said } };
}

interface Answer {
  readonly allowed: boolean;
  readonly denied: boolean;
  readonly reason: string;
}

function verdictOf({ allowed, denied, reason }: Answer): Verdict {
  if (allowed && denied) return { type: "deny", reason, error: "webhook subject access review returned both allow and deny response" };
  return { type: denied ? "deny" : allowed ? "allow" : "none", reason };
}

/** What the webhook said; a text where that is no answer. */
function readAnswer(outcome: WebOutcome, url: string): Answer | string {
  if (!outcome.ok) return `Post ${JSON.stringify(url)}: ${outcome.detail}`;
  const { code, body } = outcome.response;
  if (code < 200 || code >= 300) return `Post ${JSON.stringify(url)}: the webhook answered ${code}`;
  const status = reviewStatus(body);
  if (typeof status === "string") return status;
  const { allowed, denied, reason = "" } = status;
  return { allowed: allowed === true, denied: denied === true, reason: String(reason) };
}
