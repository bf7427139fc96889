import { least, names } from "../../bench/hostile/least";
import { type Json, type Reply, Tank, type Watched } from "../api-server/server/tank";
import { definitions } from "./definitions";
import { statusAlone, statuses } from "./manifests";

/** A resource as discovery tells it, and where its objects are. */
interface Told {
  readonly key: string;
  readonly group: string;
  readonly groupVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
  readonly everywhere: string;
  readonly collection: string;
}

/** What every kind's "API operations" and "lifecycle" tests of Kubernetes' conformance suite do, step by step, for every kind that discovery names. */
const namespace = "life";
const tank = new Tank();
tank.namespace(namespace);

function told(): readonly Told[] {
  const all: Told[] = [];
  const versions = [
    "/api/v1",
    ...tank.get("/apis").body.groups.flatMap((group: Json) => group.versions.map((v: Json) => `/apis/${v.groupVersion}`)),
  ];
  for (const root of versions) {
    const { groupVersion, resources } = tank.get(root).body;
    const group = groupVersion.includes("/") ? groupVersion.split("/")[0] : "";
    for (const { name, kind, namespaced, verbs } of resources) {
      if (name.includes("/") || !verbs.includes("list") || name === "componentstatuses") continue;
      const subresources = resources
        .filter((other: Json) => other.name.startsWith(`${name}/`))
        .map((other: Json) => other.name.split("/")[1]);
      const everywhere = `${root}/${name}`;
      const collection = namespaced ? `${root}/namespaces/${namespace}/${name}` : everywhere;
      all.push({ key: `${name}.${group}`, group, groupVersion, kind, plural: name, verbs, subresources, everywhere, collection });
    }
  }
  return all;
}

const kinds = told();
const nameOf = ({ key, plural }: Told, n: number) => names[key]?.(n) ?? `${plural.slice(0, 20)}-${n}`;

function manifest(of: Told, n: number, labels: Record<string, string>): Json {
  const body = least[of.key];
  return {
    apiVersion: of.groupVersion,
    kind: of.kind,
    metadata: { name: nameOf(of, n), labels },
    ...structuredClone(typeof body === "function" ? body(n) : body),
  };
}

/** Answers with what came back; a refusal is told whole. */
function done(reply: Reply, code = 200): Json {
  if (reply.code !== code) throw new Error(`${reply.code} instead of ${code}: ${reply.body?.message ?? reply.text}`);
  return reply.body;
}

const eventsOf = (watched: Watched, name: string) =>
  watched.events
    .filter(({ type, object }) => type !== "BOOKMARK" && object.metadata.name === name)
    .map(({ type, object }) => ({ type, object }));

test("discovery names every kind of which it is known how to write one, and no other", () => {
  expect([...new Set(kinds.map(({ key }) => key))].sort()).toEqual(Object.keys(least).sort());
});

