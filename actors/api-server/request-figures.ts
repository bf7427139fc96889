import type { ApiRequest } from "../../protocol/api";
import type { Kind } from "../../protocol/kinds/registry";
import type { Counter, Distribution, Histogram, Tally } from "../metrics/registry";
import type { ServedKinds } from "./custom-resources/served-kinds";
import { isLongRunning } from "./flow-control/long-running";

/** Where answers are counted: kube-apiserver's families of its requests. */
export interface RequestFamilies {
  readonly requests: Counter;
  readonly durations: Histogram;
  readonly sliDurations: Histogram;
  readonly responseSizes: Histogram;
  readonly terminations: Counter;
}

/** What one kind of answer is counted in. */
interface Figures {
  readonly requests: Tally;
  readonly terminations: Tally | undefined;
  readonly durations: Distribution | undefined;
  readonly sliDurations: Distribution | undefined;
  readonly responseSizes: Distribution | undefined;
}

/** Counts answers. Labels are put together once for each kind of answer, of which there are as many as kinds times verbs times codes. */
export class RequestFigures {
  private readonly known = new WeakMap<Kind, Map<string, Figures>>();

  constructor(private readonly families: RequestFamilies) {}

  answered(served: ServedKinds, request: ApiRequest, code: number, tookSeconds: number, bytes: number): void {
    const figures = this.figuresOf(served, request, code);
    figures.requests.add();
    figures.terminations?.add();
    figures.durations?.observe(tookSeconds);
    figures.sliDurations?.observe(tookSeconds);
    figures.responseSizes?.observe(bytes);
  }

  private figuresOf(served: ServedKinds, request: ApiRequest, code: number): Figures {
    const kind = kindOfRequest(served, request);
    // Clients may ask for any name: what is not served is counted together, and seldom.
    if (kind === undefined) return this.newFigures(kind, request, code);
    let ofKind = this.known.get(kind);
    if (ofKind === undefined) this.known.set(kind, (ofKind = new Map()));
    const key = `${verbOf(request)} ${dryRunOf(request)} ${subresourceOf(kind, request)} ${scopeOf(request)} ${code}`;
    let figures = ofKind.get(key);
    if (figures === undefined) ofKind.set(key, (figures = this.newFigures(kind, request, code)));
    return figures;
  }

  private newFigures(kind: Kind | undefined, request: ApiRequest, code: number): Figures {
    const { requests, terminations, durations, sliDurations, responseSizes } = this.families;
    const [verb, dryRun] = [verbOf(request), dryRunOf(request)];
    const labels = labelsOf(kind, request);
    const goesOn = isLongRunning(request);
    return {
      requests: requests.at([verb, dryRun, ...labels, String(code)]),
      terminations: code === 429 || code === 504 ? terminations.at([verb, ...labels, String(code)]) : undefined,
      durations: goesOn ? undefined : durations.at([verb, dryRun, ...labels]),
      sliDurations: goesOn ? undefined : sliDurations.at([verb, ...labels]),
      responseSizes: !goesOn && (verb === "GET" || verb === "LIST") ? responseSizes.at([verb, ...labels]) : undefined,
    };
  }
}

/** The kind that a request is for; undefined where it is for no resource, or for one that is not served. */
export function kindOfRequest(served: ServedKinds, { isResource, group, version, resource }: ApiRequest): Kind | undefined {
  return isResource ? served.kindOfResource(group, version, resource) : undefined;
}

/** Group, version, resource, subresource, scope and component. */
export function labelsOf(kind: Kind | undefined, request: ApiRequest): readonly string[] {
  if (!request.isResource) return ["", "", "", request.path === "/metrics" ? request.path : "", "", "apiserver"];
  const { group = "", version = "", plural: resource = "" } = kind ?? {};
  return [group, version, resource, subresourceOf(kind, request), scopeOf(request), "apiserver"];
}

function subresourceOf(kind: Kind | undefined, { subresource }: ApiRequest): string {
  return subresource !== "" && kind?.subresources.some(({ name }) => name === subresource) ? subresource : "";
}

function scopeOf({ name, verb, namespace }: ApiRequest): string {
  return name !== "" || verb === "create" ? "resource" : namespace !== "" ? "namespace" : "cluster";
}

function dryRunOf({ query }: ApiRequest): string {
  return query.dryRun === "All" ? query.dryRun : "";
}

/** The label of a request's verb: Kubernetes counts under the HTTP method where the verb has one. */
export function verbOf({ verb, contentType }: ApiRequest): string {
  if (verb === "patch" && contentType.startsWith("application/apply-patch")) return "APPLY";
  return verbLabels.get(verb) ?? verb.toUpperCase();
}

const verbLabels: ReadonlyMap<string, string> = new Map([
  ...["get", "list", "watch", "patch", "delete", "deletecollection", "connect"].map((verb) => [verb, verb.toUpperCase()] as const),
  ["create", "POST"],
  ["update", "PUT"],
]);
