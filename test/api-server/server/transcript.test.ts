import { decode } from "../../../protocol/codec";
import { isDatagram } from "../../../protocol/envelope";
import { configMap, Tank } from "./tank";

const maps = "/api/v1/namespaces/default/configmaps";

/** What is said by and to the API servers while `act` runs, a line for each message. */
function transcript(tank: Tank, act: () => void): string {
  const lines: string[] = [];
  let on = true;
  tank.simulation.addObserver((_nowUs, _host, event) => {
    if (!on || event.type !== "deliver" || isDatagram(event.envelope) || event.envelope.operation === "credit") return;
    const { from, to, operation, body } = event.envelope;
    if (!from.startsWith("apiserver/") && !to.startsWith("apiserver/")) return;
    if (operation === "close") lines.push(`${from} → ${to} close`);
    else lines.push(`${from} → ${to} ${operation} ${said(decode(body) as never)}`);
  });
  act();
  tank.simulation.runFor(20);
  on = false;
  return `\n${lines.join("\n")}\n`;
}

/** The part of a message that tells it from others. */
function said(message: { readonly kind: string; readonly [field: string]: unknown }): string {
  const text = (bytes: unknown) =>
    Buffer.from(bytes as Uint8Array)
      .toString()
      .replace("\0", "");
  switch (message.kind) {
    case "api.request":
      return `${message.kind} ${message.verb} ${message.path}`;
    case "api.response":
      return `${message.kind} ${message.code}`;
    case "api.event":
      return `${message.kind} ${message.type}`;
    case "etcd.range":
      return `${message.kind} ${text(message.key)}${message.countOnly ? " (count)" : ""}`;
    case "etcd.txn": {
      const [compare] = message.compare as { key: Uint8Array; target: string; number: number }[];
      const [operation] = message.success as { kind: string }[];
      return `${message.kind} if ${compare!.target}(${text(compare!.key)}) ${compare!.number === 0 ? "= 0" : "= what was read"} then ${operation!.kind}`;
    }
    case "etcd.txn.response":
      return `${message.kind} ${message.succeeded ? "succeeded" : "refused"}`;
    case "etcd.watch.response":
      return `${message.kind} ${(message.events as unknown[]).length} events`;
    default:
      return message.kind;
  }
}

