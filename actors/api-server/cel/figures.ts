import type { Histogram, Registry } from "../../metrics/registry";

/** Whoever wants to know how long rules of custom resources take to be compiled and evaluated. */
export interface CelWatch {
  nowUs(): number;
  compiled(tookUs: number): void;
  evaluated(tookUs: number): void;
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * How long expressions take, under kube-apiserver's names. What is counted is what a real one counts: the rules of each node of a schema, what is below it
 * included, and each validation of a policy. Compared with apiserver/pkg/cel/metrics, apiextensions' validation and the metrics of validating policies.
 */
export class ExpressionFigures implements CelWatch {
  private readonly compilations: Histogram;
  private readonly evaluations: Histogram;
  private readonly checks: Histogram;
  /** The server's own clock: where it is virtual, what is computed takes no time. */
  nowUs: () => number = () => 0;

  constructor(registry: Registry) {
    const ofRules = (what: string, help: string) => registry.histogram(`apiserver_cel_${what}_duration_seconds`, help, [], seconds);
    this.compilations = ofRules("compilation", "How long the rules of one node of a schema took to be compiled.");
    this.evaluations = ofRules("evaluation", "How long the rules for a value and what is in it took.");
    this.checks = registry.histogram(
      "apiserver_validating_admission_policy_check_duration_seconds",
      "How long each validation of an admission policy took, by policy, binding and outcome.",
      ["policy", "policy_binding", "error_type", "enforcement_action"],
      [0.0000005, 0.001, 0.01, 0.1, 1],
    );
  }

  compiled(tookUs: number): void {
    this.compilations.observe([], tookUs / 1e6);
  }

  evaluated(tookUs: number): void {
    this.evaluations.observe([], tookUs / 1e6);
  }

  /** `labels` are policy, binding, error type and what was done about it. */
  checked(labels: readonly string[], tookUs: number): void {
    this.checks.observe(labels, tookUs / 1e6);
  }
}
