import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadScenario, prepare } from "../../cli/load";
import { cutAt, findCuts, simulate } from "../../cli/simulate";

const folder = mkdtempSync(join(tmpdir(), "wavetank-operator-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const good = "examples/operator/database.ts";
/** What becomes of the runs of a plan whose cuts match, with this version of the operator. */
async function verdicts(scenario: string, operator: string | undefined, wanted: RegExp): Promise<readonly string[]> {
  const loaded = loadScenario(scenario, { operator });
  const { all, chosen, reference } = await findCuts(loaded, loaded.scenario.cuts!, { seed: 1, keepTraceLines: 0 });
  expect(reference.result.verdict).toBe("held");
  expect(chosen).toHaveLength(all);
  const cuts = chosen.filter(({ what }) => wanted.test(what));
  expect(cuts).not.toHaveLength(0);
  const found: string[] = [];
  for (const cut of cuts) {
    const { result } = await simulate(cutAt(loaded, cut), { seed: 1, keepTraceLines: 0 });
    const wrong = result.checks.filter(({ verdict }) => verdict === "violated").map(({ name }) => name);
    found.push(`${cut.what}: ${wrong.join(", ") || "held"}`);
  }
  return found;
}

describe("a plan over an operator's own steps finds", () => {
  it("a Database that stays half made, where the first part stands for all of them", async () => {
    expect(await verdicts("examples/operator/crash.yaml", undefined, /^create services/)).toEqual([
      "create services shop: same-as-reference",
    ]);
  });

  it("parts that stay for ever, where what was deleted while the operator was down is missed", async () => {
    expect(await verdicts("examples/operator/missed.yaml", undefined, /^DELETED/)).toEqual([
      "DELETED Database shop/orders: same-as-reference",
    ]);
  });

  it("nothing, where each look makes up for what was not done and parts have their owner", async () => {
    expect(await verdicts("examples/operator/crash.yaml", good, /^create services/)).toEqual(["create services shop: held"]);
    expect(await verdicts("examples/operator/missed.yaml", good, /^DELETED/)).toEqual(["DELETED Database shop/orders: held"]);
  });
});

const small = "cluster: { etcd: 1, apiServers: 1, controllers: 1, nodes: 0 }\nsettle: 40s\ncalm: { within: 60s, stay: 3s }\n";

/** Counts its lives in a variable and on its disk, and says both in a ConfigMap. */
const counting = `
import { type Actor, ApiClient, configMaps, type OperatorConfig } from "wavetank";
let livesInMemory = 0;
interface State { readonly client: ApiClient<State>; readonly name: string; lives: string }
const actor: Pick<Actor<OperatorConfig, State>, "start" | "receive"> = {
  start(config, ctx, recovered) {
    livesInMemory++;
    const onDisk = (recovered.logs.get("lives")?.records.length ?? 0) + 1;
    const state: State = { client: new ApiClient<State>({ apiServers: config.apiServers, userAgent: "counting" }), name: String(config.with.name), lives: "" };
    ctx.persist([{ type: "append", log: "lives", records: [new Uint8Array([1])] }], { token: \`\${livesInMemory}/\${onDisk}\` });
    return state;
  },
  receive(state, input, ctx) {
    if (input.type === "persisted") {
      state.lives = input.token.replace("/", "-");
      ctx.setTimer("say", 2000);
    }
    if (input.type !== "timer" || state.client.onTimer(input.name, ctx)) return undefined;
    const object = { metadata: { namespace: "default", name: \`\${state.name}-\${state.lives}\` } };
    state.client.create(ctx, configMaps, "default", object, (_state, result, later) => {
      if (!result.ok) later.setTimer("say", 1000);
      return undefined;
    });
    return undefined;
  },
};
export default actor;
`;

/** Makes a ConfigMap where it may and one where it may not, and one that is named after the answer to that. */
const asking = `
import { ApiClient, configMaps } from "wavetank";
const make = (state, ctx, namespace, name, then) =>
  state.client.create(ctx, configMaps, namespace, { metadata: { namespace, name } }, (s, result, later) => {
    if (!result.ok && name === "asked" && namespace === "default" && result.status.code !== 409) later.setTimer("ask", 500);
    else then(s, result, later);
    return undefined;
  });
export default {
  start(config, ctx) {
    ctx.setTimer("ask", 500);
    return { client: new ApiClient({ apiServers: config.apiServers, userAgent: "asking" }) };
  },
  receive(state, input, ctx) {
    if (input.type !== "timer" || state.client.onTimer(input.name, ctx)) return undefined;
    make(state, ctx, "default", "asked", (s, _result, later) =>
      make(s, later, "kube-public", "asked", (again, result, last) =>
        make(again, last, "default", "asked-" + (result.ok ? 201 : result.status.code), () => undefined)));
    return undefined;
  },
};
`;
const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: { name: asking, namespace: default }\n";
const access = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: asking, namespace: default }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [create] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: asking, namespace: default }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: asking }
subjects: [{ kind: ServiceAccount, name: asking, namespace: default }]
`;

describe("an operator of the user's own", () => {
  it("may be a step function of the actor contract: a crash takes its memory and the module's variables, and leaves its disk", async () => {
    file("counting.ts", counting);
    const scenario = file(
      "counting.yaml",
      `name: counting\n${small}operator: { file: ./counting.ts, with: { name: lives } }\nstorm:\n  - { at: 1s, fault: crash-actor, target: { role: operator }, for: 1s }\nstormFor: 8s\nexpect: [convergence]\n`,
    );
    const names: string[] = [];
    const { result } = await simulate(loadScenario(scenario), {
      seed: 1,
      onEvent: (event) => void (event.type === "object" && /^ConfigMap default\/lives/.test(event.id) && names.push(event.id)),
    });
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect(names).toEqual(["ConfigMap default/lives-1-1", "ConfigMap default/lives-1-2"]);
  });

  it("may do under its ServiceAccount what Roles of the manifests are bound to that, and is refused all else", async () => {
    file("asking.ts", asking);
    file("account.yaml", account);
    file("access.yaml", access);
    const withAccess = (manifests: string) =>
      file(
        "asking.yaml",
        `name: asking\n${small}operator: { file: ./asking.ts, serviceAccount: default/asking }\nmanifests: [${manifests}]\nstormFor: 8s\nexpect: [convergence]\n`,
      );
    const made: string[] = [];
    await simulate(loadScenario(withAccess("account.yaml, access.yaml")), {
      seed: 1,
      onEvent: (event) => void (event.type === "object" && /^ConfigMap .*asked/.test(event.id) && made.push(event.id)),
    });
    expect(made).toEqual(["ConfigMap default/asked", "ConfigMap default/asked-403"]);
    expect(() => loadScenario(withAccess("access.yaml"))).toThrow(
      /\$\.operator: there is no ServiceAccount "default\/asking" in the manifests/,
    );
    expect(() => loadScenario(withAccess("account.yaml"))).toThrow(/every request of the operator would be forbidden/);
  });

  it("has one replica that acts, by a Lease, and another takes over from one whose host died", async () => {
    file(
      "leading.ts",
      `import { create, configMaps, namespaces, watch } from "wavetank";
