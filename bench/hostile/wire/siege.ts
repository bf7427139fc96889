import { connect, type TLSSocket } from "node:tls";
import { Draws } from "../draws";
import type { Attack, MakeAttack, Target } from "./attack";
import { cutOff, head, rightful, smuggle } from "./http1";
import { flood, frames, malformed } from "./http2";
import { spdy, webSocket } from "./tunnels";

/** The door that is besieged, and the certificate of somebody who may do everything. */
export interface Door extends Target {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
  /** Names of the ConfigMaps that are there, by a client that minds the rules. */
  configMaps(): Promise<readonly string[]>;
}

export interface WireSiege {
  readonly attacks: number;
  /** Connections that were answered with something. */
  readonly answered: number;
  readonly written: number;
  readonly violations: readonly string[];
}

const kinds: readonly MakeAttack[] = [
  rightful,
  smuggle,
  smuggle,
  head,
  head,
  cutOff,
  malformed,
  frames,
  frames,
  flood,
  webSocket,
  webSocket,
  webSocket,
  spdy,
  spdy,
];
const together = 6;
/** How long an attacker waits for an answer, and how long for more after the first. */
const [patienceMs, lullMs] = [1_000, 60];

/**
 * Sends so many attacks, the same for the same seed, or those that `untilMs` leaves time for, to a live door. None may be answered with a 500, nothing may be written that
 * was not asked for rightly, and the door has to serve whoever minds the rules meanwhile and afterwards.
 */
export async function besiegeDoor(door: Door, seed: number, count: number, untilMs = Number.POSITIVE_INFINITY): Promise<WireSiege> {
  const draws = new Draws(seed);
  const violations: string[] = [];
  const made = new Map<string, Attack>();
  const mayBe = new Set<string>();
  const mustBe = new Set<string>();
  let [attacks, answered] = [0, 0];
  const attacker = async () => {
    while (attacks < count && performance.now() < untilMs) {
      const attack = kinds[attacks % kinds.length]!(draws, door, `wire-${seed}-${attacks}`);
      attacks++;
      made.set(attack.writes, attack);
      if (attack.mayWrite) mayBe.add(attack.writes);
      const reply = await carryOut(door, attack);
      if (reply.length > 0) answered++;
      const codes =
        attack.alpn === "h2"
          ? failuresOf(reply)
          : [...reply.toString("latin1").matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
      if (attack.mayWrite && codes[0] === 201) mustBe.add(attack.writes);
      if (codes.some((code) => code === 500 || code === 502) && !isRightful(reply))
        violations.push(
          `seed ${seed}: ${attack.name} was answered with ${codes.join()}: ${shown(attack)} → ${reply.toString("latin1").slice(-400)}`,
        );
    }
  };
  await Promise.all(Array.from({ length: together }, attacker));
  const there = new Set(await door.configMaps());
  for (const name of there) {
    const attack = made.get(name);
    if (attack && !mayBe.has(name)) violations.push(`seed ${seed}: ${name} was written by ${attack.name}: ${shown(attack)}`);
  }
  for (const name of mustBe) if (!there.has(name)) violations.push(`seed ${seed}: ${name} was acknowledged and is not there`);
  return { attacks, answered, written: mustBe.size, violations };
}

const shown = ({ pieces }: Attack) =>
  pieces.map((piece) => JSON.stringify(Buffer.from(piece).toString("latin1").slice(0, 600))).join(" + ");

/** Opens a connection, sends the pieces, and resolves with all that was said to them; whatever becomes of the connection. */
function carryOut({ host, port, tls }: Door, { alpn, pieces, mayWrite }: Attack): Promise<Buffer> {
  return new Promise((resolve) => {
    const heard: Buffer[] = [];
    const waiting = [...pieces];
    const socket: TLSSocket = connect({ host, port, ...tls, ALPNProtocols: [alpn], servername: "" }, next);
    let timer = setTimeout(end, 10_000);
    function next(): void {
      const piece = waiting.shift();
      if (piece) socket.write(piece);
      // Who is right may expect an answer.
      wait(mayWrite ? 30 * patienceMs : patienceMs);
    }
    function wait(ms: number): void {
      clearTimeout(timer);
      timer = setTimeout(waiting.length > 0 ? next : end, ms);
    }
    function end(): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(heard));
    }
    socket.on("data", (chunk: Buffer) => {
      heard.push(chunk);
      wait(lullMs);
    });
    socket.on("error", end);
    socket.on("close", end);
  });
}

/** Kubernetes answers so too where the container does not run at the moment. */
const isRightful = (reply: Buffer) => /unable to upgrade connection: container not found/.test(reply.toString("latin1"));

const headersFrame = 1;
/** ":status: 500" in HPACK's table of RFC 7541, appendix A. */
const status500 = 0x80 | 14;

/** The 500s in what an HTTP/2 server said. */
function failuresOf(bytes: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] !== headersFrame) continue;
    let block = at + 9;
    // Changes of the table's size may come first.
    while ((bytes[block]! & 0xe0) === 0x20) block++;
    if (bytes[block] === status500) found.push(500);
  }
  return found;
}
