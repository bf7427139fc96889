import type { Distribution, Histogram, Registry } from "../../metrics/registry";

type Type = "admit" | "validate";

const bounds = [0.005, 0.025, 0.1, 0.5, 1, 2.5];

/** How long admission takes: each plug-in, and all together. Compared with kubernetes apiserver/pkg/admission/metrics. */
export class AdmissionFigures {
  private readonly plugins: Histogram;
  private readonly steps: Histogram;
  /** Of writes that pass, by plug-in, type and operation: there are many, and their labels are not to be put together each time. */
  private readonly passed = new Map<string, Map<string, Distribution>>();
  /** The server's own clock; what plug-ins compute takes no time where it is virtual. */
  nowUs: () => number = () => 0;

  constructor(registry: Registry) {
    const labels = ["type", "operation", "rejected"];
    const plugin = "How long admission plug-ins took, by plug-in, operation and outcome.";
    this.plugins = registry.histogram("apiserver_admission_controller_admission_duration_seconds", plugin, ["name", ...labels], bounds);
    const step = "How long all plug-ins of a step took.";
    this.steps = registry.histogram("apiserver_admission_step_admission_duration_seconds", step, labels, bounds);
  }

  plugin(name: string, type: Type, operation: string, rejected: boolean, tookUs: number): void {
    if (rejected) return this.plugins.observe([name, type, operation, "true"], tookUs / 1e6);
    const step = type + operation;
    let passed = this.passed.get(step);
    if (passed === undefined) this.passed.set(step, (passed = new Map()));
    let distribution = passed.get(name);
    if (distribution === undefined) passed.set(name, (distribution = this.plugins.at([name, type, operation, "false"])));
    distribution.observe(tookUs / 1e6);
  }

  step(type: Type, operation: string, rejected: boolean, tookUs: number): void {
    this.steps.observe([type, operation, String(rejected)], tookUs / 1e6);
  }
}
