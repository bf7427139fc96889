import type { HostName } from "../protocol/address";
import { type Envelope, isDatagram } from "../protocol/envelope";

/**
 * Network faults as data: a wire asks every rule about every packet. The same rules are installed on the simulated and the live wire.
 * A rule speaks about packets from one of the `from` hosts to one of the `to` hosts (null: any), of the message kinds that begin with one of `kinds` (null: any).
 */
export interface WireRule {
  readonly id: string;
  readonly from: readonly HostName[] | null;
  readonly to: readonly HostName[] | null;
  readonly kinds: readonly string[] | null;
  readonly effect: WireEffect;
}

export type WireEffect =
  /** Nothing passes. A connection that is blocked for long breaks. */
  | { readonly type: "block" }
  /** Each datagram is lost with this probability (0 to 1); on a connection a loss is a delay, as a retransmission makes it. */
  | { readonly type: "loss"; readonly probability: number }
  | { readonly type: "delay"; readonly minUs: number; readonly maxUs: number }
  /** Each datagram arrives twice with this probability; connections do not double. */
  | { readonly type: "duplicate"; readonly probability: number }
  /** With this probability a datagram is held back up to maxUs, so that later ones overtake it. */
  | { readonly type: "reorder"; readonly probability: number; readonly maxUs: number };

/** What becomes of one packet: one delay for each copy that is to arrive (none: it is lost), or "blocked". */
export type Verdict = { readonly type: "blocked" } | { readonly type: "deliver"; readonly afterUs: readonly number[] };

/** How long the first retransmission of a lost packet takes on a connection: Linux' minimal retransmission time-out. */
export const retransmissionUs = 200_000;

const pass: Verdict = { type: "deliver", afterUs: [0] };

export function concerns(rule: WireRule, from: HostName, to: HostName, kind: string): boolean {
  return (
    (rule.from === null || rule.from.includes(from)) &&
    (rule.to === null || rule.to.includes(to)) &&
    (rule.kinds === null || rule.kinds.some((prefix) => kind.startsWith(prefix)))
  );
}

/** True where a connection between these hosts carries nothing in this direction at all. */
export function blocks(rules: readonly WireRule[], from: HostName, to: HostName): boolean {
  return from !== to && rules.some((rule) => rule.effect.type === "block" && rule.kinds === null && concerns(rule, from, to, ""));
}

/**
 * Asks all rules about one packet. `draw` gives numbers in [0, 1) by purpose; `took` hears the id of each rule that did something to it.
 * Packets within one host always pass.
 */
export function judge(
  rules: readonly WireRule[],
  packet: Pick<Envelope, "kind" | "operation">,
  from: HostName,
  to: HostName,
  draw: (purpose: string) => number,
  took?: (id: string) => void,
): Verdict {
  if (rules.length === 0 || from === to) return pass;
  const datagram = isDatagram(packet as Envelope);
  let copies = 1;
  let delayUs = 0;
  for (const rule of rules) {
    if (!concerns(rule, from, to, packet.kind)) continue;
    const { effect } = rule;
    switch (effect.type) {
      case "block":
        took?.(rule.id);
        return { type: "blocked" };
      case "loss":
        if (draw(`loss ${rule.id}`) >= effect.probability) break;
        took?.(rule.id);
        if (datagram) return { type: "deliver", afterUs: [] };
        delayUs += retransmissionUs * (draw(`again ${rule.id}`) < effect.probability ? 3 : 1);
        break;
      case "delay":
        took?.(rule.id);
        delayUs += effect.minUs + Math.floor(draw(`delay ${rule.id}`) * (effect.maxUs - effect.minUs));
        break;
      case "duplicate":
        if (!datagram || draw(`duplicate ${rule.id}`) >= effect.probability) break;
        took?.(rule.id);
        copies = 2;
        break;
      case "reorder":
        if (!datagram || draw(`reorder ${rule.id}`) >= effect.probability) break;
        took?.(rule.id);
        delayUs += Math.floor(draw(`held ${rule.id}`) * effect.maxUs);
        break;
      default:
        return effect satisfies never;
    }
  }
  if (copies === 1) return delayUs === 0 ? pass : { type: "deliver", afterUs: [delayUs] };
  return { type: "deliver", afterUs: [delayUs, delayUs + Math.floor(draw("second copy") * 10_000)] };
}
