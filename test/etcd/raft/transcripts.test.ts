import type { Persisted } from "../../../actors/etcd/raft/node";
import type { Entry } from "../../../protocol/raft";
import { type Flight, Network } from "./network";
import { Transcript } from "./transcript";

const touching = (id: string) => (flight: Flight) => flight.from === id || flight.to === id;

/** Stories to be read: the expected texts are in test/etcd/transcripts. UPDATE_TRANSCRIPTS=1 rewrites them. */
describe("transcripts", () => {
  test("an election with pre-vote, one proposal and one read", () => {
    const story = new Transcript(new Network(3));
    const { network } = story;
    story.say("m0 has heard nothing for its election time-out: it asks first whether it could win, then campaigns.");
    network.elect("m0");
    story.say("A client's entry is replicated, committed by m0 and one follower, and applied by all.");
    network.propose("m0", "x=1");
    network.settle();
    story.say("A linearizable read costs a round of heartbeats and no entry.");
    network.step("m0", { type: "read", request: 1 });
    network.settle();
    story.expectToBe("election-proposal-read");
  });

  test("a deposed leader gives up what it never committed", () => {
    const story = new Transcript(new Network(3));
    const { network } = story;
    story.say("m0 leads, and is cut off with two entries that nobody else has.");
    network.elect("m0");
    network.propose("m0", "lost 1");
    network.propose("m0", "lost 2");
    network.settle(touching("m0"));
    story.say("m1 is elected meanwhile.");
    const m1 = network.node("m1");
    network.nowMs += 2_000;
    m1.electionDueMs = network.nowMs;
    network.step("m1", { type: "wake" });
    network.settle(touching("m0"));
    network.propose("m1", "kept");
    network.settle(touching("m0"));
    story.say("The network heals: m1's next heartbeat reaches m0, whose log is brought to m1's.");
    m1.role.name === "leader" && (m1.role.heartbeatDueMs = network.nowMs);
    network.step("m1", { type: "wake" });
    network.settle();
    expect(network.node("m0").log.lastIndex).toBe(3);
    story.expectToBe("deposed-leader");
  });

  test("a follower that was away too long gets a snapshot", () => {
    const story = new Transcript(new Network(3));
    const { network } = story;
    network.elect("m0");
    story.say("m2 is away while three entries are committed and the log is dropped.");
    for (const text of ["a", "b", "c"]) network.propose("m0", text);
    network.settle(touching("m2"));
    network.compact("m0");
    story.say("It is back at the next heartbeat.");
    network.nextWake();
    network.nextWake();
    expect(network.member("m2").applied).toHaveLength(4);
    story.expectToBe("snapshot");
  });

  test("a server is replaced by another: it learns, votes, and takes over", () => {
    const network = new Network(1);
    network.join("m1");
    const story = new Transcript(network);
    network.elect("m0");
    story.say("m1 has started with an empty disk. It is made a learner: quorums stay what they are, so there is no C_old,new.");
    network.configure("m0", ["m0"], ["m1"]);
    network.settle();
    story.say("Once it has caught up it takes m0's place. Until C_new is committed both count: a majority of {m0} and one of {m1}.");
    network.configure("m0", ["m1"]);
    network.settle();
    expect(network.leaders()).toEqual(["m1"]);
    story.expectToBe("membership");
  });

  test("figure 8 with three servers (section 5.4.2): an entry of an earlier term is not committed by counting, for it may yet be replaced", () => {
    const network = new Network(3, { preVote: false, checkQuorum: false });
    const disks = { m0: disk([1, 2], 3), m1: disk([1], 3), m2: disk([1, 3], 3) };
    for (const [id, persisted] of Object.entries(disks)) {
      network.crash(id);
      network.member(id).disk = persisted;
      network.start(id);
    }
    const story = new Transcript(network);
    story.say(
      "m0 has led in term 2 and m2 in term 3, each with an entry that nobody else has. m0 leads again, with m1's vote; m2 is out of reach.",
    );
    const wins = (id: string, within: (flight: Flight) => boolean) => {
      for (let tries = 0; tries < 2; tries++) {
        network.nowMs += 5_000;
        network.step(id, { type: "wake" });
        while (network.node(id).role.name !== "leader") {
          const flight = network.flights.find(within);
          if (flight) network.deliver(flight);
          else if (!network.ids.some((other) => network.persist(other))) break;
        }
        if (network.node(id).role.name === "leader") return;
      }
      throw new Error(`${id} did not win`);
    };
    wins("m0", (flight) => !touching("m2")(flight));
    story.say("m1 gets entry 2 of term 2 and entry 3 of m0's own term, and has both on its disk before m0's disk has written entry 3.");
    for (;;) {
      const flight = network.flights.find((one) => !touching("m2")(one));
      if (flight) network.deliver(flight);
      else if (!network.persist("m1")) break;
    }
    story.say(
      "So entry 2 is on the disks of a majority. Were it committed now, it would be lost: m0 dies, and comes back without entry 3.",
    );
    expect(network.node("m1").log.stable).toBe(3);
    expect(network.node("m0").log).toMatchObject({ stable: 2, commit: 0 });
    network.flights = [];
    network.crash("m0");
    network.start("m0");
    story.say("m2 is elected with m0's vote, in the second term that it tries, for its log ends with term 3; it replaces entry 2.");
    wins("m2", (flight) => !touching("m1")(flight));
    network.settle();
    for (const id of network.ids) expect(network.node(id).log.termAt(2)).toBe(3);
    story.expectToBe("figure-8");
  });

  test("answers that come late (thesis, section 6.4): they say that the leader led when they were given, so only older reads may be served", () => {
    const story = new Transcript(new Network(3));
    const { network } = story;
    network.elect("m0");
    story.lines.length = 0;
    story.say("m0 leads and is asked to read. The others answer its heartbeats, and the answers are held up.");
    network.step("m0", { type: "read", request: 1 });
    for (const flight of [...network.flights]) network.deliver(flight);
    while (network.ids.some((id) => network.persist(id)));
    const late = network.flights;
    network.flights = [];
    expect(late.map(({ message }) => message.kind)).toEqual(["raft.heartbeat.response", "raft.heartbeat.response"]);
    story.say("m1 is elected without m0 hearing of it, and commits.");
    network.nowMs += 2_000;
    network.node("m1").electionDueMs = network.nowMs;
    network.step("m1", { type: "wake" });
    network.settle(touching("m0"));
    network.propose("m1", "newer");
    network.settle(touching("m0"));
    story.say("m0 is asked to read once more. Then the late answers arrive: read 1 was asked before they were given, read 2 was not.");
    network.step("m0", { type: "read", request: 2 });
    network.flights = late;
    for (const flight of [...late]) network.deliver(flight);
    expect(network.member("m0").reads).toEqual([{ request: 1, index: 1 }]);
    story.say("The round for read 2 finds nobody who follows m0 any more.");
    network.settle();
    expect(network.member("m0").refusedReads).toEqual([2]);
    story.expectToBe("late-answers");
  });
});

/** A disk with an entry of each of these terms, as the paper draws logs. */
function disk(terms: readonly number[], term: number): Persisted {
  const entries = terms.map((t, i): Entry => ({ index: i + 1, term: t, type: "data", data: Buffer.from(`${i + 1} of term ${t}`) }));
  return { hardState: { term, vote: null, commit: 0 }, snapshot: { index: 0, term: 0 }, configuration: null, entries };
}
