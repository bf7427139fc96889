import type { CriAnswer } from "../../protocol/cri";
import { absolute } from "../../protocol/paths";
import { serviceAccounts } from "../client";
import { holdsToken } from "./container-files";
import { isTokenDue, tokenIn, tokenRequestFor } from "./pod-token";
import { type ContainerWorker, followedOf, type PodWorker } from "./pod-worker";
import { type Reference, volumeReferences } from "./references";
import { lookUp } from "./resolve-references";
import { type Ctx, nodeFacts, nowMsOf, type State, wallMsOf } from "./state";
import { type GivenFile, tokenSources, volumeFiles } from "./volume-files";

/** How old what a volume shows may be: the kubelet's syncFrequency. */
const syncMs = 60_000;
/** A token that was refused is not asked for again before. */
const tokenRetryMs = 10_000;
const deadlineMs = 10_000;

type Then = (state: State, ctx: Ctx) => undefined;

/** What is to be looked at again: an object that a volume is filled from, or a token. */
type Step =
  | { readonly is: "object"; readonly reference: Reference }
  | { readonly is: "token"; readonly source: ReturnType<typeof tokenSources>[number] };

/**
 * Brings what a container's volumes show up to date, before somebody looks: a kubelet does so again and again, and nobody can tell while nobody looks. ConfigMaps and
 * Secrets are read again when they were last seen a minute ago, and tokens are asked for when there is none or theirs has grown old. Then `then` is called, whatever came of it.
 */
export function followVolumes(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx, then: Then): undefined {
  const steps = dueSteps(worker, container, nowMsOf(ctx), wallMsOf(ctx));
  return advance(state, worker.uid, container.name, steps, ctx, then);
}

/** Whether anything that a container mounts can change while it runs. */
export function followsAny({ pod }: PodWorker, { spec }: ContainerWorker): boolean {
  const names = new Set(spec.volumeMounts?.map(({ name }) => name));
  return (
    pod.spec?.volumes?.some((one) => names.has(one.name) && (one.configMap || one.secret || one.downwardAPI || one.projected)) ?? false
  );
}

/** Whether a command names a place where something that can change is mounted, or the pod's token alone. */
export function mayRead({ pod }: PodWorker, { spec }: ContainerWorker, words: readonly string[], tokenOnly: boolean): boolean {
  return (spec.volumeMounts ?? []).some(({ name, mountPath }) => {
    const volume = pod.spec?.volumes?.find((one) => one.name === name);
    if (!volume || (tokenOnly ? !holdsToken(volume) : !(volume.configMap || volume.secret || volume.downwardAPI || volume.projected)))
      return false;
    return words.some((word) => word.includes(mountPath));
  });
}

/** Whether it is time to look again. */
export function isDue(worker: PodWorker, container: ContainerWorker, ctx: Ctx): boolean {
  return dueSteps(worker, container, nowMsOf(ctx), wallMsOf(ctx)).length > 0;
}

function dueSteps(worker: PodWorker, { spec }: ContainerWorker, nowMs: number, wallMs: number): readonly Step[] {
  const names = new Set(spec.volumeMounts?.map(({ name }) => name));
  const { followed } = worker;
  const objects = volumeReferences(worker.pod, true).filter(({ volume, kind, name }) => {
    const key = `${kind}/${name}`;
    return names.has(volume) && !followed?.immutable.has(key) && nowMs >= (followed?.seenMs.get(key) ?? Number.NEGATIVE_INFINITY) + syncMs;
  });
  const tokens = tokenSources(worker.pod).filter(({ volume, key }) => {
    const triedMs = followed?.seenMs.get(`token/${key}`) ?? Number.NEGATIVE_INFINITY;
    return names.has(volume) && isTokenDue(followed?.tokens.get(key), wallMs) && nowMs >= triedMs + tokenRetryMs;
  });
  return [
    ...objects.map((reference) => ({ is: "object", reference }) as const),
    ...tokens.map((source) => ({ is: "token", source }) as const),
  ];
}