export default (config) => ({
  name: "leading",
  watches: [watch(namespaces, ({ metadata }) => [metadata.name]), watch(configMaps, ({ metadata }) => metadata.name === "seen" ? [metadata.namespace] : [])],
  reconcile: (key, view) => ({ steps: view.of(configMaps).get(key + "/seen") ? [] : [create(configMaps, { metadata: { namespace: key, name: "seen" }, data: { by: config.name } })] }),
});`,
    );
    file("more.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: { name: more }\n");
    const scenario = file(
      "leading.yaml",
      `name: leading\n${small}operator: { file: ./leading.ts, replicas: 2 }\nstorm:\n  - { at: 1s, fault: crash, target: { role: operator, is: leader }, for: 40s }\n  - { at: 25s, action: apply, files: [more.yaml] }\nstormFor: 45s\nexpect: [one-acting-leader, convergence]\n`,
    );
    const leaders: string[] = [];
    let [act, made] = ["", ""];
    const { result } = await simulate(loadScenario(scenario), {
      seed: 1,
      onEvent(event) {
        if (event.type === "fact" && event.fact.kind === "leader.elected" && event.fact.lease === "leading") leaders.push(event.actor);
        if (event.type === "object" && event.id === "ConfigMap more/seen") made = act;
        if (event.type === "act") act = event.act;
      },
    });
    expect(result.checks.filter(({ verdict }) => verdict === "violated")).toEqual([]);
    expect([...leaders].sort()).toEqual(["operator/leading-0", "operator/leading-1"]);
    expect(made).toBe("storm");
  });

  it("replays from what was compiled, without its source", async () => {
    file(
      "idle.ts",
      'import { namespaces, watch } from "wavetank";\nexport default { name: "idle", watches: [watch(namespaces, () => [])], reconcile: () => ({ steps: [] }) };',
    );
    const loaded = loadScenario(file("idle.yaml", `name: idle\n${small}operator: ./idle.ts\nexpect: [convergence]\n`));
    rmSync(join(folder, "idle.ts"));
    const [first, second] = [
      await simulate(loaded, { seed: 3 }),
      await simulate(prepare(JSON.parse(JSON.stringify(loaded.bundle))), { seed: 3 }),
    ];
    expect(second.result.traceHash).toBe(first.result.traceHash);
  });
});

describe("an operator that cannot run is refused before anything runs", () => {
  const withOperator = (name: string, code: string, operator = `./${name}.ts`) => {
    file(`${name}.ts`, code);
    return () => loadScenario(file(`${name}.yaml`, `name: x\n${small}operator: ${operator}\nexpect: [convergence]\n`));
  };

  it.each([
    ["a file that there is not", "a", "export default {}", "./b.ts", /a\.yaml:5:11: \$\.operator: no such file: .*b\.ts/],
    [
      "an import of the real world",
      "fs",
      'import { readFileSync } from "node:fs";\nexport default readFileSync;',
      undefined,
      /fs\.ts:1:30: an operator may not import "fs"/,
    ],
    ["what does not compile", "broken", "export default {", undefined, /broken\.ts:1:17: Expected identifier but found end of file/],
    [
      "no default export",
      "none",
      "export const x = 1;",
      undefined,
      /\$\.operator: .*none\.ts: expected the module's default export to be a controller .*found none/,
    ],
    [
      "a controller without reconcile",
      "half",
      'export default { name: "x", watches: [{}] };',
      undefined,
      /the controller "x" has no function reconcile/,
    ],
    ["a module that throws", "throws", 'throw new Error("no way");', undefined, /throws\.ts cannot be loaded: no way/],
    ["an unknown field", "field", "export default {}", "{ file: ./field.ts, replica: 2 }", /\$\.operator/],
  ])("%s", (_, name, code, operator, said) => {
    expect(withOperator(name, code, operator)).toThrow(said);
  });

  it("another operator for a scenario that has none", () => {
    const path = file("plain.yaml", `name: plain\n${small}expect: [convergence]\n`);
    expect(() => loadScenario(path, { operator: "x.ts" })).toThrow(/--operator: .*plain\.yaml has no `operator`: expected exactly one/);
  });
});