describe.each(kinds.map((of) => [`${of.groupVersion} ${of.plural}`, of] as const))("%s", (_title, of) => {
  const label = `told-${of.groupVersion.replace("/", "-")}`.slice(0, 60);
  const selector = `labelSelector=${label}%3D${of.plural}`;
  const labels = { [label]: of.plural };
  const [first, second, third] = [nameOf(of, 0), nameOf(of, 1), nameOf(of, 2)];
  const at = `${of.collection}/${first}`;
  const listed = (path: string) => done(tank.get(`${path}?${selector}`)).items.map(({ metadata }: Json) => metadata.name);

  test("runs through its life", () => {
    const before = done(tank.get(`${of.collection}?${selector}`));
    expect(before).toMatchObject({ kind: `${of.kind}List`, apiVersion: of.groupVersion, items: [] });
    const watched = tank.watch(`${of.collection}?watch=true&${selector}&resourceVersion=${before.metadata.resourceVersion}`);

    const { code, body, text, headers } = tank.create(of.collection, manifest(of, 0, labels));
    const created = done({ code, body, text, headers }, 201);
    if (of.kind === "Endpoints")
      expect(headers.get("Warning")).toBe('299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"');
    expect(created).toMatchObject({ kind: of.kind, apiVersion: of.groupVersion, metadata: { name: first, labels } });
    expect(tank.create(of.collection, manifest(of, 0, labels)).code).toBe(409);
    done(tank.create(of.collection, manifest(of, 1, labels)), 201);
    done(tank.create(of.collection, manifest(of, 2, labels)), 201);
    const { uid, creationTimestamp } = created.metadata;
    expect(done(tank.get(at))).toMatchObject({ kind: of.kind, metadata: { name: first, labels, uid, creationTimestamp } });
    expect(listed(of.collection)).toEqual([first, second, third]);
    expect(listed(of.everywhere)).toEqual([first, second, third]);

    const patched = done(tank.patch(at, "merge", { metadata: { annotations: { patched: "true" } } }));
    expect(patched.metadata.annotations).toMatchObject({ patched: "true" });
    const strategic = done(tank.patch(at, "strategic-merge", { metadata: { labels: { stage: "two" } } }));
    expect(strategic.metadata.labels).toMatchObject({ ...labels, stage: "two" });
    const updated = {
      ...strategic,
      metadata: { ...strategic.metadata, annotations: { ...strategic.metadata.annotations, updated: "true" } },
    };
    expect(done(tank.put(at, updated)).metadata.annotations).toMatchObject({ patched: "true", updated: "true" });
    expect(tank.put(at, updated).code).toBe(409);
    const applied = { apiVersion: of.groupVersion, kind: of.kind, metadata: { annotations: { applied: "true" } } };
    expect(done(tank.patch(`${at}?fieldManager=conformance`, "apply", applied)).metadata.annotations).toMatchObject({
      updated: "true",
      applied: "true",
    });

    if (of.subresources.includes("status")) status();
    if (of.subresources.includes("scale")) scale();

    tank.until(() => eventsOf(watched, first).some(({ object }) => object.metadata.annotations?.applied), "the watch lags");
    const events = eventsOf(watched, first);
    expect(events.map(({ type }) => type).slice(0, 5)).toEqual(["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "MODIFIED"]);

    done(tank.delete(at, { gracePeriodSeconds: 0 }));
    release(first);
    expect(tank.get(at).code).toBe(404);
    tank.until(() => eventsOf(watched, first).at(-1)?.type === "DELETED", "the deletion was not told");
    watched.stop();

    if (of.verbs.includes("deletecollection")) done(tank.delete(`${of.collection}?${selector}`, { gracePeriodSeconds: 0 }));
    else for (const name of [second, third]) done(tank.delete(`${of.collection}/${name}`));
    for (const name of [second, third]) release(name);
    expect(listed(of.everywhere)).toEqual([]);
  });

  /** Takes away what keeps an object that is to go, as the controllers would that are not here. */
  function release(name: string): void {
    const left = tank.get(`${of.collection}/${name}`);
    if (left.code === 404) return;
    expect(left.body.metadata.deletionTimestamp).toBeDefined();
    if (of.kind === "Namespace") done(tank.put(`${of.collection}/${name}/finalize`, { ...left.body, spec: { finalizers: [] } }));
    else done(tank.patch(`${of.collection}/${name}`, "merge", { metadata: { finalizers: null } }));
  }

  /** The status is read, patched and put; of the metadata that is sent along it depends on the kind whether it counts; the spec does not. */
  function status(): void {
    const wanted = statuses[of.key]!;
    const given = done(tank.get(`${at}/status`));
    expect(given).toMatchObject({ kind: of.kind, metadata: { name: first } });
    const annotations = { told: "with the status" };
    const patched = done(tank.patch(`${at}/status`, "merge", { metadata: { annotations }, status: wanted, spec: { nobody: "asks" } }));
    expect(patched.status ?? {}).toMatchObject(wanted);
    expect(patched.spec).toEqual(given.spec);
    expect(patched.metadata.annotations.told).toBe(statusAlone.includes(of.key) ? undefined : "with the status");
    const { metadata, status } = updated(`${at}/status`, (object) => {
      object.metadata.labels.put = "yes";
      // Whoever else writes conditions of the kind keeps those of others.
      for (const [field, value] of Object.entries(wanted))
        expect(object.status[field]).toEqual(Array.isArray(value) ? expect.arrayContaining(value.map(expect.objectContaining)) : value);
    });
    expect(metadata.labels.put).toBe(statusAlone.includes(of.key) || of.kind === "Deployment" ? undefined : "yes");
    expect(metadata.generation).toBe(given.metadata.generation);
    expect(Object.keys(status ?? {})).toEqual(expect.arrayContaining(Object.keys(wanted)));
  }

  /** Reads, changes and puts, as often as somebody else was faster. */
  function updated(path: string, change: (object: Json) => void): Json {
    for (let tries = 0; ; tries++) {
      const object = done(tank.get(path));
      change(object);
      const reply = tank.put(path, object);
      if (reply.code !== 409 || tries === 5) return done(reply);
    }
  }

  function scale(): void {
    const given = done(tank.get(`${at}/scale`));
    expect(given).toMatchObject({ kind: "Scale", apiVersion: "autoscaling/v1", metadata: { name: first }, spec: {} });
    expect(done(tank.put(`${at}/scale`, { ...given, spec: { replicas: 2 } })).spec.replicas).toBe(2);
    expect(done(tank.patch(`${at}/scale`, "merge", { spec: { replicas: 4 } })).spec.replicas).toBe(4);
    expect(done(tank.get(at)).spec.replicas).toBe(4);
  }
});

definitions(tank);
