import { parseDurationMs } from "../../protocol/kinds/duration";
import { compileSchema, durationSchema, type JsonSchema, percentSchema, recordSchema, unknownName, validatePart } from "../schema";
import { type Problem, readDocuments, type Source, type SourceDocument } from "../source";

/** What must hold of a Service in every run of a storm. */
export interface Objective {
  /** Percent of the requests that must succeed. */
  readonly availability: number;
  /** The longest that all requests may fail. */
  readonly longestOutageMs: number;
  /** The longest that some requests may go on failing. */
  readonly recoveryMs: number;
  /** Whether drains of the nodes of its pods must come to their end. */
  readonly drains: boolean;
}

/** How requests reach a Service, where that is not its first port and "/". */
export interface RequestOptions {
  readonly port?: number;
  readonly path?: string;
}

type Partial_ = Partial<Objective>;

/** What is asked of Services: for all, by storm, by Service, and by both; the more particular wins. */
export interface Objectives {
  readonly defaults: Objective;
  readonly storms: ReadonlyMap<string, Partial_>;
  readonly services: ReadonlyMap<string, Partial_>;
  /** By Service and storm, "shop/web zone-lost". */
  readonly both: ReadonlyMap<string, Partial_>;
  readonly requests: ReadonlyMap<string, RequestOptions>;
}

/** What must hold where nobody says so: nine requests of ten, no silence of more than half a minute, and two minutes until all is well again. */
export const defaultObjective: Objective = { availability: 90, longestOutageMs: 30_000, recoveryMs: 120_000, drains: true };

export const defaultObjectives: Objectives = {
  defaults: defaultObjective,
  storms: new Map(),
  services: new Map(),
  both: new Map(),
  requests: new Map(),
};

/** The objective of a Service in a storm. */
export function objectiveIn({ defaults, storms, services, both }: Objectives, service: string, storm: string): Objective {
  return { ...defaults, ...storms.get(storm), ...services.get(service), ...both.get(`${service} ${storm}`) };
}

const objectiveFields: Readonly<Record<string, JsonSchema>> = {
  availability: { ...percentSchema, description: 'the share of requests that must succeed in each storm, such as "99.5%"' },
  longestOutage: { ...durationSchema, description: 'the longest time in which no request succeeds, such as "5s"' },
  recovery: { ...durationSchema, description: 'the longest time in which some requests go on failing, such as "1m"' },
  drains: { type: "boolean", description: "whether drains of its nodes must come to their end" },
};
const requestFields: Readonly<Record<string, JsonSchema>> = {
  port: { type: "integer", minimum: 1, maximum: 65_535, description: "the Service's port that requests go to; its first where not given" },
  path: { type: "string", pattern: "^/", description: "the path of requests, such as /orders" },
};
const stormsField: JsonSchema = { type: "object", description: "objectives by the names of storms" };

const schema = recordSchema({
  // These make the file an empty List to kubectl, so that it may lie beside the manifests.
  apiVersion: { const: "v1" },
  kind: { const: "List" },
  items: { type: "array", maxItems: 0 },
  defaults: { type: "object", description: "what must hold of every Service in every storm" },
  storms: stormsField,
  services: { type: "object", description: 'objectives by Service, "namespace/name"' },
});
const validate = compileSchema(schema);
const validateObjective = compileSchema(recordSchema(objectiveFields));
const validateService = compileSchema(recordSchema({ ...objectiveFields, ...requestFields, storms: stormsField }));

type Json = Readonly<Record<string, unknown>>;

/** Reads the file of `--slo`. Names of Services, their ports and the names of storms are held against those there are; no ports means any. */
export function readObjectives(
  source: Source,
  services: ReadonlyMap<string, readonly number[]>,
  storms: readonly string[],
): { readonly objectives: Objectives; readonly problems: readonly Problem[] } {
  const { documents, problems: broken } = readDocuments(source, "1.2");
  const [document, another] = documents;
  if (broken.length > 0) return { objectives: defaultObjectives, problems: broken };
  const nowhere = (message: string): Problem => ({ file: source.file, line: 1, column: 1, path: "$", message });
  if (!document)
    return {
      objectives: defaultObjectives,
      problems: [nowhere("the file is empty: expected objectives, such as `defaults: { availability: 99% }`")],
    };
  if (another) return { objectives: defaultObjectives, problems: [another.problem([], "expected one document")] };
  return new Reader(document, services, storms).read();
}

class Reader {
  private readonly problems: Problem[] = [];

  constructor(
    private readonly document: SourceDocument,
    private readonly services: ReadonlyMap<string, readonly number[]>,
    private readonly storms: readonly string[],
  ) {}

  read(): { readonly objectives: Objectives; readonly problems: readonly Problem[] } {
    this.problems.push(...validatePart(this.document, [], this.document.value, validate));
    if (this.problems.length > 0) return { objectives: defaultObjectives, problems: this.problems };
    const file = this.document.value as { readonly defaults?: Json; readonly storms?: Json; readonly services?: Json };
    const defaults = { ...defaultObjective, ...this.objective(file.defaults ?? {}, ["defaults"], validateObjective) };
    const storms = this.byStorm(file.storms, ["storms"]);
    const services = new Map<string, Partial_>();
    const both = new Map<string, Partial_>();
    const requests = new Map<string, RequestOptions>();
    for (const [service, value] of Object.entries(file.services ?? {})) {
      const path = ["services", service];
      const ports = this.services.get(service);
      if (!ports) {
        const known = [...this.services.keys()];
        const message = known.length === 0 ? `there is no Service "${service}"` : unknownName("Service", service, known);
        this.problems.push(this.document.problem(path, message, "key"));
        continue;
      }
      services.set(service, this.objective(value as Json, path, validateService));
      const { port, path: requestPath, storms: own } = value as RequestOptions & { readonly storms?: Json };
      if (port !== undefined && ports.length > 0 && !ports.includes(port))
        this.problems.push(
          this.document.problem([...path, "port"], `expected a port of the Service, ${ports.join(" or ")}, found ${port}`),
        );
      requests.set(service, { ...(port === undefined ? {} : { port }), ...(requestPath === undefined ? {} : { path: requestPath }) });
      for (const [storm, objective] of this.byStorm(own, [...path, "storms"])) both.set(`${service} ${storm}`, objective);
    }
    return { objectives: { defaults, storms, services, both, requests }, problems: this.problems };
  }

  private byStorm(part: Json | undefined, path: readonly string[]): ReadonlyMap<string, Partial_> {
    const found = new Map<string, Partial_>();
    if (typeof part !== "object") return found;
    for (const [storm, value] of Object.entries(part)) {
      if (this.storms.includes(storm)) found.set(storm, this.objective(value as Json, [...path, storm], validateObjective));
      else this.problems.push(this.document.problem([...path, storm], unknownName("storm", storm, this.storms), "key"));
    }
    return found;
  }

  private objective(value: Json, path: readonly string[], by: typeof validate): Partial_ {
    const wrong = validatePart(this.document, path, value, by);
    this.problems.push(...wrong);
    if (wrong.length > 0) return {};
    const { availability, longestOutage, recovery, drains } = value;
    return {
      ...(availability === undefined ? {} : { availability: Number(String(availability).replace("%", "")) }),
      ...(longestOutage === undefined ? {} : { longestOutageMs: parseDurationMs(String(longestOutage))! }),
      ...(recovery === undefined ? {} : { recoveryMs: parseDurationMs(String(recovery))! }),
      ...(drains === undefined ? {} : { drains: drains === true }),
    };
  }
}
