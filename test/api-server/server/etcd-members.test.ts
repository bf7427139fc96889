import { membersAfter } from "../../../actors/api-server/storage/etcd-members";
import { type Address, address } from "../../../protocol/address";
import type { ClusterMember, EtcdRequest, EtcdResponse } from "../../../protocol/etcd";
import { configMap, Tank } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";
const [zero, one, two] = [address("etcd", 0), address("etcd", 1), address("etcd", 2)];
const [three, four, five] = [address("etcd", 3), address("etcd", 4), address("etcd", 5)];
const founders = [zero, one, two];

function listed(...members: readonly Address[]): ClusterMember[] {
  return members.map((id) => ({ id, name: id, peerUrls: [], isLearner: false }));
}

describe("whom an API server asks after the members of etcd have changed", () => {
  test("known members keep their order, new ones come behind them, and who was preferred stays so", () => {
    expect(membersAfter({ members: [two, zero, one], preferred: zero }, listed(zero, one, two, three))).toEqual({
      members: [two, zero, one, three],
      preferred: zero,
    });
  });

  test("where who was preferred is gone it is the next that stays; where nobody stays, the first", () => {
    expect(membersAfter({ members: founders, preferred: one }, listed(zero, two, three)).preferred).toBe(two);
    expect(membersAfter({ members: founders, preferred: two }, listed(one, three)).preferred).toBe(one);
    expect(membersAfter({ members: founders, preferred: two }, listed(three, four, five))).toEqual({
      members: [three, four, five],
      preferred: three,
    });
  });

  test("a learner is not asked, and a list of nobody changes nothing", () => {
    const learner = { ...listed(three)[0]!, isLearner: true };
    expect(membersAfter({ members: founders, preferred: zero }, [...listed(zero, one, two), learner]).members).toEqual(founders);
    expect(membersAfter({ members: founders, preferred: zero }, [learner])).toEqual({ members: founders, preferred: zero });
  });
});

/** Asks the first member of those that answers without an error. */
function asked(tank: Tank, members: readonly Address[], request: EtcdRequest): EtcdResponse {
  let found: EtcdResponse | undefined;
  for (let tries = 0; found === undefined && tries < 200; tries++) {
    let answered = false;
    tank.simulation.ask<EtcdResponse>(members[tries % members.length]!, request, 3_000, (answer) => {
      answered = true;
      if (answer.ok && answer.body.kind !== "etcd.error") found = answer.body;
    });
    tank.until(() => answered, "no answer");
    if (!found) tank.simulation.runFor(200);
  }
  if (!found) throw new Error(`${request.kind} is never done`);
  return found;
}

test("every member that an API server was started with is replaced by another: it serves on without being started anew", () => {
  const tank = new Tank({ etcd: 3, servers: 2, knobs: { "etcd-sync-interval": 2_000 } });
  expect(tank.create(maps, configMap("before")).code).toBe(201);
  const watched = tank.watch(`${maps}?watch=true`);
  let members: readonly Address[] = founders;
  for (const [old, fresh] of [
    [zero, three],
    [one, four],
    [two, five],
  ] as const) {
    asked(tank, members, { kind: "etcd.member.add", member: fresh, name: "", peerUrls: [], isLearner: true });
    tank.simulation.addHost({ name: fresh.replace("/", "-"), zone: "z" });
    tank.simulation.place(fresh.replace("/", "-"), fresh, { members: [], join: true });
    tank.simulation.startHost(fresh.replace("/", "-"));
    asked(tank, members, { kind: "etcd.member.promote", member: fresh });
    members = [...members.filter((member) => member !== old), fresh];
    asked(tank, members, { kind: "etcd.member.remove", member: old });
    tank.simulation.runFor(3_000);
    tank.simulation.crashHost(old.replace("/", "-"));
    tank.simulation.runFor(3_000);
  }
  for (const server of [0, 1]) {
    expect([...tank.state(server)!.etcd.members].sort()).toEqual([three, four, five]);
    expect(tank.create(maps, configMap(`after-${server}`), { server }).code).toBe(201);
    expect(tank.get(`${maps}/before`, { server }).code).toBe(200);
  }
  tank.until(() => watched.events.length >= 3, "the watch is not told what came after");
  expect(watched.events.map(({ object }) => object.metadata.name)).toEqual(["before", "after-0", "after-1"]);
  expect(tank.facts.filter(({ kind }) => kind === "api.relist")).toEqual([]);
});
