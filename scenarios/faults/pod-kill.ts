import { durationSchema } from "../schema";
import { callApi } from "./api-call";
import { microseconds } from "./delay";
import { count, type Fault } from "./fault";

export const podKill: Fault = {
  name: "pod-kill",
  what: "Deletes the pods, at once or with `gracePeriod`, without asking their disruption budgets; what owns them makes others.",
  params: {
    gracePeriod: { ...durationSchema, description: "how long they may take to end; 0 where not given" },
  },
  required: [],
  aims: "pods",
  silences: false,
  swarm: { target: () => ({ fields: "status.phase=Running" }), params: (d) => (d < 0.5 ? {} : { gracePeriod: `${Math.round(d * 20)}s` }) },
  begin(tank, pods, params) {
    const gracePeriodSeconds = Math.round(microseconds(params.gracePeriod ?? "0") / 1e6);
    const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds };
    let deleted = 0;
    for (const pod of pods) {
      const [namespace = "", name = ""] = pod.split("/");
      callApi(tank, { verb: "delete", apiVersion: "v1", kind: "Pod", namespace, name, body }, 60_000, (code) => {
        if (code !== undefined && code < 300) deleted++;
      });
    }
    return { end: () => count(deleted, "pod", "deleted") };
  },
};
