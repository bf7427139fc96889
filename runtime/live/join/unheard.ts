import type { HostName } from "../../../protocol/address";

/**
 * Broken connections of which the process at the other end of a link was told and has not said that it heard. What it still sends on them
 * belongs to the old connection and is lost with it; otherwise one end would have a stream that the other has given up.
 */
export class Unheard {
  private readonly told = new Map<string, number>();

  /** The process was told that the connections of each host `at` to each host `gone` broke; "*" stands for all hosts. */
  tell(at: readonly HostName[], gone: readonly HostName[]): void {
    for (const pair of pairs(at, gone)) this.told.set(pair, (this.told.get(pair) ?? 0) + 1);
  }

  hear(at: readonly HostName[], gone: readonly HostName[]): void {
    for (const pair of pairs(at, gone)) {
      const left = (this.told.get(pair) ?? 0) - 1;
      if (left > 0) this.told.set(pair, left);
      else this.told.delete(pair);
    }
  }

  /** Whether what `from` sends to `to` on a connection is of one that broke. */
  isOld(from: HostName, to: HostName): boolean {
    return this.told.size > 0 && (this.told.has(`${from}>${to}`) || this.told.has(`*>${to}`));
  }
}

function pairs(at: readonly HostName[], gone: readonly HostName[]): readonly string[] {
  return at.flatMap((one) => gone.map((other) => `${one}>${other}`));
}
