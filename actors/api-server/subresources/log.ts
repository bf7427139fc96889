import { address } from "../../../protocol/address";
import type { ApiChunk } from "../../../protocol/api";
import type { KubeletLogRequest, KubeletLogResponse } from "../../../protocol/cluster";
import type { Pod } from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import { badRequest, type Failure, failure, invalid, isFailure, serviceUnavailable } from "../../../protocol/status";
import type { StreamRef } from "../../../runtime/actor";
import { streamEnded } from "../audit/audit";
import { begin, type ResourceCall, refuse, respond } from "../call";
import { text } from "../health";
import { causeOf, Findings } from "../objects/validation/field-error";
import { isTrue } from "../registry/list-options";
import { newRelay } from "../relays";
import type { Ctx, ServerState } from "../state";
import { withPlacedPod } from "./placed-pod";

/** GET pods/NAME/log: fetched from the kubelet of the Pod's node; with follow the pieces are passed on as they come. */
export function podLog(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  return withPlacedPod(
    state,
    ctx,
    call,
    (pod, ctx) => kubeletRequest(call, pod, ctx.wallUs()),
    (state, ctx, node, request) => (request.follow ? follow(state, ctx, call, node, request) : fetch(ctx, call, node, request)),
  );
}

function fetch(ctx: Ctx, call: ResourceCall, node: string, request: KubeletLogRequest): undefined {
  const deadlineMs = Math.max(1, (call.deadlineUs - ctx.monotonicUs()) / 1000);
  ctx.ask<KubeletLogResponse>(address("kubelet", node), request, { deadlineMs }, (_state, answer, ctx) => {
    if (!answer.ok) return refuse(ctx, call, serviceUnavailable(`the kubelet of node ${node} cannot be reached: ${answer.error}`));
    return respond(ctx, call, logResponse(answer.body));
  });
}

/** Opens a stream to the kubelet and joins it to the caller's; the end of either ends the other. */
function follow(state: ServerState, ctx: Ctx, call: ResourceCall, node: string, request: KubeletLogRequest): undefined {
  const { caller } = call;
  if (caller.type !== "open") return refuse(ctx, call, badRequest("a log that is followed has to be opened as a stream"));
  let answered = false;
  const kubelet: StreamRef = ctx.open<KubeletLogResponse | ApiChunk>(address("kubelet", node), request, (state, input, ctx) => {
    if (!state.relays.has(caller.stream.key)) return;
    if (input.type === "closed") {
      state.relays.delete(caller.stream.key);
      if (!answered) return refuse(ctx, call, serviceUnavailable(`the kubelet of node ${node} cannot be reached: ${input.reason}`));
      ctx.close(caller.stream);
      streamEnded(state, ctx, caller.stream.key);
      return;
    }
    if (input.body.kind === "api.chunk") {
      ctx.push(caller.stream, input.body);
      return;
    }
    answered = true;
    const { code, bytes } = input.body;
    if (code !== 200) {
      state.relays.delete(caller.stream.key);
      ctx.close(kubelet);
      return respond(ctx, call, logResponse(input.body));
    }
    begin(ctx, call, text(200, ""));
    const chunk: ApiChunk = { kind: "api.chunk", bytes };
    if (bytes.length > 0) ctx.push(caller.stream, chunk);
  });
  newRelay(state, { remote: kubelet, caller: caller.stream, request: call.request });
}

function logResponse({ code, message, bytes }: KubeletLogResponse) {
  if (code === 200) return { ...text(200, ""), body: bytes };
  const status = { ...failure(code === 404 ? "NotFound" : "BadRequest", message), code };
  return { ...text(code, ""), contentType: "application/json", body: Buffer.from(JSON.stringify(status)) };
}

function kubeletRequest({ request }: ResourceCall, pod: Stored<Pod>, nowUs: number): KubeletLogRequest | Failure {
  const { query, namespace, name } = request;
  const container = containerOf(pod, query.container ?? "");
  if (isFailure(container)) return container;
  const tailLines = countOf(query.tailLines);
  const limitBytes = countOf(query.limitBytes);
  const sinceSeconds = countOf(query.sinceSeconds);
  for (const count of [tailLines, limitBytes, sinceSeconds]) if (isFailure(count)) return count;
  const wrong = new Findings();
  if (tailLines !== undefined && (tailLines as number) < 0) wrong.invalid("tailLines", tailLines, "must be greater than or equal to 0");
  if (limitBytes !== undefined && (limitBytes as number) < 1) wrong.invalid("limitBytes", limitBytes, "must be greater than 0");
  if (sinceSeconds !== undefined && query.sinceTime) wrong.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified");
  else if (sinceSeconds !== undefined && (sinceSeconds as number) < 1)
    wrong.invalid("sinceSeconds", sinceSeconds, "must be greater than 0");
  const errors = wrong.errors();
  if (errors.length > 0) return invalid({ group: "", resource: "PodLogOptions", kind: "PodLogOptions", name }, errors.map(causeOf));
  const sinceMs = query.sinceTime ? Date.parse(query.sinceTime) : 0;
  if (Number.isNaN(sinceMs)) return badRequest(`sinceTime: expected an RFC 3339 time, got ${JSON.stringify(query.sinceTime)}`);
  const sinceUs = sinceSeconds !== undefined ? nowUs - (sinceSeconds as number) * 1e6 : sinceMs * 1000;
  return {
    ...{
      kind: "kubelet.log",
      namespace,
      pod: name,
      container,
      tailLines: (tailLines ?? -1) as number,
      limitBytes: (limitBytes ?? -1) as number,
      sinceUs,
    },
    ...{ follow: isTrue(query.follow), previous: isTrue(query.previous), timestamps: isTrue(query.timestamps) },
  };
}

/** A whole number; undefined where it is not given. */
function countOf(given: string | undefined): number | Failure | undefined {
  if (given === undefined || given === "") return undefined;
  return /^[+-]?\d{1,15}$/.test(given) ? Number(given) : badRequest(`strconv.ParseInt: parsing ${JSON.stringify(given)}: invalid syntax`);
}

/** The container asked for, else the default one or the only one. */
export function containerOf({ metadata, spec }: Stored<Pod>, asked: string): string | Failure {
  const all = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []), ...(spec?.ephemeralContainers ?? [])].map(({ name }) => name);
  if (asked !== "") return all.includes(asked) ? asked : badRequest(`container ${asked} is not valid for pod ${metadata.name}`);
  const annotated = metadata.annotations?.["kubectl.kubernetes.io/default-container"];
  if (annotated !== undefined && all.includes(annotated)) return annotated;
  const containers = (spec?.containers ?? []).map(({ name }) => name);
  if (containers.length === 1) return containers[0]!;
  return badRequest(`a container name must be specified for pod ${metadata.name}, choose one of: [${containers.join(" ")}]`);
}
