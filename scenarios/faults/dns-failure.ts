import { roleOf } from "../../protocol/address";
import type { NetRequest, NetResponse } from "../../protocol/cluster";
import { decode } from "../../protocol/codec";
import { percentSchema } from "../schema";
import { count, type Fault } from "./fault";
import { probabilityOf } from "./network";
import { answerInItsPlace } from "./stand-in";

const errors: Readonly<Record<string, string>> = {
  "no-such-host": "no such host",
  "server-misbehaving": "server misbehaving",
  timeout: "i/o timeout",
};

export const dnsFailure: Fault = {
  name: "dns-failure",
  what: "Names are not found from the nodes: what workloads there ask by the name of a Service fails before it is sent. What goes to addresses goes on.",
  params: {
    names: {
      type: "array",
      items: { type: "string" },
      minItems: 1,
      description: 'only names that begin so, such as ["api", "db.shop"]; all where not given',
    },
    error: { enum: Object.keys(errors), description: "how the look-up fails; server-misbehaving where not given" },
    rate: { ...percentSchema, description: "the share of look-ups that fails; all where not given" },
  },
  required: [],
  silences: false,
  swarm: { roles: ["node"], params: (d) => ({ rate: `${Math.round(20 + d * 80)}%` }) },
  begin(tank, nodes, params, id) {
    const names = params.names as readonly string[] | undefined;
    const error = errors[String(params.error ?? "server-misbehaving")]!;
    const probability = probabilityOf(params.rate ?? "100%");
    let asked = 0;
    let failed = 0;
    const interposers = nodes.map((node) =>
      tank.interpose(node, (gate) => ({
        arriving(envelope) {
          if (envelope.kind !== "net.request" || envelope.operation !== "ask" || roleOf(envelope.to) !== "kube-proxy") return "pass";
          const { name } = decode(envelope.body) as NetRequest;
          if (name === undefined || (names && !names.some((prefix) => name.host.startsWith(prefix)))) return "pass";
          if (tank.draw(`${id} ${node}`, "look-up", asked++) >= probability) return "pass";
          failed++;
          const detail = `lookup ${name.host}: ${error}`;
          const answer: NetResponse = {
            kind: "net.response",
            outcome: "unreachable",
            code: 0,
            body: new Uint8Array(0),
            servedBy: "",
            detail,
          };
          answerInItsPlace(gate, envelope, answer);
          return [];
        },
      })),
    );
    const soFar = () => count(failed, "name", "not found");
    return {
      soFar,
      end() {
        for (const interposer of interposers) interposer.cancel();
        return soFar();
      },
    };
  },
};
