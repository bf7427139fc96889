import { type Conversation, ServiceClient } from "./client";
import { EtcdDoors } from "./doors";

const text = (value: string) => Buffer.from(value);
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever the server said
type Response = any;

/** A watch response in short: "#1 created", "#1 put a=1 (was 0)", "#1 canceled at 7: reason". */
function told(response: Response): string {
  const id = `#${response.watch_id}`;
  if (response.canceled) {
    const why = [response.created ? "created" : "", response.compact_revision.toNumber() || "", response.cancel_reason].filter(Boolean);
    return [id, "canceled", ...why].join(" ");
  }
  if (response.created) return `${id} created`;
  const events = response.events.map(({ type, kv, prev_kv }: Response) => {
    const was = prev_kv === null ? "" : ` (was ${prev_kv.value})`;
    return type === 1 ? `delete ${kv.key}${was}` : `put ${kv.key}=${kv.value}${was}`;
  });
  return [id, ...(events.length === 0 ? ["progress"] : events), ...(response.fragment ? ["…"] : [])].join(" ");
}

describe("etcd's Watch service", () => {
  let doors: EtcdDoors;
  let kv: ServiceClient;
  let watcher: ServiceClient;
  let open: Conversation[] = [];
  beforeAll(async () => {
    doors = await EtcdDoors.open(1, { "watch-progress-notify-interval": 300 }, { maxRequestBytes: 4_000 });
    const files = doors.clientFiles("client");
    kv = new ServiceClient("KV", doors.endpoints[0]!, files);
    watcher = new ServiceClient("Watch", doors.endpoints[0]!, files);
  });
  afterEach(() => {
    for (const stream of open) stream.close();
    open = [];
  });
  afterAll(async () => {
    kv.close();
    watcher.close();
    expect(doors.errors).toEqual([]);
    await doors.close();
  });

  const watch = () => {
    const stream = watcher.open("Watch");
    open.push(stream);
    return stream;
  };
  const create = (key: string, more: object = {}) => ({ create_request: { key: text(key), ...more } });
  const put = async (key: string, value = "") =>
    (await kv.call("Put", { key: text(key), value: text(value) })).header.revision.toNumber() as number;
  const remove = (key: string) => kv.call("DeleteRange", { key: text(key) });
  const next = async (stream: Conversation, count = 1) => {
    const lines: string[] = [];
    while (lines.length < count) lines.push(told(await stream.next()));
    return lines;
  };

  test("many watches share a stream, told apart by their ids; a client may choose one that is free", async () => {
    const stream = watch();
    for (const request of [create("a"), create("b"), create("a", { watch_id: 7 }), create("c", { watch_id: 7 })]) stream.send(request);
    expect((await next(stream, 4)).sort()).toEqual([
      "#-1 canceled created mvcc: duplicate watch ID provided on the WatchStream",
      "#0 created",
      "#1 created",
      "#7 created",
    ]);
    await put("b", "1");
    expect(await next(stream)).toEqual(["#1 put b=1"]);
    await put("a", "2");
    expect((await next(stream, 2)).sort()).toEqual(["#0 put a=2", "#7 put a=2"]);
  });

  test("a watch that is cancelled says so, and nothing after it; the others go on", async () => {
    const stream = watch();
    for (const request of [create("x"), create("x"), { cancel_request: { watch_id: 0 } }, { cancel_request: { watch_id: 99 } }])
      stream.send(request);
    const lines = await next(stream, 3);
    expect(lines.filter((line) => line.startsWith("#0"))).toEqual(["#0 created", "#0 canceled"]);
    await put("x", "1");
    await put("x", "2");
    expect(await next(stream, 2)).toEqual(["#1 put x=1", "#1 put x=2"]);
  });

  test("an empty range is refused, an open one reaches to the end, no key means all", async () => {
    const stream = watch();
    stream.send(create("m", { range_end: text("a") }));
    expect(await next(stream)).toEqual(["#-1 canceled created mvcc: watcher range is empty"]);
    stream.send(create("y", { range_end: text("\0") }));
    expect(await next(stream)).toEqual(["#0 created"]);
    await put("x");
    await put("yy");
    await put("z");
    expect(await next(stream, 2)).toEqual(["#0 put yy=", "#0 put z="]);
    stream.send({ create_request: { range_end: text("\0") } });
    expect(await next(stream)).toEqual(["#1 created"]);
    await put("a");
    expect(await next(stream)).toEqual(["#1 put a="]);
  });

  test("from a revision, with what was there before, and without what a filter keeps away", async () => {
    const first = await put("f", "1");
    await put("f", "2");
    await remove("f");
    const stream = watch();
    const from = { start_revision: first, prev_kv: true };
    stream.send(create("f", from));
    stream.send(create("f", { ...from, filters: [0] }));
    stream.send(create("f", { ...from, filters: [1] }));
    const lines = await next(stream, 6);
    const of = (id: number) => lines.filter((line) => line.startsWith(`#${id}`)).map((line) => line.slice(3));
    expect(of(0)).toEqual(["created", "put f=1 put f=2 (was 1) delete f (was 2)"]);
    expect(of(1)).toEqual(["created", "delete f (was 2)"]);
    expect(of(2)).toEqual(["created", "put f=1 put f=2 (was 1)"]);
  });

  test("from a compacted revision it is created and cancelled, with the oldest revision that is left", async () => {
    const revision = await put("g");
    await put("g");
    await kv.call("Compact", { revision: revision + 1 });
    const stream = watch();
    stream.send(create("g", { start_revision: revision }));
    expect(await next(stream, 2)).toEqual(["#0 created", `#0 canceled ${revision + 1}`]);
  });

  test("a progress request is answered once for all watches, after everything up to its revision", async () => {
    const stream = watch();
    stream.send({ progress_request: {} });
    expect(await next(stream)).toEqual(["#-1 progress"]);
    for (const key of ["p", "q"]) stream.send(create(key));
    await next(stream, 2);
    const revision = await put("p", "1");
    stream.send({ progress_request: {} });
    expect(await next(stream)).toEqual(["#0 put p=1"]);
    const response = await stream.next();
    expect([told(response), response.header.revision.toNumber()]).toEqual(["#-1 progress", revision]);
  });

  test("with progress_notify an idle watch hears from time to time how far it is", async () => {
    const stream = watch();
    stream.send(create("idle", { progress_notify: true }));
    expect(await next(stream, 3)).toEqual(["#0 created", "#0 progress", "#0 progress"]);
  });

  test("with fragment a large response comes in parts, the last without the mark", async () => {
    const stream = watch();
    stream.send(create("h", { range_end: text("i"), fragment: true }));
    stream.send(create("h", { range_end: text("i") }));
    await next(stream, 2);
    // Together below the largest request, and with what surrounds them above the limit of a part.
    const puts = ["h1", "h2", "h3"].map((key) => ({ request_put: { key: text(key), value: Buffer.alloc(1_290, "x") } }));
    await kv.call("Txn", { success: puts });
    const lines = (await next(stream, 3)).map((line) => line.replaceAll(/x+/g, "x"));
    expect(lines.filter((line) => line.startsWith("#0"))).toEqual(["#0 put h1=x put h2=x …", "#0 put h3=x"]);
    expect(lines.filter((line) => line.startsWith("#1"))).toEqual(["#1 put h1=x put h2=x put h3=x"]);
  });
});
