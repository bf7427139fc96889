/** A number that changes, and the most that it was lately: whoever decides by a cache may act on what it was. */
export class Lately {
  private readonly earlier: { readonly value: number; readonly untilUs: number }[] = [];

  constructor(public now: number) {}

  set(value: number, nowUs: number): void {
    if (value === this.now) return;
    this.earlier.push({ value: this.now, untilUs: nowUs });
    this.now = value;
  }

  most(sinceUs: number): number {
    return this.earlier.reduce((most, { value, untilUs }) => (untilUs >= sinceUs ? Math.max(most, value) : most), this.now);
  }
}
