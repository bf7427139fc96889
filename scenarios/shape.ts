import { readQuantity } from "../protocol/kinds/quantity";
import { type Capacity, type ClusterShape, defaultShape } from "./cluster";
import { knobNamed, knobs, readKnob } from "./knobs";
import { compileSchema, type JsonSchema, recordSchema, unknownName, validatePart } from "./schema";
import type { Path, Problem, SourceDocument } from "./source";

const countSchema = (minimum: number, description: string): JsonSchema => ({ type: "integer", minimum, description });
const quantitySchema: JsonSchema = { type: ["string", "integer"], description: 'a quantity such as "4" or "8Gi"' };

/** The `cluster` part of a scenario; the configuration of `wavetank up` has the same. */
export const clusterSchema: JsonSchema = recordSchema({
  etcd: { enum: [1, 3, 5, 7], description: "members of etcd: 1, 3, 5 or 7" },
  apiServers: countSchema(0, "API servers; without any, etcd stands alone"),
  controllers: countSchema(0, "hosts with a controller manager and a scheduler each, of which one leads"),
  nodes: countSchema(0, "nodes"),
  zones: { type: "integer", minimum: 1, maximum: 26, description: "zones, over which every kind of host is spread" },
  capacity: recordSchema({ cpu: quantitySchema, memory: quantitySchema, pods: quantitySchema, "ephemeral-storage": quantitySchema }),
  metricsServer: { type: "boolean", description: "whether a metrics server runs beside the first controller manager, for `kubectl top`" },
  onlyControllers: { type: "array", items: { type: "string" }, description: "the controllers that run; all where not given" },
  knobs: {
    type: "object",
    description: "time-outs and limits by their flags' names, such as { etcd.election-timeout: 1s }; `list knobs` has them",
  },
});

const validate = compileSchema(clusterSchema);

/** Reads the shape of a cluster at `path` of a document; what is not said there is as in defaultShape. */
export function readShape(
  document: SourceDocument,
  path: Path,
  value: unknown,
): { readonly shape: ClusterShape; readonly problems: readonly Problem[] } {
  const problems = [...validatePart(document, path, value, validate)];
  if (problems.length > 0) return { shape: defaultShape, problems };
  const given = value as Partial<Omit<ClusterShape, "capacity">> & { readonly capacity?: Partial<Record<keyof Capacity, string | number>> };
  const capacity: Record<string, string> = { ...defaultShape.capacity };
  for (const [resource, quantity] of Object.entries(given.capacity ?? {})) {
    capacity[resource] = String(quantity);
    if (!readQuantity(quantity).ok)
      problems.push(
        document.problem([...path, "capacity", resource], `expected a quantity such as "4" or "8Gi", found ${String(quantity)}`),
      );
  }
  const set: Record<string, number | boolean> = {};
  for (const [name, knobValue] of Object.entries(given.knobs ?? {})) {
    const knob = knobNamed(name);
    const at = [...path, "knobs", name];
    if (!knob) {
      problems.push(document.problem(at, unknownKnob(name), "key"));
      continue;
    }
    const read = readKnob(knob, knobValue);
    if ("expected" in read) problems.push(document.problem(at, `expected ${read.expected}, found ${String(knobValue)}`));
    else set[name] = read.value;
  }
  return { shape: { ...defaultShape, ...given, capacity: capacity as unknown as Capacity, knobs: set }, problems };
}

function unknownKnob(name: string): string {
  const component = name.slice(0, name.indexOf("."));
  const near = knobs.filter((knob) => knob.name.startsWith(`${component}.`));
  return unknownName(
    "knob",
    name,
    (near.length > 0 ? near : knobs).map((knob) => knob.name),
  );
}
