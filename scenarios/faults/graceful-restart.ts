import { type ApiServerConfig, knobsOf } from "../../actors/api-server/config";
import { type Address, type HostName, roleOf } from "../../protocol/address";
import type { ApiRequest, ApiResponse } from "../../protocol/api";
import type { Cancel } from "../../runtime/world";
import { durationSchema } from "../schema";
import { Impossible, type Tank } from "../tank";
import { microseconds } from "./delay";
import { count, type Fault, listed } from "./fault";

/** How often one that comes back is asked whether it is ready. */
const askEveryMs = 250;
const askForMs = 2_000;
/** From its word that it has finished to its end: what it said last is on its way for a while. */
const settleMs = 200;

/** Where one of them is on its way down and up again. */
type Step = "waiting" | "going" | "down" | "coming" | "restarted";

export const gracefulRestart: Fault = {
  name: "graceful-restart",
  what: "API servers restart one after the other as an operator restarts them (SIGTERM): each says that it goes, serves on for shutdown-delay-duration, sends its clients elsewhere, finishes what it does, and starts again; the next one goes when it is ready. It is over when all are.",
  params: {
    grace: { ...durationSchema, description: "how long what is under way may take once nothing new is taken; 10s where not given" },
    down: { ...durationSchema, description: "how long each is down; 1s where not given" },
  },
  required: [],
  silences: true,
  // One goes at a time.
  silenced: (_hosts, targets) => targets.slice(0, 1),
  begin(tank, hosts, params) {
    const graceMs = microseconds(params.grace ?? "10s") / 1000;
    const downMs = microseconds(params.down ?? "1s") / 1000;
    const restarts = hosts.map((host) => ({ host, server: serverOn(tank, host), step: "waiting" as Step }));
    let waiting: Cancel | undefined;
    let over = false;
    let cutOff = 0;
    const later = (delayMs: number, run: () => void) => {
      if (!over) waiting = tank.after(delayMs, () => !over && run());
    };
    const restart = (index: number) => {
      const one = restarts[index];
      if (one === undefined) return;
      const { host, server } = one;
      const delayMs = knobsOf(tank.configOf(server) as ApiServerConfig)["shutdown-delay-duration"];
      one.step = "going";
      tank.sendClientsAway(host, "new");
      later(delayMs, () => tank.sendClientsAway(host, "all"));
      tank.ask<ApiResponse>(server, { kind: "api.shutdown" }, delayMs + graceMs, (answer) => {
        if (!answer.ok) cutOff++;
        later(settleMs, () => {
          one.step = "down";
          tank.crashHost(host, false);
          later(downMs, () => {
            one.step = "coming";
            tank.startHost(host);
            whenReady(server, () => {
              one.step = "restarted";
              restart(index + 1);
            });
          });
        });
      });
    };
    const whenReady = (server: Address, then: () => void) =>
      tank.ask<ApiResponse>(server, readyz, askForMs, (answer) => {
        if (answer.ok && answer.body.code === 200) later(0, then);
        else later(askEveryMs, () => whenReady(server, then));
      });
    restart(0);
    return {
      isOver: () => restarts.every(({ step }) => step === "restarted"),
      end() {
        over = true;
        waiting?.cancel();
        for (const { host, step } of restarts) {
          // One that has said that it goes takes nothing more, and would stay like that for ever.
          if (step === "going") tank.crashHost(host, false);
          if (step === "going" || step === "down") tank.startHost(host);
        }
        const begun = restarts.filter(({ step }) => step !== "waiting").length;
        return listed(count(begun, "API server", "restarted"), count(cutOff, "API server", "cut off before it had finished"));
      },
    };
  },
};

function serverOn(tank: Tank, host: HostName): Address {
  const server = tank.actorsOn(host).find((actor) => roleOf(actor) === "apiserver");
  if (server === undefined) throw new Impossible(`no API server runs on ${host}, and only API servers restart gracefully`);
  return server;
}

const readyz: ApiRequest = {
  kind: "api.request",
  verb: "get",
  path: "/readyz",
  ...{ isResource: false, group: "", version: "", resource: "", subresource: "", namespace: "", name: "", query: {} },
  ...{ accept: "", contentType: "", userAgent: "wavetank-storm" },
  credential: { type: "certificate", commonName: "wavetank", organizations: ["system:masters"] },
  impersonation: null,
  body: new Uint8Array(0),
};
