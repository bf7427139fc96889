import type { Cause } from "./observation";

/** A request that failed, and what the client was told. Times are virtual microseconds. */
export interface FailedRequest {
  readonly outcome: string;
  readonly detail: string;
  readonly code: number;
  readonly servedBy: string;
  /** The node where it came in. */
  readonly via: string;
  readonly beganUs: number;
}

/** An endpoint as the Service listed it. */
export interface ListedEndpoint {
  readonly pod: string;
  readonly ip: string;
  readonly node: string;
  readonly ready: boolean;
  /** Still used where no other is ready. */
  readonly serving: boolean;
}

/** How things stood for the Service when the request began. */
export interface Standing {
  readonly endpoints: readonly ListedEndpoint[];
  isLost(node: string): boolean;
  podAt(ip: string): PodStanding | undefined;
  pod(name: string): PodStanding | undefined;
  readonly keepsLocal: boolean;
}

export interface PodStanding {
  readonly pod: string;
  readonly node: string;
  readonly isLeaving: boolean;
  /** When the last of its containers started, or exited. */
  readonly startedUs: number;
  readonly exitedUs: number;
}

export interface Explained {
  readonly cause: Cause;
  readonly subject: string;
}

/** Finds out where a request went wrong, from what was answered and from how things stood: what the client could not know. */
export function explain(request: FailedRequest, standing: Standing): Explained {
  const { outcome, detail, code, servedBy } = request;
  if (outcome === "answered") {
    const [, dependency] = /^depends on ([^:\s]+):/.exec(detail) ?? [];
    return dependency ? { cause: "dependency", subject: dependency } : { cause: "error-answer", subject: `${servedBy} ${code}` };
  }
  if (/has no (local )?endpoints$/.test(detail) || detail.startsWith("the name has no address"))
    return { cause: "no-endpoint", subject: "" };
  const [, ip] = /nobody listens on ([\d.]+):/.exec(detail) ?? /no pod has ([\d.]+) here/.exec(detail) ?? [];
  const [, reset] = /^the connection to (\S+) was reset/.exec(detail) ?? [];
  const pod = ip !== undefined ? standing.podAt(ip) : reset !== undefined ? standing.pod(reset) : undefined;
  if (ip !== undefined || reset !== undefined) return ofPod(pod, ip ?? reset ?? "", reset !== undefined);
  const [, node] = /^container-runtime\/(\S+):/.exec(detail) ?? [];
  if (node !== undefined && standing.isLost(node)) return { cause: "lost-node", subject: node };
  return silent(request, standing);
}

function ofPod(pod: PodStanding | undefined, otherwise: string, wasReset: boolean): Explained {
  if (!pod) return { cause: "terminating", subject: otherwise };
  if (pod.isLeaving) return { cause: "terminating", subject: pod.pod };
  if (wasReset || pod.exitedUs > pod.startedUs) return { cause: "crashed", subject: pod.pod };
  return { cause: "not-listening-yet", subject: pod.pod };
}

/** Nobody said anything: then it is what could be silent. */
function silent({ via, outcome }: FailedRequest, { endpoints, isLost, keepsLocal }: Standing): Explained {
  if (isLost(via) || outcome === "unreachable") return { cause: "entry", subject: via };
  const used = endpoints.some(({ ready }) => ready) ? endpoints.filter(({ ready }) => ready) : endpoints.filter(({ serving }) => serving);
  if (keepsLocal && used.length > 0 && !used.some(({ node }) => node === via)) return { cause: "no-local-endpoint", subject: via };
  const gone = used.find(({ node }) => isLost(node));
  if (gone) return { cause: "lost-node", subject: gone.node };
  return { cause: "no-answer", subject: via };
}
