import type { OperatorConfig } from "../actors/operator/operator";
import { type Address, address } from "../protocol/address";
import type { HostPlan } from "./cluster";
import type { Complaints } from "./language/complaints";
import { type JsonSchema, nameSchema, recordSchema } from "./schema";
import type { Path } from "./source";
import type { Params } from "./workloads/workload";

/** An operator of the user's own, a TypeScript or JavaScript module that runs as an actor beside the cluster. */
export interface OperatorPlan {
  readonly name: string;
  /** The module, relative to the scenario file. */
  readonly file: string;
  readonly replicas: number;
  readonly leaderElection: boolean;
  readonly namespace: string;
  /** "namespace/name": who it is to the API servers; without one it may do everything. */
  readonly serviceAccount?: string;
  readonly with: Readonly<Record<string, unknown>>;
  /** Where it stands in the scenario file. */
  readonly path: Path;
}

const recordOf: JsonSchema = recordSchema(
  {
    file: { type: "string", minLength: 1, description: "the module, relative to the scenario file" },
    name: nameSchema("its name; the file's where not given"),
    replicas: {
      type: "integer",
      minimum: 1,
      maximum: 9,
      description: "how many of it there are, each on a host of its own; 1 where not given",
    },
    leaderElection: {
      type: "boolean",
      description: "whether only the one acts that holds the Lease of its name; where not given it is so for more than one",
    },
    namespace: { type: "string", minLength: 1, description: 'where its Lease is; "kube-system" where not given' },
    serviceAccount: {
      type: "string",
      pattern: "^[a-z0-9.-]+/[a-z0-9.-]+$",
      description:
        'a ServiceAccount among the manifests, "namespace/name": it may do what Roles are bound to that; everything where not given',
    },
    with: { type: "object", description: "what the module's function is given as config.with" },
  },
  ["file"],
);

const one: JsonSchema = { anyOf: [{ type: "string", minLength: 1 }, recordOf] };

/** The `operator` part of a scenario file: one, or a list of several. */
export const operatorSchema: JsonSchema = {
  anyOf: [...(one.anyOf as readonly JsonSchema[]), { type: "array", items: one, minItems: 1 }],
  description:
    "an operator of your own: a file such as ./operator.ts, a record with file, name, replicas, leaderElection, with, or a list of these",
};

/** Reads the `operator` part; what is wrong is noted. */
export function readOperators(value: unknown, complaints: Complaints): readonly OperatorPlan[] {
  if (value === undefined) return [];
  const isList = Array.isArray(value);
  const read: OperatorPlan[] = [];
  for (const [i, given] of (isList ? (value as readonly unknown[]) : [value]).entries()) {
    const path: Path = isList ? ["operator", i] : ["operator"];
    const params: Params = typeof given === "string" ? { file: given } : (given as Params);
    const file = String(params.file);
    const name = params.name === undefined ? nameOf(file) : String(params.name);
    if (name === "")
      complaints.complain(path, `no name can be made of "${file}": expected one of lower case letters, digits and dashes under \`name\``);
    if (read.some((other) => other.name === name))
      complaints.complain(path, `there is an operator "${name}" already: expected another \`name\``);
    const replicas = (params.replicas as number | undefined) ?? 1;
    read.push({
      ...{ name, file, replicas, path },
      leaderElection: (params.leaderElection as boolean | undefined) ?? replicas > 1,
      namespace: String(params.namespace ?? "kube-system"),
      ...(params.serviceAccount === undefined ? {} : { serviceAccount: String(params.serviceAccount) }),
      with: (params.with as Params | undefined) ?? {},
    });
  }
  return read;
}

/** "database-operator" of "./src/database_operator.ts". */
function nameOf(file: string): string {
  const base = file.slice(file.lastIndexOf("/") + 1).replace(/\.[^.]*$/, "");
  return base
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
}

/** The names of an operator's replicas. */
const instancesOf = ({ name, replicas }: OperatorPlan): readonly string[] =>
  replicas > 1 ? Array.from({ length: replicas }, (_, i) => `${name}-${i}`) : [name];

/** Under which service accounts operators run, by their addresses; those that are not named are members of system:masters. */
export function operatorAccounts(operators: readonly OperatorPlan[]): Readonly<Record<Address, string>> {
  const named = operators.flatMap((operator) =>
    operator.serviceAccount === undefined
      ? []
      : instancesOf(operator).map((instance) => [address("operator", instance), operator.serviceAccount!] as const),
  );
  return Object.fromEntries(named);
}

/** The hosts of the operators, over the zones in turn: `operator-NAME` with the actor `operator/NAME`, each with a number behind it where there are several. */
export function operatorHosts(
  operators: readonly OperatorPlan[],
  apiServers: readonly Address[],
  zone: (index: number) => string,
  knobs: OperatorConfig["knobs"],
): readonly HostPlan[] {
  return operators.flatMap((operator) =>
    Array.from({ length: operator.replicas }, (_, i): HostPlan => {
      const { name, file, leaderElection, namespace } = operator;
      const instance = instancesOf(operator)[i]!;
      const prefer = apiServers.map((_, k) => apiServers[(k + i) % apiServers.length]!);
      const config: OperatorConfig = { name, program: file, apiServers: prefer, leaderElection, namespace, with: operator.with, knobs };
      return {
        name: `operator-${instance}`,
        zone: zone(i),
        role: "operator",
        actors: [{ address: address("operator", instance), config: { ...config } }],
      };
    }),
  );
}
