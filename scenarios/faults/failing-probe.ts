import { roleOf } from "../../protocol/address";
import type { NetRequest, NetResponse } from "../../protocol/cluster";
import { decode } from "../../protocol/codec";
import type { CriExecResult, CriExecSync } from "../../protocol/cri";
import type { Pod } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { nodeOf } from "../aim";
import type { Tank } from "../tank";
import { count, type Fault } from "./fault";
import { answerInItsPlace } from "./stand-in";

export const failingProbe: Fault = {
  name: "failing-probe",
  what: "Probes of the pods fail, though what runs in them is well: HTTP probes are answered with 500, TCP probes refused, commands exit with 1. A failing readiness takes the pod out of its Services, a failing liveness restarts its containers.",
  params: { path: { type: "string", description: "only HTTP probes of this path, where readiness and liveness have different ones" } },
  required: [],
  aims: "pods",
  silences: false,
  swarm: { target: () => ({ fields: "status.phase=Running" }) },
  begin(tank, pods, params) {
    const path = params.path as string | undefined;
    let failed = 0;
    const nodes = [...new Set(pods.flatMap((pod) => nodeOf(pod, tank) ?? []))];
    const interposers = nodes.map((node) =>
      tank.interpose(node, (gate) => ({
        arriving(envelope) {
          if (envelope.operation !== "ask" || roleOf(envelope.from) !== "kubelet") return "pass";
          const isHttp = envelope.kind === "net.request";
          if (!isHttp && (envelope.kind !== "cri.execSync" || path !== undefined)) return "pass";
          const probe = decode(envelope.body) as NetRequest | CriExecSync;
          if (probe.kind === "net.request" ? !isOfAddress(tank, pods, probe.destinationIp) : !isOfContainer(tank, pods, probe.containerId))
            return "pass";
          if (probe.kind === "net.request" && path !== undefined && probe.path !== path) return "pass";
          failed++;
          answerInItsPlace(gate, envelope, probe.kind === "net.request" ? answerTo(probe) : exited);
          return [];
        },
      })),
    );
    const soFar = () => count(failed, "probe", "failed");
    return {
      soFar,
      end() {
        for (const interposer of interposers) interposer.cancel();
        return soFar();
      },
    };
  },
};

const exited: CriExecResult = { kind: "cri.execResult", exitCode: 1, stdout: "", stderr: "a fault of the storm" };

function answerTo({ method }: NetRequest): NetResponse {
  const common = { kind: "net.response", body: new Uint8Array(0), servedBy: "", detail: "a fault of the storm" } as const;
  return method === "CONNECT" ? { ...common, outcome: "refused", code: 0 } : { ...common, outcome: "answered", code: 500 };
}

function podsNow(tank: Tank, pods: readonly string[]): readonly Stored<Pod>[] {
  return pods.flatMap((pod) => (tank.objects().get(`Pod ${pod}`) as Stored<Pod> | undefined) ?? []);
}

function isOfAddress(tank: Tank, pods: readonly string[], ip: string): boolean {
  return podsNow(tank, pods).some(({ status }) => status?.podIP === ip);
}

function isOfContainer(tank: Tank, pods: readonly string[], id: string): boolean {
  return podsNow(tank, pods).some(({ status }) => status?.containerStatuses?.some(({ containerID }) => containerID?.endsWith(id)));
}
