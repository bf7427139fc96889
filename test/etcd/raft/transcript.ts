import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Configuration, decodeConfiguration } from "../../../actors/etcd/raft/configuration";
import type { Ready, Write } from "../../../actors/etcd/raft/ready";
import type { RaftInput } from "../../../actors/etcd/raft/step";
import type { Entry, RaftMessage } from "../../../protocol/raft";
import type { Flight, Member, Network } from "./network";

const folder = join(__dirname, "..", "transcripts");

/** Writes down what members say and do, line by line, as a story that can be read in a review. */
export class Transcript {
  readonly lines: string[] = [];

  constructor(readonly network: Network) {
    network.observe = (member, ready, input) => this.stepped(member, ready, input);
  }

  say(text: string): void {
    if (this.lines.length > 0) this.lines.push("");
    this.lines.push(`# ${text}`);
  }

  /** Compares with the expected text; with UPDATE_TRANSCRIPTS=1 it is rewritten instead. */
  expectToBe(name: string): void {
    const path = join(folder, `${name}.txt`);
    const text = `${this.lines.join("\n")}\n`;
    if (process.env.UPDATE_TRANSCRIPTS === "1") writeFileSync(path, text);
    if (!existsSync(path)) throw new Error(`${path} is missing: run the test with UPDATE_TRANSCRIPTS=1 and read what it wrote`);
    expect(text).toBe(readFileSync(path, "utf8"));
  }

  private stepped(member: Member, ready: Ready, input: RaftInput | null): void {
    if (input) this.lines.push(`${member.id} ${describeInput(input)}`);
    if (ready.truncated) this.add(`drops entries ${ready.truncated.fromIndex} to ${ready.truncated.lastIndex}`);
    if (ready.write) this.add(describeWrite(ready.write));
    for (const { to, message } of ready.messages) this.add(`says to ${to}: ${describe(message)}`);
    if (ready.install) this.add(`installs the snapshot of ${at(ready.install.index, ready.install.term)}`);
    if (ready.committed.length > 0) this.add(`applies ${ready.committed.map(entryText).join(", ")}`);
    for (const { to, snapshot } of ready.sendSnapshot) this.add(`sends ${to} the snapshot of ${at(snapshot.index, snapshot.term)}`);
    for (const { request, index } of ready.reads) this.add(`may serve read ${request} once ${index} is applied`);
    for (const request of ready.refusedReads) this.add(`refuses read ${request}`);
    const { role, term, leader } = member.node!;
    const now = `${role.name} in term ${term}${leader ? `, leader ${leader}` : ""}`;
    if (this.roles.get(member.id) !== now) this.add(`is ${now}`);
    this.roles.set(member.id, now);
  }

  private readonly roles = new Map<string, string>();

  private add(text: string): void {
    this.lines.push(`   ${text}`);
  }
}

const at = (index: number, term: number) => `${index}@${term}`;
const entryText = (entry: Entry) => `${at(entry.index, entry.term)} ${contentText(entry)}`;

function contentText(entry: Entry): string {
  if (entry.type === "data") return `"${Buffer.from(entry.data).toString()}"`;
  return entry.type === "configuration" ? configurationText(decodeConfiguration(entry.data)) : entry.type;
}

function configurationText({ voters, outgoing, learners }: Pick<Configuration, "voters" | "outgoing" | "learners">): string {
  const old = outgoing.length > 0 ? `${outgoing.join(" ")} → ` : "";
  return `{${old}${voters.join(" ")}${learners.length > 0 ? `, learning: ${learners.join(" ")}` : ""}}`;
}

function describeInput(input: RaftInput): string {
  switch (input.type) {
    case "wake":
      return "wakes";
    case "message":
      return `hears from ${input.from}: ${describe(input.message)}`;
    case "propose":
      return `is asked to propose ${input.data.map((data) => `"${Buffer.from(data).toString()}"`).join(", ")}`;
    case "configure":
      return `is asked for the configuration ${configurationText({ ...input.to, outgoing: [] })}`;
    case "read":
      return `is asked to read (${input.request})`;
    case "persisted":
      return `finds write ${input.write} durable`;
    case "snapshotReceived":
      return `has received the snapshot of ${at(input.snapshot.index, input.snapshot.term)}`;
    case "snapshotSent":
      return `has ${input.ok ? "sent" : "failed to send"} ${input.to} the snapshot`;
    case "compacted":
      return `has a snapshot of ${at(input.snapshot.index, input.snapshot.term)} and drops the log up to ${input.dropIndex}`;
    case "transfer":
      return `is asked to hand over to ${input.to}`;
  }
}

function describeWrite(write: Write): string {
  const { hardState, entries, snapshot, messagesAfter } = write;
  const parts = [`term ${hardState.term}, vote ${hardState.vote ?? "none"}`];
  if (snapshot) parts.push(`the snapshot of ${at(snapshot.index, snapshot.term)}`);
  if (entries.length > 0) parts.push(entries.map(entryText).join(", "));
  const after = messagesAfter.map(({ to, message }) => `\n     and then says to ${to}: ${describe(message)}`).join("");
  return `writes (${write.id}) ${parts.join("; ")}${after}`;
}

function describe(message: RaftMessage): string {
  const name = message.kind.slice("raft.".length);
  const term = `term ${message.term}`;
  switch (message.kind) {
    case "raft.vote":
      return `${message.preVote ? "pre-" : ""}${name} ${term}, last ${at(message.lastIndex, message.lastTerm)}${message.transfer ? ", handed over" : ""}`;
    case "raft.vote.response":
      return `${message.preVote ? "pre-" : ""}${name} ${term} ${message.granted ? "granted" : "refused"}`;
    case "raft.append":
      return `${name} ${term} after ${at(message.previousIndex, message.previousTerm)} [${message.entries.map(entryText).join(", ")}] commit ${message.commit}`;
    case "raft.append.response":
      return `${name} ${term} ${message.rejected ? `refused ${message.index}, look at ${at(message.hintIndex, message.hintTerm)}` : `up to ${message.index}`}`;
    case "raft.heartbeat":
      return `${name} ${term} commit ${message.commit}, round ${message.round}`;
    case "raft.heartbeat.response":
      return `${name} ${term} round ${message.round}`;
    case "raft.snapshot":
      return `${name} ${term} of ${at(message.index, message.snapshotTerm)}`;
    case "raft.snapshot.response":
    case "raft.timeoutNow":
      return `${name} ${term}`;
  }
}

export type { Flight };
