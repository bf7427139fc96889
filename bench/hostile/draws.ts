import { mix } from "../../runtime/hash";

/** A seeded stream of draws: the same seed gives the same hostility. */
export class Draws {
  private count = 0;

  constructor(private readonly seed: number) {}

  /** A whole number from 0 up to, but not, `below`. */
  below(below: number): number {
    this.count++;
    return (mix(mix(this.seed ^ Math.imul(this.count, 0x9e3779b9)) ^ this.count) >>> 0) % below;
  }
  oneIn(many: number): boolean {
    return this.below(many) === 0;
  }
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}
