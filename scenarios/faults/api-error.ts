import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { encode } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import { type Failure, failure, internalError, serviceUnavailable, timeout, tooManyRequests } from "../../protocol/status";
import type { Gate, Interposer } from "../../runtime/interposer";
import { percentSchema } from "../schema";
import { requestFilter, requestParams } from "./api-requests";
import { count, type Fault, listed } from "./fault";
import { probabilityOf } from "./network";
import { answerInItsPlace, answerTo } from "./stand-in";

const codes = [429, 500, 503, 504] as const;

export const apiError: Fault = {
  name: "api-error",
  what: "The API servers of the target answer a share of the requests with an error: 500, 503, 504, or 429 with Retry-After. With `carriedOut` they do what was asked first, and only the answer is lost, which whoever asked must not take for a no.",
  params: {
    ...requestParams,
    code: { enum: [...codes], description: "the HTTP status; 500 where not given" },
    rate: percentSchema,
    retryAfter: { type: "integer", minimum: 1, description: "seconds in Retry-After; 1 where not given" },
    carriedOut: { type: "boolean", description: "the request is carried out all the same" },
  },
  required: [],
  silences: false,
  swarm: {
    roles: ["apiserver"],
    mode: "all",
    params: (d) => ({
      code: codes[Math.floor(d * codes.length)]!,
      rate: `${Math.round(2 + ((d * 97) % 1) * 60)}%`,
      ...(Math.floor(d * 1e4) % 3 === 0 ? { carriedOut: true } : {}),
    }),
  },
  begin(tank, hosts, params, id) {
    const probability = probabilityOf(params.rate ?? "100%");
    const carriedOut = params.carriedOut === true;
    const status = statusOf((params.code as number | undefined) ?? 500, (params.retryAfter as number | undefined) ?? 1);
    let refused = 0;
    let asked = 0;
    const interposers = hosts.map((host) => {
      const concerns = requestFilter(tank, host, params);
      /** Answers that are to be replaced, by whom they go to. */
      const toReplace = new Map<string, ApiRequest>();
      return tank.interpose(
        host,
        (gate): Interposer => ({
          arriving(envelope) {
            const request = concerns(envelope);
            if (!request || tank.draw(`${id} ${host}`, "error", asked++) >= probability) return "pass";
            // A stream has no answer that could be lost on its own.
            if (carriedOut && envelope.operation === "ask") {
              toReplace.set(conversation(envelope.from, envelope.fromIncarnation, envelope.id), request);
              return "pass";
            }
            refused++;
            refuse(gate, envelope, status);
            return [];
          },
          leaving(envelope) {
            if (envelope.operation !== "answer" || !toReplace.delete(conversation(envelope.to, envelope.toIncarnation, envelope.id)))
              return "pass";
            refused++;
            return [{ ...envelope, kind: "api.response", body: encode(responseOf(status)) }];
          },
        }),
      );
    });
    return {
      end() {
        for (const interposer of interposers) interposer.cancel();
        return listed(count(refused, "request", `answered with ${status.code}${carriedOut ? ", though carried out" : ""}`));
      },
    };
  },
};

function conversation(who: string, incarnation: number, id: number): string {
  return `${who}#${incarnation}:${id}`;
}

function statusOf(code: number, retryAfterSeconds: number): Failure {
  switch (code) {
    case 429:
      return tooManyRequests("Too many requests, please try again later.", retryAfterSeconds);
    case 503:
      return { ...serviceUnavailable("the server is currently unable to handle the request"), details: { retryAfterSeconds } };
    case 504:
      return timeout("request did not complete within the allotted timeout");
    case 500:
      return internalError("a fault of the storm");
    default:
      return failure("InternalError", `status ${code}`);
  }
}

function responseOf(status: Failure): ApiResponse {
  const { retryAfterSeconds } = status.details ?? {};
  return {
    kind: "api.response",
    code: status.code,
    contentType: "application/json",
    headers: retryAfterSeconds ? [["Retry-After", String(retryAfterSeconds)]] : [],
    body: Buffer.from(JSON.stringify(status)),
  };
}

/** Answers a request in the name of the API server that it was meant for; a stream is told the same and closed. */
export function refuse(gate: Gate, asked: Envelope, status: Failure): void {
  const response = responseOf(status);
  if (asked.operation === "ask") return answerInItsPlace(gate, asked, response);
  const said = { ...answerTo(asked, response), sequence: 1 };
  gate.send({ ...said, operation: "item" });
  gate.send({ ...said, operation: "close", kind: "done", body: encode({ kind: "" }) });
}
