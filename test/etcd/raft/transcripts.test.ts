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
});
