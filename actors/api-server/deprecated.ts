import type { Kind } from "../../protocol/kinds/registry";
import { deprecationOf } from "./custom-resources/deprecation";

/** Built-in kinds of stable versions that are deprecated all the same, by the name of their type, with what clients are told. ComponentStatuses say it themselves. */
const builtIn: ReadonlyMap<string, string> = new Map([
  ["io.k8s.api.core.v1.Endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"],
]);

/** The warning for whoever uses a kind that is deprecated; undefined for others. */
export function deprecationWarning(kind: Kind): string | undefined {
  return kind.custom ? deprecationOf(kind) : builtIn.get(kind.definition);
}
