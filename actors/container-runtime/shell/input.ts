import { joined } from "./files";
import type { Session, SessionEffect } from "./session";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** What nobody reads is held, up to so much; a real process would let its writer wait. */
const unreadBytesMax = 16 * 1024 * 1024;

/** What a terminal takes of a line that is not ended; the rest is not taken. Source: termios(3), canonical mode. */
const lineMax = 4_095;

/** What was typed or sent; on a terminal it is echoed, and control characters are obeyed. */
export function feedSession(session: Session, bytes: Uint8Array): readonly SessionEffect[] {
  const { terminal } = session;
  if (!terminal) return hold(session, bytes.slice());
  const text = terminal.decoder.decode(bytes, { stream: true });
  let echo = "";
  const effects: SessionEffect[] = [];
  for (const char of text) {
    if (char === "\r" || char === "\n") {
      echo += "\r\n";
      effects.push(...hold(session, encoder.encode(`${terminal.line}\n`)));
      terminal.line = "";
    } else if (char === "\x7f" || char === "\b") {
      if (terminal.line !== "") echo += "\b \b";
      terminal.line = terminal.line.slice(0, -1);
    } else if (char === "\x03") {
      echo += "^C\r\n";
      terminal.line = "";
      interrupt(session, effects);
    } else if (char === "\x04") {
      if (terminal.line === "") session.inputEnded = true;
    } else if (terminal.line.length < lineMax) {
      echo += char;
      terminal.line += char;
    }
  }
  return [...(echo === "" ? [] : [{ type: "stdout", bytes: encoder.encode(echo) } as const]), ...effects];
}

/** Keeps input until it is read; a process that does not read while very much comes is ended. */
function hold(session: Session, bytes: Uint8Array): readonly SessionEffect[] {
  if (session.over) return [];
  session.input.push(bytes);
  session.inputBytes += bytes.length;
  if (session.inputBytes <= unreadBytesMax) return [];
  session.over = true;
  takeInput(session);
  return [
    { type: "stderr", bytes: encoder.encode(`sh: more than ${unreadBytesMax} bytes of input that nobody reads\n`) },
    { type: "exit", code: 1 },
  ];
}

/** All that has come and nobody has read. */
export function takeInput(session: Session): Uint8Array {
  const whole = joined(session.input);
  session.input = [];
  session.inputBytes = 0;
  return whole;
}

/** Ctrl-C: ends the program that runs; a shell that is typed to goes on. */
function interrupt(session: Session, effects: SessionEffect[]): void {
  session.steps = [];
  session.frames.length = 0;
  session.status = 130;
  session.reading = undefined;
  session.asking = undefined;
  if (!session.interactive && session.waiting !== "nothing") {
    session.over = true;
    effects.push({ type: "exit", code: 130 });
  }
  session.waiting = "nothing";
}

/** The next line of it; undefined where there is none, or none yet that is whole. */
export function takeLine(session: Session): string | undefined {
  const whole = takeInput(session);
  const end = whole.indexOf(0x0a);
  const length = end < 0 ? (session.inputEnded ? whole.length : 0) : end + 1;
  const rest = whole.subarray(length);
  if (rest.length > 0) {
    session.input = [rest];
    session.inputBytes = rest.length;
  }
  return length === 0 ? undefined : decoder.decode(whole.subarray(0, length)).replace(/\n$/, "");
}
