import type { HostName } from "../protocol/address";
import { type Envelope, isDatagram } from "../protocol/envelope";
import { type Distribution, drawn } from "./distributions";

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
  /** Nothing passes now, and all of it when the rule ends: datagrams are held too. A connection that is clogged for long breaks. */
  | { readonly type: "clog" }
  /** Each datagram is lost with this probability (0 to 1); on a connection a loss is a delay, as a retransmission makes it. */
  | { readonly type: "loss"; readonly probability: number }
  /** Uniform where no distribution is given. */
  | { readonly type: "delay"; readonly minUs: number; readonly maxUs: number; readonly distribution?: Distribution }
  /** Each datagram arrives twice with this probability; connections do not double. */
  | { readonly type: "duplicate"; readonly probability: number }
  /** With this probability a datagram comes once more, so much later: when what it says is old. */
  | { readonly type: "replay"; readonly probability: number; readonly minUs: number; readonly maxUs: number }
  /** With this probability a datagram is held back up to maxUs, so that later ones overtake it. */
  | { readonly type: "reorder"; readonly probability: number; readonly maxUs: number }
  /** With this probability one bit of a packet's frame is wrong when it arrives. Its checksum gives it away: a datagram is lost, a connection breaks. */
  | { readonly type: "corrupt"; readonly probability: number }
  /** So much passes in a second, in each direction between two hosts. A datagram that finds more than `queueBytes` waiting is lost; the rest waits. */
  | { readonly type: "bandwidth"; readonly bytesPerSecond: number; readonly queueBytes: number };

/** What becomes of one packet: one delay for each copy that is to arrive (none: it is lost), perhaps damaged; or it does not pass for now. */
export type Verdict =
  | { readonly type: "blocked" }
  | { readonly type: "clogged" }
  | { readonly type: "deliver"; readonly afterUs: readonly number[]; readonly damaged?: true };

/** What a wire tells the rules about one packet, and keeps for them for each direction between two hosts. */
export interface Passing {
  readonly nowUs: number;
  /** A number in [0, 1) by purpose. */
  draw(purpose: string): number;
  /** By the id of a rule on bandwidth: when all that it has taken in will have been sent. */
  readonly sentByUs: Map<string, number>;
}

/** How long the first retransmission of a lost packet takes on a connection: Linux' minimal retransmission time-out. */
export const retransmissionUs = 200_000;
/** What a packet weighs beside its body: its header and those of the layers below. */
const overheadBytes = 100;

const pass: Verdict = { type: "deliver", afterUs: [0] };
const lost: Verdict = { type: "deliver", afterUs: [] };

export function concerns(rule: WireRule, from: HostName, to: HostName, kind: string): boolean {
  return (
    (rule.from === null || rule.from.includes(from)) &&
    (rule.to === null || rule.to.includes(to)) &&
    (rule.kinds === null || rule.kinds.some((prefix) => kind.startsWith(prefix)))
  );
}

/** True where a connection between these hosts carries nothing in this direction at all. */
export function blocks(rules: readonly WireRule[], from: HostName, to: HostName): boolean {
  const stops = ({ effect }: WireRule) => effect.type === "block" || effect.type === "clog";
  return from !== to && rules.some((rule) => stops(rule) && rule.kinds === null && concerns(rule, from, to, ""));
}

/**
 * Asks all rules about one packet. `took` hears the id of each rule that did something to it. Packets within one host always pass.
 */
export function judge(
  rules: readonly WireRule[],
  packet: Pick<Envelope, "kind" | "operation" | "body">,
  from: HostName,
  to: HostName,
  passing: Passing,
  took?: (id: string) => void,
): Verdict {
  if (rules.length === 0 || from === to) return pass;
  const datagram = isDatagram(packet as Envelope);
  const { draw } = passing;
  /** Of each further copy: how much later than the first. */
  const copies: number[] = [];
  let delayUs = 0;
  let damaged = false;
  for (const rule of rules) {
    if (!concerns(rule, from, to, packet.kind)) continue;
    const { effect, id } = rule;
    switch (effect.type) {
      case "block":
        took?.(id);
        return { type: "blocked" };
      case "clog":
        took?.(id);
        return { type: "clogged" };
      case "loss":
        if (draw(`loss ${id}`) >= effect.probability) break;
        took?.(id);
        if (datagram) return lost;
        delayUs += retransmissionUs * (draw(`again ${id}`) < effect.probability ? 3 : 1);
        break;
      case "delay":
        took?.(id);
        delayUs += drawn(effect.distribution ?? "uniform", effect.minUs, effect.maxUs, draw(`delay ${id}`));
        break;
      case "duplicate":
        if (!datagram || draw(`duplicate ${id}`) >= effect.probability) break;
        took?.(id);
        copies.push(Math.floor(draw("second copy") * 10_000));
        break;
      case "replay":
        if (!datagram || draw(`replay ${id}`) >= effect.probability) break;
        took?.(id);
        copies.push(drawn("uniform", effect.minUs, effect.maxUs, draw(`replayed ${id}`)));
        break;
      case "reorder":
        if (!datagram || draw(`reorder ${id}`) >= effect.probability) break;
        took?.(id);
        delayUs += Math.floor(draw(`held ${id}`) * effect.maxUs);
        break;
      case "corrupt":
        if (draw(`corrupt ${id}`) >= effect.probability) break;
        took?.(id);
        damaged = true;
        break;
      case "bandwidth": {
        const waitsUs = Math.max(0, (passing.sentByUs.get(id) ?? 0) - passing.nowUs);
        if (waitsUs > 0) took?.(id);
        if (datagram && (waitsUs / 1e6) * effect.bytesPerSecond > effect.queueBytes) return lost;
        const sendingUs = Math.ceil(((packet.body.length + overheadBytes) / effect.bytesPerSecond) * 1e6);
        passing.sentByUs.set(id, passing.nowUs + waitsUs + sendingUs);
        delayUs += waitsUs + sendingUs;
        break;
      }
      default:
        return effect satisfies never;
    }
  }
  if (copies.length === 0 && delayUs === 0 && !damaged) return pass;
  const afterUs = [delayUs, ...copies.map((later) => delayUs + later)];
  return damaged ? { type: "deliver", afterUs, damaged } : { type: "deliver", afterUs };
}
