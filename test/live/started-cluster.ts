import { actors } from "../../actors";
import { LiveCluster } from "../../cli/live-cluster";
import { liveLog } from "../../runtime/live/log";
import { type ClusterShape, defaultShape } from "../../scenarios/cluster";

/** A live cluster in this process that answers: on loopback, at ports that are free, kept in `data` if it is given; what goes wrong in it is thrown. */
export async function startedCluster(shape: Partial<ClusterShape>, data?: string): Promise<LiveCluster> {
  const cluster = await LiveCluster.start({
    storage: undefined,
    shape: { ...defaultShape, ...shape },
    actors,
    data,
    listen: { host: "127.0.0.1", port: 0 },
    joinListen: undefined,
    advertise: "127.0.0.1",
    names: ["127.0.0.1"],
    log: liveLog("silent"),
    etcdStarted: () => {},
    failed: (why) => {
      throw new Error(why);
    },
  });
  await cluster.ready(() => {});
  return cluster;
}
