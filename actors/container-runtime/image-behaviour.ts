import { type AdmissionBehaviour, admissionText, isAdmissionBehaviour } from "./admission-behaviour";
import { areDependencies, type Dependency, dependenciesText } from "./dependencies";

/** A length of time in milliseconds: fixed, or drawn evenly from a range. */
export type MsRange = number | { readonly min: number; readonly max: number };

/**
 * How an image behaves when it is pulled and run: the stand-in for what would be in it. Everything but `image` may be left out;
 * `defaultBehaviour` says what then holds.
 */
export interface ImageBehaviour {
  /** The image's name as in the manifest; `*` stands for any text, and a name without a tag means every tag. */
  readonly image: string;
  /** How long a pull takes. */
  readonly pullMs?: MsRange;
  /** The pull fails with this text. */
  readonly pullFailure?: string;
  readonly sizeBytes?: number;
  /** From the start of the container to its running process. */
  readonly startMs?: MsRange;
  /** From the running process to the first request it answers. */
  readonly readyAfterMs?: MsRange;
  /** The ports on which it listens, instead of those the manifest declares. */
  readonly ports?: readonly number[];
  /** How long one request takes. */
  readonly latencyMs?: MsRange;
  /** The HTTP status and the body it answers with. */
  readonly code?: number;
  readonly body?: string;
  /** It is an admission webhook: what it answers to AdmissionReviews. */
  readonly admission?: AdmissionBehaviour;
  /** The Services that it asks for each request before it answers; where one that it needs fails, it answers 503. */
  readonly dependencies?: readonly (string | Dependency)[];
  /** It ends by itself after so long, with `exitCode`. */
  readonly exitAfterMs?: MsRange;
  readonly exitCode?: number;
  /** What it writes to the file of its termination message when it ends, unless it is killed. */
  readonly terminationMessage?: string;
  /** It crashes after so long, or on the so manieth request, with `crashCode`. */
  readonly crashAfterMs?: MsRange;
  readonly crashOnRequest?: number;
  readonly crashCode?: number;
  /** After so long it still runs but answers everything with 500: what liveness probes are for. */
  readonly unhealthyAfterMs?: MsRange;
  /** It does not react to SIGTERM and has to be killed. */
  readonly ignoresSigterm?: boolean;
  /** After SIGTERM it still accepts requests for so long, and then … */
  readonly drainMs?: MsRange;
  /** … finishes what it has begun and exits after so long. */
  readonly shutdownMs?: MsRange;
  /** The processor time that it takes while it runs, in thousandths of a core; what a limit says has no effect. */
  readonly milliCpu?: number;
  /** What it takes; above the container's limit it is killed. */
  readonly memoryBytes?: number;
  /** What it writes to the node's disk. */
  readonly diskBytes?: number;
  /** Lines it writes when its process starts. */
  readonly logLines?: readonly string[];
  /** Whether each request leaves a line in its log. */
  readonly logsRequests?: boolean;
}

/** An image nobody declared: pulled in a second or so, up in half a second, answers 200 in a few milliseconds, and leaves when asked to. */
export const defaultBehaviour: Required<
  Omit<
    ImageBehaviour,
    | "image"
    | "pullFailure"
    | "ports"
    | "admission"
    | "exitAfterMs"
    | "terminationMessage"
    | "crashAfterMs"
    | "crashOnRequest"
    | "unhealthyAfterMs"
    | "milliCpu"
    | "memoryBytes"
    | "diskBytes"
  >
> = {
  pullMs: { min: 500, max: 1500 },
  sizeBytes: 50_000_000,
  startMs: { min: 50, max: 150 },
  readyAfterMs: { min: 200, max: 500 },
  latencyMs: { min: 1, max: 5 },
  code: 200,
  body: "ok",
  exitCode: 0,
  crashCode: 1,
  ignoresSigterm: false,
  drainMs: 0,
  shutdownMs: { min: 20, max: 100 },
  logLines: ["started"],
  logsRequests: true,
  dependencies: [],
};

