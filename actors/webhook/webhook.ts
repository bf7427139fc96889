import type { HttpRequest, HttpResponse } from "../../protocol/web";
import { type AdmissionBehaviour, admissionAnswer } from "../container-runtime/admission-behaviour";
import { type AuthorizationBehaviour, authorizationAnswer } from "./authorization-behaviour";
import { type Lateness, lateAnswerer } from "./late-answerer";

export interface WebhookConfig extends Lateness {
  /** What it is asked for: whether an object may be written, or whether somebody may do something. */
  readonly answers: { readonly admission: AdmissionBehaviour } | { readonly authorization: AuthorizationBehaviour };
}

/** A webhook outside of the cluster, on a host of its own: answers AdmissionReviews or SubjectAccessReviews as it is told to, after a while. */
export const webhook = lateAnswerer<WebhookConfig, HttpRequest | HttpResponse>("webhook", {
  refusal: ({ kind }) => (kind === "http.request" ? undefined : `a webhook does not answer ${kind}`),
  answer: ({ answers }, { body }) => responseTo(answers, body),
  noStream: "a webhook does not stream",
});

function responseTo(answers: WebhookConfig["answers"], body: Uint8Array): HttpResponse {
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
