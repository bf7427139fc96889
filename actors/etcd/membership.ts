import { decodeValue, encodeValue } from "../../protocol/codec";
import type {
  ClusterMember,
  MemberAddRequest,
  MemberChangeRequest,
  MemberPromoteRequest,
  MemberRemoveRequest,
  MemberUpdateRequest,
} from "../../protocol/etcd";
import { type Configuration, configurationOf, decodeConfiguration, encodeConfiguration, isJoint } from "./raft/configuration";
import { quorumOf } from "./raft/quorum";
import type { ErrorName } from "./store/errors";

/** etcd's --max-learners. */
const learnersMax = 1;
/** etcd: a learner that has so much of the leader's log is in sync with it. */
export const inSyncPart = 0.9;

/**
 * Who belongs to the cluster, as the log says: applied at the same index on all members, and part of each snapshot. A member is known by
 * its actor's address. An address that was removed never belongs again: what its former life said may still arrive, and would count.
 */
export interface Membership {
  readonly configuration: Configuration;
  /** What members say of themselves, by address; those who learn and those who vote. */
  readonly members: ReadonlyMap<string, Attributes>;
  readonly removed: ReadonlySet<string>;
}

interface Attributes {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** What the leader has heard of the others. */
export interface Health {
  isConnected(member: string): boolean;
  isInSync(member: string): boolean;
}

type Row = readonly [members: readonly (readonly [id: string, name: string, peerUrls: readonly string[]])[], removed: readonly string[]];

/** Those who begin a cluster together; nobody for one that joins and has to be told. */
export function foundingMembership(members: readonly string[]): Membership {
  const attributes = members.map((id) => [id, { name: nameFor(id), peerUrls: [id] }] as const);
  return { configuration: configurationOf(members), members: new Map(attributes), removed: new Set() };
}

export function isLearner({ configuration }: Membership, id: string): boolean {
  return configuration.learners.includes(id);
}

export function listMembers(membership: Membership): readonly ClusterMember[] {
  return [...membership.members.keys()].map((id) => memberOf(membership, id)!);
}

export function memberOf(membership: Membership, id: string): ClusterMember | null {
  const attributes = membership.members.get(id);
  return attributes ? { id, ...attributes, isLearner: isLearner(membership, id) } : null;
}

/** A configuration entry was applied. On the way to C_new only who votes changes, not who belongs. */
export function configured(membership: Membership, data: Uint8Array): Membership {
  const configuration = decodeConfiguration(data);
  if (isJoint(configuration)) return { ...membership, configuration };
  return { configuration, ...decodeRow(configuration.context) };
}

/** The membership as bytes, for a snapshot. */
export function encodeMembership({ configuration, members, removed }: Membership): Uint8Array {
  return encodeValue([encodeConfiguration(configuration), encodeRow(members, removed)]);
}

export function decodeMembership(bytes: Uint8Array): Membership {
  const [configuration, row] = decodeValue(bytes) as readonly [Uint8Array, Uint8Array];
  return { configuration: decodeConfiguration(configuration), ...decodeRow(row) };
}

/** What Raft is to be told so that the change comes about; the context of the configuration is the membership that it leads to. */
export function changeOf(membership: Membership, request: MemberChangeRequest): Pick<Configuration, "voters" | "learners" | "context"> {
  const { configuration } = membership;
  const members = new Map(membership.members);
  const removed = new Set(membership.removed);
  let voters = configuration.voters.filter((id) => id !== request.member || request.kind === "etcd.member.update");
  let learners = configuration.learners.filter((id) => id !== request.member || request.kind === "etcd.member.update");
  switch (request.kind) {
    case "etcd.member.add":
      members.set(request.member, { name: request.name || nameFor(request.member), peerUrls: urlsOf(request) });
      if (request.isLearner) learners = [...learners, request.member];
      else voters = [...voters, request.member];
      break;
    case "etcd.member.remove":
      members.delete(request.member);
      removed.add(request.member);
      break;
    case "etcd.member.promote":
      voters = [...voters, request.member];
      break;
    case "etcd.member.update":
      members.set(request.member, { ...members.get(request.member)!, peerUrls: request.peerUrls });
      break;
  }
  return { voters, learners, context: encodeRow(members, removed) };
}

/** Why a leader does not begin a change, as etcd says it (server/etcdserver: strict reconfiguration check); null where it may. */
export function changeRefusal(membership: Membership, request: MemberChangeRequest, self: string, health: Health): ErrorName | null {
  switch (request.kind) {
    case "etcd.member.add":
      return addRefusal(membership, request, self, health);
    case "etcd.member.remove":
      return removeRefusal(membership, request, self, health);
    case "etcd.member.promote":
      return promoteRefusal(membership, request, health);
    case "etcd.member.update":
      return updateRefusal(membership, request);
  }
}

function addRefusal(membership: Membership, request: MemberAddRequest, self: string, health: Health): ErrorName | null {
  const { members, removed, configuration } = membership;
  if (!/^etcd\/[^/]+$/.test(request.member)) return "memberBadUrls";
  if (members.has(request.member) || removed.has(request.member)) return "memberExists";
  if (sharesUrl(membership, request.member, urlsOf(request))) return "peerUrlExists";
  if (request.isLearner && configuration.learners.length >= learnersMax) return "tooManyLearners";
  const everybody = configuration.voters.every((id) => id === self || health.isConnected(id));
  return everybody ? null : "unhealthyCluster";
}

function removeRefusal(membership: Membership, { member }: MemberRemoveRequest, self: string, health: Health): ErrorName | null {
  const { voters } = membership.configuration;
  if (!membership.members.has(member)) return "memberNotFound";
  if (isLearner(membership, member)) return null;
  if (voters.length === 1) return "notEnoughStarted";
  const isActive = (id: string) => id === self || health.isConnected(id);
  // One that is down is no part of what works now: the others are as many without it.
  if (!isActive(member)) return null;
  const left = voters.filter((id) => id !== member);
  return left.filter(isActive).length >= quorumOf(left.length) ? null : "unhealthyCluster";
}

function promoteRefusal(membership: Membership, { member }: MemberPromoteRequest, health: Health): ErrorName | null {
  if (!membership.members.has(member)) return "memberNotFound";
  if (!isLearner(membership, member)) return "memberNotLearner";
  return health.isConnected(member) && health.isInSync(member) ? null : "learnerNotReady";
}

function updateRefusal(membership: Membership, { member, peerUrls }: MemberUpdateRequest): ErrorName | null {
  if (!membership.members.has(member)) return "memberNotFound";
  if (peerUrls.length === 0) return "memberBadUrls";
  return sharesUrl(membership, member, peerUrls) ? "peerUrlExists" : null;
}

function sharesUrl({ members }: Membership, id: string, urls: readonly string[]): boolean {
  return [...members].some(([other, { peerUrls }]) => other !== id && peerUrls.some((url) => urls.includes(url)));
}

function urlsOf({ member, peerUrls }: MemberAddRequest): readonly string[] {
  return peerUrls.length > 0 ? peerUrls : [member];
}

function nameFor(id: string): string {
  return id.replace("/", "-");
}

function encodeRow(members: Membership["members"], removed: Membership["removed"]): Uint8Array {
  const row: Row = [[...members].map(([id, { name, peerUrls }]) => [id, name, peerUrls]), [...removed]];
  return encodeValue(row);
}

function decodeRow(bytes: Uint8Array): Pick<Membership, "members" | "removed"> {
  const [members, removed] = decodeValue(bytes) as Row;
  return { members: new Map(members.map(([id, name, peerUrls]) => [id, { name, peerUrls }])), removed: new Set(removed) };
}
