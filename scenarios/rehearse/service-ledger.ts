import type { EndpointSlice } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { isSuccess } from "../checks/service-availability";
import type { HistoryEvent } from "../history";
import { explain, type ListedEndpoint, type Standing } from "./failure-cause";
import type { Cause, Failures, ServiceObservation, Stretch } from "./observation";

type FactEvent = Extract<HistoryEvent, { readonly type: "fact" }>;

/** So long without a failed request and a disturbance is over. */
export const quietUs = 10_000_000;

interface State {
  readonly atUs: number;
  readonly endpoints: readonly ListedEndpoint[];
}

/** What users saw of one Service, and why, gathered while a run goes on. */
export class ServiceLedger {
  private readonly slices = new Map<string, readonly ListedEndpoint[]>();
  /** Every state of its endpoints, in the order of time. */
  private readonly states: State[] = [{ atUs: 0, endpoints: [] }];
  private requests = 0;
  private failed = 0;
  private readonly failures = new Map<string, { -readonly [K in keyof Failures]: Failures[K] }>();
  private readonly outages: { fromUs: number; untilUs: number }[] = [];
  private readonly disturbances: { fromUs: number; untilUs: number }[] = [];
  private isDown = false;

  constructor(
    readonly service: string,
    private readonly keepsLocal: boolean,
    private readonly world: Pick<Standing, "isLost" | "podAt" | "pod">,
  ) {}

  /** One of its EndpointSlices has changed; `after` is undefined where it is gone. */
  seeSlice(id: string, after: Stored<EndpointSlice> | undefined, atUs: number): void {
    if (after) this.slices.set(id, (after.endpoints ?? []).map(listed));
    else this.slices.delete(id);
    this.states.push({ atUs, endpoints: [...this.slices.values()].flat() });
  }

  /** A request has ended. */
  seeResult({ fact, atUs }: FactEvent): void {
    this.requests++;
    if (isSuccess(fact.outcome, fact.code)) {
      if (this.isDown) this.outages.at(-1)!.untilUs = atUs;
      this.isDown = false;
      return;
    }
    this.failed++;
    if (!this.isDown) this.outages.push({ fromUs: atUs, untilUs: Number.MAX_SAFE_INTEGER });
    this.isDown = true;
    const last = this.disturbances.at(-1);
    if (last && atUs - last.untilUs < quietUs) last.untilUs = atUs;
    else this.disturbances.push({ fromUs: atUs, untilUs: atUs });
    this.note(fact, atUs);
  }

  private note(fact: FactEvent["fact"], atUs: number): void {
    const beganUs = atUs - Number(fact.latencyUs);
    const text = (field: string) => String(fact[field] ?? "");
    const detail = text("detail");
    const request = { outcome: text("outcome"), detail, code: Number(fact.code), servedBy: text("servedBy"), via: text("via"), beganUs };
    const { cause, subject } = explain(request, { ...this.world, endpoints: this.endpointsAt(beganUs), keepsLocal: this.keepsLocal });
    const key = `${cause} ${subject}`;
    const known = this.failures.get(key);
    if (known) {
      known.count++;
      known.lastUs = atUs;
    } else this.failures.set(key, { cause: cause satisfies Cause, subject, count: 1, firstUs: beganUs, lastUs: atUs, detail });
  }

  private endpointsAt(atUs: number): readonly ListedEndpoint[] {
    let i = this.states.length - 1;
    while (i > 0 && this.states[i]!.atUs > atUs) i--;
    return this.states[i]!.endpoints;
  }

  observation(endUs: number): ServiceObservation {
    const closed = (stretches: readonly Stretch[]) =>
      stretches.map(({ fromUs, untilUs }) => ({ fromUs, untilUs: Math.min(untilUs, endUs) }));
    return {
      service: this.service,
      requests: this.requests,
      failed: this.failed,
      failures: [...this.failures.values()].sort((a, b) => b.count - a.count),
      outages: closed(this.outages),
      disturbances: closed(this.disturbances),
      ready: this.states.map(({ atUs, endpoints }) => ({ atUs, pods: endpoints.filter(({ ready }) => ready).map(({ pod }) => pod) })),
    };
  }
}

function listed({ addresses, conditions, nodeName = "", targetRef }: NonNullable<EndpointSlice["endpoints"]>[number]): ListedEndpoint {
  return {
    pod: `${targetRef?.namespace}/${targetRef?.name}`,
    ip: addresses[0] ?? "",
    node: nodeName,
    ready: conditions?.ready ?? true,
    serving: conditions?.serving ?? true,
  };
}
