import type { HostName } from "../protocol/address";
import type { Envelope } from "../protocol/envelope";

/** Hears of each packet when it sets out, of each rule that did something to it then, and of its arrival. It must change nothing. */
export interface PacketTap {
  sent(from: HostName, to: HostName, envelope: Envelope): void;
  hit(rule: string, envelope: Envelope): void;
  arrived(host: HostName, envelope: Envelope): void;
}
