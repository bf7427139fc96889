import type { Context, Input } from "../../runtime/actor";
import { activities, beginnings } from "./churn-activities";
import { Operator, type OperatorConfig } from "./operator";

export interface ChurnConfig extends OperatorConfig {
  readonly nodes: readonly string[];
  readonly namespace: string;
  readonly everyMs: number;
  readonly forMs: number;
  readonly activities: readonly string[];
}

const churnTimer = "churn";
/** Far longer than a storm keeps the API away: what was begun, such as a drain, has to be brought to its end. */
const withinMs = 600_000;

/** Works through activities that chance names until its time is over; one that was begun is brought to its end. */
export class ChurnLoad extends Operator {
  private churning = false;
  private untilUs = 0;
  private rounds = 0;

  constructor(private readonly own: ChurnConfig) {
    super(own);
  }

  override receive(input: Input, ctx: Context<Operator>): undefined {
    if (input.type === "request") {
      const begin = input.body.kind === "load.begin";
      if (begin && !this.churning) {
        this.untilUs = ctx.monotonicUs() + this.own.forMs * 1000;
        const task = { type: "apply" as const, objects: beginnings(this.own.namespace) };
        this.perform(ctx, [task], withinMs, (_ok, _detail, later) => this.rest(later));
      }
      this.churning = begin;
      ctx.reply(input.request, { kind: "load.told" });
      return undefined;
    }
    if (input.type === "timer" && input.name === churnTimer) {
      if (this.churning) this.churn(ctx);
      return undefined;
    }
    return super.receive(input, ctx);
  }

  private churn(ctx: Context<Operator>): void {
    const enabled = activities.filter(({ name }) => this.own.activities.includes(name));
    const activity = enabled[ctx.randomInt("activity", enabled.length)]!;
    const { namespace, nodes } = this.own;
    const draw = (below: number) => ctx.randomInt(`${activity.name} details`, below);
    const tasks = activity.tasks({ namespace, nodes, number: ++this.rounds, draw });
    if (!tasks) return this.rest(ctx);
    this.perform(ctx, tasks, withinMs, (ok, detail, later) => {
      later.record({ kind: "churn.done", activity: activity.name, round: this.rounds, ok, detail });
      this.rest(later);
    });
  }

  private rest(ctx: Context<Operator>): void {
    if (ctx.monotonicUs() < this.untilUs) ctx.setTimer(churnTimer, this.own.everyMs * (0.5 + ctx.random("rest")));
  }
}
