import { etcdFlags, etcdSettings } from "../../actors/etcd/settings";

describe("etcd's settings", () => {
  test("are etcd's defaults where nothing is said", () => {
    expect(etcdSettings()).toMatchObject({ heartbeatIntervalMs: 100, electionTimeoutMs: 1000, snapshotCount: 10_000, preVote: true });
  });

  test("go by etcd's names", () => {
    expect(etcdFlags).toEqual(expect.arrayContaining(["heartbeat-interval", "election-timeout", "snapshot-count", "quota-backend-bytes"]));
    expect(etcdSettings({ "election-timeout": 500, "heartbeat-interval": 50, "pre-vote": false })).toMatchObject({
      electionTimeoutMs: 500,
      heartbeatIntervalMs: 50,
      preVote: false,
    });
  });

  test.each([
    [{ "election-timeuot": 1 }, 'etcd has no setting "election-timeuot"'],
    [{ "snapshot-count": "many" }, 'snapshot-count: "many": expected a number, 1 or more'],
    [{ "pre-vote": 1 }, "pre-vote: 1: expected true or false"],
    [{ "heartbeat-interval": 300 }, "election-timeout: 1000: expected at least 5 times heartbeat-interval (300)"],
  ])("%j is refused with what was expected", (given, message) => {
    expect(() => etcdSettings(given)).toThrow(message);
  });
});
