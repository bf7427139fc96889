import type { Address, HostName } from "../../../protocol/address";
import { decodeValue, encodeValue } from "../../../protocol/codec";
import type { WireRule } from "../../rules";
import type { RuntimeEvent } from "../../world";
import type { HostCondition } from "../condition";
import type { HostPlan } from "../world";

/** Names the protocol's version when a link is made. */
export const versionHeader = "wavetank-protocol";

/** What the hub and a joined process say to each other beside packets. */
export type Control =
  /** First on each link, from the hub: what lives on the process' hosts, where all others live, which faults are installed. */
  | {
      readonly type: "welcome";
      readonly hosts: readonly HostPlan[];
      readonly places: readonly Place[];
      readonly rules: readonly WireRule[];
      /** Whether the process is to tell of what happens on its hosts. */
      readonly tells?: boolean;
    }
  /** From a joined process that is to tell: what happened on a host of it. */
  | { readonly type: "event"; readonly host: HostName; readonly event: ToldEvent }
  /** Actors have come, moved or gone (host ""). From a joined process: children that its actors spawned. */
  | { readonly type: "places"; readonly places: readonly Place[] }
  | { readonly type: "rules"; readonly rules: readonly WireRule[] }
  /** From the hub: what faults are to make of a host of the process, as a whole. */
  | { readonly type: "condition"; readonly host: HostName; readonly condition: HostCondition }
  /** From the hub: something is to stand in the middle of hosts of the process until it is over; what it is, is for who runs the process to know. */
  | { readonly type: "work"; readonly id: string; readonly what: unknown }
  | { readonly type: "workOver"; readonly id: string }
  /** From a joined process: what that has done so far. */
  | { readonly type: "did"; readonly id: string; readonly text: string }
  /** From a joined process: how many packets each rule has done something to there, and what its hosts' disks have been through, since it began. */
  | { readonly type: "counted"; readonly rules: readonly RuleCount[]; readonly disks: readonly DiskCount[] }
  /** From the hub: that actor is to lose its memory. */
  | { readonly type: "crash"; readonly actor: Address }
  /** These hosts cannot be reached any more. */
  | { readonly type: "gone"; readonly hosts: readonly HostName[] }
  /** Host `at` must learn that its connection to `gone` broke. */
  | { readonly type: "broken"; readonly at: HostName; readonly gone: HostName }
  /** Answers the two above: the connections of hosts `at` to hosts `gone` are given up here; "*" stands for all hosts. */
  | { readonly type: "heard"; readonly at: readonly HostName[]; readonly gone: readonly HostName[] };

/** What a joined process tells: facts, and the lives of actors. */
export type ToldEvent = Extract<RuntimeEvent, { readonly type: "fact" | "started" | "stopped" | "crashed" }>;

export function isTold(event: RuntimeEvent): event is ToldEvent {
  return event.type === "fact" || event.type === "started" || event.type === "stopped" || event.type === "crashed";
}

export type RuleCount = readonly [rule: string, packets: number];
export type DiskCount = readonly [host: HostName, syncs: number, failedWrites: number];
export type Place = readonly [actor: Address, host: HostName];

export function encodeControlMessage(message: Control): Uint8Array {
  return encodeValue(message);
}

/** Throws an Error on what cannot be a control message. */
export function decodeControlMessage(bytes: Uint8Array): Control {
  const value = decodeValue(bytes) as Partial<Control> | null;
  const isText = (item: unknown) => typeof item === "string";
  const isPlace = (item: unknown) => Array.isArray(item) && item.length === 2 && item.every(isText);
  const isList = (list: unknown, check: (item: unknown) => boolean) => Array.isArray(list) && list.every(check);
  const isCount = (length: number) => (item: unknown) =>
    Array.isArray(item) && item.length === length && isText(item[0]) && item.slice(1).every((one) => Number.isSafeInteger(one));
  const isRecord = (item: unknown) => typeof item === "object" && item !== null;
  switch (value?.type) {
    case "welcome":
      if (isList(value.hosts, isRecord) && isList(value.places, isPlace) && isList(value.rules, isRecord)) return value as Control;
      break;
    case "places":
      if (isList(value.places, isPlace)) return value as Control;
      break;
    case "rules":
      if (isList(value.rules, isRecord)) return value as Control;
      break;
    case "event":
      if (isText(value.host) && isRecord(value.event) && isTold(value.event as RuntimeEvent)) return value as Control;
      break;
    case "condition":
      if (isText(value.host) && isRecord(value.condition)) return value as Control;
      break;
    case "work":
      if (isText(value.id) && isRecord(value.what)) return value as Control;
      break;
    case "workOver":
      if (isText(value.id)) return value as Control;
      break;
    case "did":
      if (isText(value.id) && isText(value.text)) return value as Control;
      break;
    case "counted":
      if (isList(value.rules, isCount(2)) && isList(value.disks, isCount(3))) return value as Control;
      break;
    case "crash":
      if (isText(value.actor)) return value as Control;
      break;
    case "gone":
      if (isList(value.hosts, isText)) return value as Control;
      break;
    case "broken":
      if (isText(value.at) && isText(value.gone)) return value as Control;
      break;
    case "heard":
      if (isList(value.at, isText) && isList(value.gone, isText)) return value as Control;
      break;
  }
  throw new Error(`control: ${JSON.stringify(value?.type)} is no message of the hub's protocol, or lacks a field`);
}