function advance(state: State, uid: string, name: string, steps: readonly Step[], ctx: Ctx, then: Then): undefined {
  const worker = state.workers.get(uid);
  const container = worker?.containers.get(name);
  const [step, ...rest] = steps;
  if (!worker || !container) return then(state, ctx);
  if (!step) return show(state, worker, container, ctx, then);
  const goOn: Then = (s, later) => advance(s, uid, name, rest, later, then);
  if (step.is === "object") lookUp(state, worker, step.reference, ctx, goOn);
  else askToken(state, worker, step.source, ctx, goOn);
  return undefined;
}

function askToken(state: State, worker: PodWorker, { volume, key, source }: ReturnType<typeof tokenSources>[number], ctx: Ctx, then: Then) {
  const { uid, pod } = worker;
  const account = pod.spec?.serviceAccountName || "default";
  const target = { namespace: pod.metadata.namespace ?? "", name: account, subresource: "token" };
  state.client.createSubresource(ctx, serviceAccounts, target, tokenRequestFor(pod, source), (s, result, later) => {
    const now = s.workers.get(uid);
    if (now) followedOf(now).seenMs.set(`token/${key}`, nowMsOf(later));
    const token = result.ok ? tokenIn(result.object, wallMsOf(later)) : undefined;
    if (now && token) followedOf(now).tokens.set(key, token);
    else if (now) {
      const why = result.ok ? "the answer has none" : result.status.message;
      const message = `MountVolume.SetUp failed for volume "${volume}" : failed to fetch token: ${why}`;
      s.recorder.event(later, now.pod, "Warning", "FailedMount", message);
    }
    return then(s, later);
  });
}

/** Tells the runtime what the volumes show now, if that is something else than before. What a subPath shows stays as it was. */
function show(state: State, worker: PodWorker, container: ContainerWorker, ctx: Ctx, then: Then): undefined {
  const { state: is, spec } = container;
  if (is.is !== "running") return then(state, ctx);
  const whole = (spec.volumeMounts ?? []).filter((mount) => !mount.subPath && !mount.subPathExpr);
  const facts = nodeFacts(state, worker);
  const found = volumeFiles(
    { ...spec, volumeMounts: whole },
    worker.pod,
    (key) => worker.referenced.get(key),
    facts,
    [],
    worker.followed?.tokens,
  );
  // What has become too much to be shown is not shown: as on a node whose disk is full.
  if (typeof found === "string") return then(state, ctx);
  const files = [...found, ...(container.fixed ?? [])];
  if (container.shown && areSame(container.shown, files)) return then(state, ctx);
  const filled = worker.pod.spec?.volumes?.filter((volume) => holdsToken(volume) && hasTokens(worker, volume.name)).map(({ name }) => name);
  const mounts = whole
    .filter(({ name }) => filled?.includes(name))
    .map(({ mountPath }) => ({ path: absolute(mountPath), volume: "", readOnly: true }) as const);
  const request = { kind: "cri.updateFiles", containerId: is.id, files, mounts };
  ctx.ask<CriAnswer>(state.runtime, request, { deadlineMs }, (s, answer, later) => {
    const now = s.workers.get(worker.uid)?.containers.get(container.name);
    if (now && answer.ok && answer.body.kind === "cri.done") now.shown = files;
    return then(s, later);
  });
  return undefined;
}

function areSame(before: readonly GivenFile[], after: readonly GivenFile[]): boolean {
  if (before.length !== after.length) return false;
  return before.every(([path, content, mode], index) => {
    const [otherPath, other, otherMode] = after[index]!;
    return path === otherPath && mode === otherMode && Buffer.from(content as string).equals(Buffer.from(other as string));
  });
}

const hasTokens = ({ pod, followed }: PodWorker, volume: string) =>
  tokenSources(pod).every((one) => one.volume !== volume || followed?.tokens.has(one.key));
