import type { HttpRequest, HttpResponse } from "../../protocol/web";
import type { Actor, RequestRef } from "../../runtime/actor";
import { type AdmissionBehaviour, admissionAnswer } from "../container-runtime/admission-behaviour";
import { drawMs, type MsRange } from "../container-runtime/image-behaviour";
import { type AuthorizationBehaviour, authorizationAnswer } from "./authorization-behaviour";

export interface WebhookConfig {
  /** What it is asked for: whether an object may be written, or whether somebody may do something. */
  readonly answers: { readonly admission: AdmissionBehaviour } | { readonly authorization: AuthorizationBehaviour };
  /** How long one answer takes. */
  readonly latencyMs: MsRange;
}

interface State {
  readonly config: WebhookConfig;
  /** Those who wait for their answer, by the timer. */
  readonly waiting: Map<string, { readonly request: RequestRef; readonly body: Uint8Array }>;
  next: number;
}

/** A webhook outside of the cluster, on a host of its own: answers AdmissionReviews or SubjectAccessReviews as it is told to, after a while. */
export const webhook: Actor<WebhookConfig, State, HttpRequest | HttpResponse> = {
  role: "webhook",
  start: (config) => ({ config, waiting: new Map(), next: 0 }),
  receive(state, input, ctx) {
    switch (input.type) {
      case "request": {
        const { body, request } = input;
        if (body.kind !== "http.request") return void ctx.refuse(request, `a webhook does not answer ${body.kind}`);
        const timer = `answer:${state.next++}`;
        state.waiting.set(timer, { request, body: body.body });
        return void ctx.setTimer(timer, drawMs(state.config.latencyMs, ctx.random("latency")));
      }
      case "timer": {
        const waiting = state.waiting.get(input.name);
        if (!waiting) return;
        state.waiting.delete(input.name);
        return void ctx.reply(waiting.request, responseTo(state.config, waiting.body));
      }
      case "opened":
        return void ctx.close(input.stream, "refused", "a webhook does not stream");
      // Nobody sends a webhook datagrams, and it owns no disk.
      case "closed":
      case "item":
      case "message":
      case "persisted":
      case "diskFailed":
        return;
    }
  },
};

function responseTo({ answers }: WebhookConfig, body: Uint8Array): HttpResponse {
  const isAdmission = "admission" in answers;
  const answer = isAdmission ? admissionAnswer(answers.admission, body) : authorizationAnswer(answers.authorization, body);
  const text = answer ?? (isAdmission ? "expected an AdmissionReview" : "expected a SubjectAccessReview");
  return {
    kind: "http.response",
    code: answer === undefined ? 400 : 200,
    headers: [["content-type", "application/json"]],
    body: Buffer.from(text),
  };
}
