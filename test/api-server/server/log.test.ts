import { address } from "../../../protocol/address";
import type { ApiChunk, ApiMessage } from "../../../protocol/api";
import type { KubeletLogRequest, KubeletLogResponse } from "../../../protocol/cluster";
import type { Actor, StreamRef } from "../../../runtime/actor";
import { pod, Tank } from "./tank";

interface FakeKubeletState {
  readonly asked: KubeletLogRequest[];
  follower: StreamRef | undefined;
}

/** A kubelet that knows one line of log, and says another each second to those who follow. */
const fakeKubelet: Actor<unknown, FakeKubeletState, KubeletLogRequest> = {
  role: "kubelet",
  start: () => ({ asked: [], follower: undefined }),
  receive(state, input, ctx) {
    const answer: KubeletLogResponse = { kind: "kubelet.log.response", code: 200, message: "", bytes: Buffer.from("first\n") };
    if (input.type === "request" || input.type === "opened") state.asked.push(input.body);
    if (input.type === "request") ctx.reply(input.request, answer);
    if (input.type === "opened") {
      state.follower = input.stream;
      ctx.push(input.stream, answer);
      ctx.setTimer("line", 1_000);
    }
    if (input.type === "closed") state.follower = undefined;
    if (input.type === "timer" && state.follower) {
      const chunk: ApiChunk = { kind: "api.chunk", bytes: Buffer.from("more\n") };
      ctx.push(state.follower, chunk);
      ctx.setTimer("line", 1_000);
    }
  },
};

describe("pods/log", () => {
  const tank = new Tank({ actors: [fakeKubelet] });
  const pods = "/api/v1/namespaces/shop/pods";
  tank.namespace("shop");
  tank.simulation.addHost({ name: "node-0", zone: "a" });
  tank.simulation.place("node-0", address("kubelet", "node-0"), null);
  tank.simulation.startHost("node-0");
  tank.create(
    pods,
    pod("p", {
      containers: [
        { name: "a", image: "x" },
        { name: "b", image: "x" },
      ],
    }),
  );
  const kubelet = () => tank.simulation.stateOf<FakeKubeletState>(address("kubelet", "node-0"))!;

  test("a Pod without node has no log yet", () => {
    expect(tank.get(`${pods}/p/log?container=a`)).toMatchObject({ code: 400, body: { message: "pod p does not have a host assigned" } });
    tank.create(`${pods}/p/binding`, { target: { kind: "Node", name: "node-0" } });
  });

  test.each([
    ["tailLines=-1", 422, 'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ["limitBytes=0", 422, 'PodLogOptions "p" is invalid: limitBytes: Invalid value: 0: must be greater than 0'],
    ["sinceSeconds=0", 422, 'PodLogOptions "p" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'],
    [
      "sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z",
      422,
      'PodLogOptions "p" is invalid: : Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
    ["tailLines=many", 400, 'strconv.ParseInt: parsing "many": invalid syntax'],
  ])("?%s is refused", (query, code, message) => {
    const reply = tank.get(`${pods}/p/log?container=b&${query}`);
    expect([reply.code, reply.body.message]).toEqual([code, message]);
  });

  test("the log is fetched from the kubelet of the Pod's node, as plain text", () => {
    const reply = tank.get(`${pods}/p/log?container=b&tailLines=5&timestamps=true`);
    expect(reply).toMatchObject({ code: 200, text: "first\n" });
    expect(kubelet().asked.at(-1)).toMatchObject({
      pod: "p",
      container: "b",
      tailLines: 5,
      timestamps: true,
      follow: false,
      previous: false,
    });
  });

  test("which container has to be said where there are several, and it must exist", () => {
    expect(tank.get(`${pods}/p/log`).body.message).toBe("a container name must be specified for pod p, choose one of: [a b]");
    expect(tank.get(`${pods}/p/log?container=c`).body.message).toBe("container c is not valid for pod p");
  });

  test("a log that is followed goes on as it is written, and ends at the kubelet when the reader goes", () => {
    const seen: string[] = [];
    const reader = tank.simulation
      .portal()
      .open<ApiMessage>(address("apiserver", 0), tank.message("GET", `${pods}/p/log?container=a&follow=true`), (input) => {
        if (input.type === "item" && input.body.kind === "api.chunk") seen.push(Buffer.from(input.body.bytes).toString());
      });
    tank.simulation.runFor(2_500);
    expect(seen).toEqual(["first\n", "more\n", "more\n"]);
    reader.close();
    tank.simulation.runFor(500);
    expect(kubelet().follower).toBeUndefined();
  });

  test("a kubelet that is gone is 503, and a follower is told the end", () => {
    let closed = false;
    tank.simulation
      .portal()
      .open<ApiMessage>(address("apiserver", 0), tank.message("GET", `${pods}/p/log?container=a&follow=true`), (input) => {
        closed ||= input.type === "closed";
      });
    tank.simulation.runFor(500);
    tank.simulation.crashHost("node-0");
    tank.until(() => closed, "the follower was not told");
    expect(tank.get(`${pods}/p/log?container=a`).code).toBe(503);
  });

  test("a follower is counted, and told the end when the API server goes", () => {
    tank.simulation.startHost("node-0");
    const heard: string[] = [];
    tank.simulation
      .portal()
      .open<ApiMessage>(address("apiserver", 0), tank.message("GET", `${pods}/p/log?container=a&follow=true`), (input) =>
        heard.push(input.type === "closed" ? input.reason : input.body.kind),
      );
    tank.until(() => heard.includes("api.chunk"), "nothing is followed");
    expect(tank.get("/metrics").text).toContain(
      'apiserver_longrunning_requests{verb="GET",group="",version="v1",resource="pods",subresource="log",scope="resource",component="apiserver"} 1\n',
    );
    tank.simulation.portal().send(address("apiserver", 0), { kind: "api.shutdown" });
    tank.until(() => heard.at(-1) === "done", "the follower was not told");
    tank.until(() => kubelet().follower === undefined, "the kubelet was not told");
  });
});
