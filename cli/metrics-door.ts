import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Address, address, roleOf } from "../protocol/address";
import type { ComponentGetRequest, ComponentGetResponse, KubeletGetRequest, KubeletGetResponse } from "../protocol/cluster";
import type { Portal } from "../runtime/portal";
import { InputError } from "./exit";
import { authorityOf, type Endpoint } from "./up-options";

export interface MetricsDoor {
  readonly address: string;
  close(): void;
}

/** Who answers there; API servers have /metrics of their own. */
const roles: ReadonlySet<string> = new Set(["controller-manager", "scheduler", "etcd", "kubelet", "kube-proxy"]);
const answerMs = 5_000;

/**
 * An address of this machine at which components say how they are, as each of the real programs does at one of its own: /scheduler/0/metrics,
 * /etcd/1/health, /kubelet/node-0/metrics. Without a credential, as etcd's --listen-metrics-urls.
 */
export async function openMetricsDoor(
  { host, port }: Endpoint,
  portal: Pick<Portal, "ask">,
  components: readonly Address[],
): Promise<MetricsDoor> {
  const known = components.filter((component) => roles.has(roleOf(component)));
  const server = createServer((request, response) => serve(request, response, portal, known));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(new InputError(`--metrics-listen ${host}:${port}: ${error.message}`)));
    server.listen(port, host, resolve);
  });
  const { port: listening } = server.address() as AddressInfo;
  return {
    address: `http://${authorityOf(host, listening)}/`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function serve(
  { method, url = "/" }: IncomingMessage,
  response: ServerResponse,
  portal: Pick<Portal, "ask">,
  known: readonly Address[],
): void {
  const [, role = "", name = "", ...rest] = url.split("/");
  const to =
    known.find((component) => component === `${role}/${name}`) ??
    ((role === "kubelet" || role === "kube-proxy") && name !== "" ? address(role, name) : undefined);
  const say = (code: number, contentType: string, body: string | Uint8Array) =>
    response.writeHead(code, { "content-type": contentType }).end(method === "HEAD" ? "" : body);
  if (method !== "GET" && method !== "HEAD") return void say(405, "text/plain", "only GET is answered here\n");
  if (to === undefined) return void say(url === "/" ? 200 : 404, "text/plain", known.map((each) => `/${each}/metrics\n`).join(""));
  const path = `/${rest.join("/")}`;
  const kind = roleOf(to) === "kubelet" ? "kubelet.get" : "component.get";
  const asked = { kind, path } as ComponentGetRequest | KubeletGetRequest;
  portal.ask<ComponentGetResponse | KubeletGetResponse>(to, asked, answerMs, (answer) => {
    if (!answer.ok) return void say(503, "text/plain", `${to}: ${answer.error}\n`);
    say(answer.body.code, answer.body.contentType, answer.body.bytes);
  });
}
