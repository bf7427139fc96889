import { toServerBody } from "../../actors/api-server/gateway/body";
import { requestInfo } from "../../actors/api-server/request-info";
import { apiServer } from "../../actors/api-server/server";
import type { ServerState } from "../../actors/api-server/state";
import { etcdMember } from "../../actors/etcd/member";
import { address } from "../../protocol/address";
import type { ApiRequest, ApiResponse, Credential } from "../../protocol/api";
import { isFailure } from "../../protocol/status";
import { Simulation } from "../../runtime/simulated/simulation";
import { Draws } from "./draws";
import { boats } from "./kinds";
import { type HostileRequest, hostileRequest } from "./requests";

/** What became of the requests of a siege. */
export interface Siege {
  readonly requests: number;
  readonly accepted: number;
  readonly refused: number;
  /** Milliseconds of processor time that the dearest request took, and which that was. */
  readonly slowest: { readonly ms: number; readonly request: string };
  /** What must not have been, each with the request that did it. */
  readonly violations: readonly string[];
}

const admin: Credential = { type: "certificate", commonName: "kubernetes-admin", organizations: ["system:masters"] };
/** The requests of one world; then a new one begins, as objects have piled up. */
const worldRequests = 2_000;
/** So much processor time one request may take. */
const slowMs = 3_000;

/**
 * Sends so many hostile requests, or those that `untilMs` leaves time for, to API servers in simulated worlds: the same for the same seed. None
 * may be answered with a 500 or not at all, crash the server, or leave something written that was refused.
 */
export function besiege(seed: number, count: number, untilMs = Number.POSITIVE_INFINITY): Siege {
  const total = { requests: 0, accepted: 0, refused: 0, slowest: { ms: 0, request: "" }, violations: [] as string[] };
  for (let world = 0; total.requests < count && performance.now() < untilMs; world++) {
    const fortress = new Fortress(seed);
    const draws = new Draws(seed * 1_009 + world);
    const most = Math.min(worldRequests, count - total.requests);
    for (let n = 0; n < most && performance.now() < untilMs; n++) {
      const request = hostileRequest(draws);
      const started = process.cpuUsage();
      const { code, violation } = fortress.attack(request);
      const ms = process.cpuUsage(started).user / 1000;
      total.requests++;
      if (code >= 200 && code < 300) total.accepted++;
      else total.refused++;
      if (ms > total.slowest.ms) total.slowest = { ms, request: shown(request) };
      if (violation !== undefined) total.violations.push(`${violation}: ${shown(request)}`);
      if (ms > slowMs) total.violations.push(`it took ${Math.round(ms)} ms: ${shown(request)}`);
    }
    total.violations.push(...fortress.leftovers());
  }
  return total;
}

const shown = ({ method, target, accept, contentType, body }: HostileRequest) =>
  `${method} ${target.slice(0, 300)} accept=${accept.slice(0, 60)} type=${contentType} body(${body.length})=${JSON.stringify(Buffer.from(body).toString("utf8").slice(0, 1_500))}`;

class Fortress {
  private readonly simulation: Simulation;
  private crashed: unknown;
  private panic = "";
  private writes = 0;

  constructor(seed: number) {
    this.simulation = new Simulation({
      seed,
      actors: [apiServer, etcdMember],
      trace: { keepLines: 0 },
      observers: [
        (_nowUs, _host, event) => {
          if (event.type === "crashed") this.crashed = event.error;
          if (event.type === "fact" && event.fact.kind === "apiserver.panic") this.panic = String(event.fact.error);
          if (event.type === "fact" && event.fact.kind === "api.write" && event.fact.user === "kubernetes-admin") this.writes++;
        },
      ],
    });
    const [etcd, server] = [address("etcd", 0), address("apiserver", 0)];
    this.simulation.addHost({ name: "etcd-0", zone: "z" });
    this.simulation.place("etcd-0", etcd, { members: [etcd] });
    this.simulation.addHost({ name: "apiserver-0", zone: "z" });
    this.simulation.place("apiserver-0", server, {
      etcd: [etcd],
      apiServers: [server],
      serviceCidr: "10.96.0.0/16",
      knobs: {},
      web: { actors: {} },
    });
    this.simulation.start();
    this.simulation.portal();
    for (let n = 0; n < 60_000 && !this.state?.bootstrap.done; n++) this.simulation.runFor(1);
    const json = (target: string, object: unknown) =>
      this.attack({ method: "POST", target, accept: "", contentType: "application/json", body: Buffer.from(JSON.stringify(object)) });
    json("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    json("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", boats);
    this.simulation.runFor(2_000);
  }

  private get state(): ServerState | undefined {
    return this.simulation.stateOf<ServerState>(address("apiserver", 0));
  }

  /** Sends one request the way of a gateway, and waits for the answer. */
  attack({ method, target, accept, contentType, body }: HostileRequest): { readonly code: number; readonly violation?: string } {
    const info = requestInfo(method, target);
    if (isFailure(info)) return judged(info.code);
    const told = toServerBody(contentType, body);
    if (isFailure(told)) return judged(told.code);
    const { bytes } = told;
    const request: ApiRequest = {
      kind: "api.request",
      ...info,
      accept,
      contentType: told.contentType,
      userAgent: "siege/1.0",
      credential: admin,
      impersonation: null,
      body: bytes,
    };
    // Watches and logs are streams, and have no one answer.
    if (info.verb === "watch" || info.subresource === "log") return { code: 200 };
    let code: number | undefined;
    let why = "";
    const before = this.writes;
    this.simulation.ask<ApiResponse>(address("apiserver", 0), request, 30_000, (answer) => {
      code = answer.ok ? answer.body.code : -1;
      why = answer.ok ? Buffer.from(answer.body.body).toString("utf8").slice(0, 500) : `${answer.error}: ${answer.detail}`;
    });
    for (let n = 0; n < 40_000 && code === undefined; n++) this.simulation.runFor(1);
    if (this.crashed !== undefined) {
      const error = this.crashed as Error;
      this.crashed = undefined;
      // A crashed server stays away for a while before it starts again.
      this.simulation.runFor(1);
      for (let n = 0; n < 600_000 && !this.state?.bootstrap.done; n++) this.simulation.runFor(1);
      return { code: 0, violation: `the server crashed: ${error.stack ?? error}` };
    }
    if (code === undefined || code < 0) return { code: 0, violation: `there was no answer: ${why}` };
    if (code >= 400 && this.writes > before) return { code, violation: `refused with ${code}, but written: ${why}` };
    return judged(code, code === 500 ? `${why} ${this.panic}` : why);
  }

  /** What must be gone when nothing is going on any more. */
  leftovers(): readonly string[] {
    this.simulation.runFor(60_000);
    const state = this.state!;
    const found: string[] = [];
    if (state.watchers.byStream.size > 0) found.push(`${state.watchers.byStream.size} watchers are left over`);
    if (state.relays.size > 0) found.push(`${state.relays.size} relays are left over`);
    if (({} as { polluted?: unknown }).polluted !== undefined) found.push("Object.prototype was polluted");
    const memos = state.authorizations.size + state.admissions.size;
    if (memos > 20_000) found.push(`${memos} decisions are remembered`);
    return found;
  }
}

/** 501 is the honest answer to what is not there, 503 and 504 to what cannot be now. */
/** Kubernetes too answers so where a custom resource lacks what its scale is read from. */
const mayFail = (why: string) => /the spec replicas field .* does not exist/.test(why);

const judged = (code: number, why = "") =>
  (code === 500 && !mayFail(why)) || code === 502 ? { code, violation: `answered with ${code}: ${why}` } : { code };