describe("what an API server says for each request", () => {
  test("create, read, list, update, delete", () => {
    const tank = new Tank();
    tank.simulation.runFor(3_000);
    expect(transcript(tank, () => tank.create(maps, configMap("a")))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request create /api/v1/namespaces/default/configmaps
apiserver/0 → etcd/0 ask etcd.txn if mod(/registry/configmaps/default/a) = 0 then etcd.put
etcd/0 → apiserver/0 answer etcd.txn.response succeeded
etcd/0 → apiserver/0 item etcd.watch.response 1 events
apiserver/0 → gateway/outside answer api.response 201
"
`);
    expect(transcript(tank, () => tank.get(`${maps}/a`))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request get /api/v1/namespaces/default/configmaps/a
apiserver/0 → etcd/0 ask etcd.range /registry/health (count)
etcd/0 → apiserver/0 answer etcd.range.response
apiserver/0 → gateway/outside answer api.response 200
"
`);
    expect(transcript(tank, () => tank.get(`${maps}/a?resourceVersion=0`))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request get /api/v1/namespaces/default/configmaps/a
apiserver/0 → gateway/outside answer api.response 200
"
`);
    expect(transcript(tank, () => tank.get(maps))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request list /api/v1/namespaces/default/configmaps
apiserver/0 → etcd/0 ask etcd.range /registry/health (count)
etcd/0 → apiserver/0 answer etcd.range.response
apiserver/0 → gateway/outside answer api.response 200
"
`);
    expect(transcript(tank, () => tank.patch(`${maps}/a`, "merge", { data: { k: "v" } }))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request patch /api/v1/namespaces/default/configmaps/a
apiserver/0 → etcd/0 ask etcd.txn if mod(/registry/configmaps/default/a) = what was read then etcd.put
etcd/0 → apiserver/0 answer etcd.txn.response succeeded
etcd/0 → apiserver/0 item etcd.watch.response 1 events
apiserver/0 → gateway/outside answer api.response 200
"
`);
    expect(transcript(tank, () => tank.delete(`${maps}/a`))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request delete /api/v1/namespaces/default/configmaps/a
apiserver/0 → etcd/0 ask etcd.txn if mod(/registry/configmaps/default/a) = what was read then etcd.delete
etcd/0 → apiserver/0 answer etcd.txn.response succeeded
etcd/0 → apiserver/0 item etcd.watch.response 1 events
apiserver/0 → gateway/outside answer api.response 200
"
`);
  });

  test("a watch, and a change through another server", () => {
    const tank = new Tank({ servers: 2 });
    // Until the servers have nothing left to put in order of their own.
    tank.simulation.runFor(3_000);
    tank.create(maps, configMap("a"));
    expect(transcript(tank, () => tank.watch(`${maps}?watch=true`, { server: 1 }))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/1 open api.request watch /api/v1/namespaces/default/configmaps
apiserver/1 → etcd/0 ask etcd.range /registry/health (count)
etcd/0 → apiserver/1 answer etcd.range.response
apiserver/1 → gateway/outside item api.response 200
apiserver/1 → gateway/outside item api.event ADDED
"
`);
    expect(transcript(tank, () => tank.patch(`${maps}/a`, "merge", { data: { k: "v" } }))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/0 ask api.request patch /api/v1/namespaces/default/configmaps/a
apiserver/0 → etcd/0 ask etcd.txn if mod(/registry/configmaps/default/a) = what was read then etcd.put
etcd/0 → apiserver/0 answer etcd.txn.response succeeded
etcd/0 → apiserver/0 item etcd.watch.response 1 events
etcd/0 → apiserver/1 item etcd.watch.response 1 events
apiserver/0 → gateway/outside answer api.response 200
apiserver/1 → gateway/outside item api.event MODIFIED
"
`);
  });

  test("an update that was decided on an old state is decided again on the new one", () => {
    const tank = new Tank({ servers: 2 });
    // Until the servers have nothing left to put in order of their own.
    tank.simulation.runFor(3_000);
    tank.create(maps, configMap("a"));
    const effect = { type: "delay", minUs: 500_000, maxUs: 500_001 } as const;
    tank.simulation.addRule({ id: "slow", from: ["etcd-0"], to: ["apiserver-1"], kinds: ["etcd.watch"], effect });
    tank.patch(`${maps}/a`, "merge", { data: { k: "v" } });
    expect(transcript(tank, () => tank.patch(`${maps}/a`, "merge", { data: { m: "n" } }, { server: 1 }))).toMatchInlineSnapshot(`
"
gateway/outside → apiserver/1 ask api.request patch /api/v1/namespaces/default/configmaps/a
apiserver/1 → etcd/0 ask etcd.txn if mod(/registry/configmaps/default/a) = what was read then etcd.put
etcd/0 → apiserver/1 item etcd.watch.response 1 events
etcd/0 → apiserver/1 answer etcd.txn.response refused
apiserver/1 → etcd/0 ask etcd.txn if mod(/registry/configmaps/default/a) = what was read then etcd.put
etcd/0 → apiserver/0 item etcd.watch.response 1 events
etcd/0 → apiserver/1 answer etcd.txn.response succeeded
apiserver/1 → gateway/outside answer api.response 200
"
`);
    // Nobody is shown less than has been written, also by a server whose cache lags.
    tank.patch(`${maps}/a`, "merge", { data: { o: "p" } });
    expect(tank.get(`${maps}/a`, { server: 1 }).body.data).toEqual({ k: "v", m: "n", o: "p" });
  });
});