/** The behaviour of an image: the first that matches, over the default. */
export function behaviourOf(image: string, behaviours: readonly ImageBehaviour[]): ImageBehaviour & typeof defaultBehaviour {
  const declared = behaviours.find((behaviour) => matchesImage(behaviour.image, image));
  return { ...defaultBehaviour, ...declared, image };
}

/** Whether a pattern means the image: `shop/web` means every tag of it, `shop/*` every image under it. */
export function matchesImage(pattern: string, image: string): boolean {
  if (matchesText(pattern, image)) return true;
  return !hasTag(pattern) && matchesText(pattern, withoutTag(image));
}

const hasTag = (image: string) => image.includes("@") || image.lastIndexOf(":") > image.lastIndexOf("/");

function withoutTag(image: string): string {
  const plain = image.split("@")[0]!;
  const colon = plain.lastIndexOf(":");
  return colon > plain.lastIndexOf("/") ? plain.slice(0, colon) : plain;
}

function matchesText(pattern: string, text: string): boolean {
  const [first = "", ...others] = pattern.split("*");
  if (others.length === 0) return pattern === text;
  if (!text.startsWith(first)) return false;
  const last = others.pop()!;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** A length drawn from a range; `draw` is in [0, 1). */
export function drawMs(range: MsRange, draw: number): number {
  return typeof range === "number" ? range : range.min + draw * (range.max - range.min);
}

/** Says what is wrong with a declared behaviour, as "path: what was expected"; empty when nothing is. */
export function wrongWithBehaviour(value: unknown, path: string): readonly string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${path}: expected a record with an image`];
  const record = value as Record<string, unknown>;
  const wrong = typeof record.image === "string" && record.image !== "" ? [] : [`${path}.image: expected the name of an image`];
  for (const [name, field] of Object.entries(record)) {
    const expected = fieldShapes.get(name);
    if (name === "image") continue;
    if (expected === undefined) wrong.push(`${path}.${name}: unknown field; known are image, ${[...fieldShapes.keys()].join(", ")}`);
    else if (!expected.holds(field)) wrong.push(`${path}.${name}: expected ${expected.text}`);
  }
  return wrong;
}

interface Shape {
  readonly text: string;
  readonly holds: (value: unknown) => boolean;
}

const isAmount = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value) && value >= 0;
const ms: Shape = {
  text: "milliseconds, or { min, max } with min not above max",
  holds: (value) => {
    if (isAmount(value)) return true;
    const range = value as { min?: unknown; max?: unknown } | null;
    return typeof range === "object" && range !== null && isAmount(range.min) && isAmount(range.max) && range.min <= range.max;
  },
};
const whole: Shape = { text: "a whole number, 0 or more", holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0 };
const text: Shape = { text: "a text", holds: (value) => typeof value === "string" };
const flag: Shape = { text: "true or false", holds: (value) => typeof value === "boolean" };
const listOf = (shape: Shape): Shape => ({
  text: `a list, each ${shape.text}`,
  holds: (value) => Array.isArray(value) && value.every(shape.holds),
});

const fieldShapes: ReadonlyMap<string, Shape> = new Map([
  ["pullMs", ms],
  ["pullFailure", text],
  ["sizeBytes", whole],
  ["startMs", ms],
  ["readyAfterMs", ms],
  ["ports", listOf(whole)],
  ["latencyMs", ms],
  ["code", whole],
  ["body", text],
  ["exitAfterMs", ms],
  ["exitCode", whole],
  ["terminationMessage", text],
  ["crashAfterMs", ms],
  ["crashOnRequest", whole],
  ["crashCode", whole],
  ["unhealthyAfterMs", ms],
  ["ignoresSigterm", flag],
  ["drainMs", ms],
  ["shutdownMs", ms],
  ["milliCpu", whole],
  ["memoryBytes", whole],
  ["diskBytes", whole],
  ["logLines", listOf(text)],
  ["logsRequests", flag],
  ["admission", { text: admissionText, holds: isAdmissionBehaviour }],
  ["dependencies", { text: dependenciesText, holds: areDependencies }],
]);
