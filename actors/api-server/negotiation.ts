import { type Failure, notAcceptable, unsupportedMediaType } from "../../protocol/status";

/**
 * Which form an answer takes and which form a body has, from the Accept and Content-Type headers. Objects are stored and served as
 * JSON; the gateway writes them as protobuf or YAML for whoever prefers these, and then asks for JSON here. A client that accepts nothing
 * of what there is (protobuf alone, of a custom resource) is told so with 406, as Kubernetes' API servers do.
 */

/** One alternative of an Accept header: "application/json;as=Table;v=v1;g=meta.k8s.io;q=0.8". */
export interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** 0 … 1; 0 means that it must not be used. */
  readonly quality: number;
}

/** Parses a media type with its parameters; names are lower-cased, quotes taken off. undefined where there is no type/subtype. */
export function parseMediaType(text: string): MediaRange | undefined {
  const [essence = "", ...rest] = text.split(";").map((part) => part.trim());
  const [type = "", subtype = ""] = essence.toLowerCase().split("/");
  if (type === "" || subtype === "") return undefined;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const at = part.indexOf("=");
    if (at > 0)
      parameters.set(
        part.slice(0, at).trim().toLowerCase(),
        part
          .slice(at + 1)
          .trim()
          .replace(/^"(.*)"$/, "$1"),
      );
  }
  const quality = Number(parameters.get("q") ?? "1");
  parameters.delete("q");
  return { type, subtype, parameters, quality: Number.isFinite(quality) ? Math.min(1, Math.max(0, quality)) : 1 };
}

/** The alternatives of an Accept header, the best liked first; among equals the order of the header stands. */
export function parseAccept(header: string): readonly MediaRange[] {
  return header
    .split(",")
    .map(parseMediaType)
    .filter((range): range is MediaRange => range !== undefined && range.quality > 0)
    .map((range, index) => ({ range, index }))
    .sort((a, b) => b.range.quality - a.range.quality || a.index - b.index)
    .map(({ range }) => range);
}

function matches(range: MediaRange, mediaType: string): boolean {
  const [type, subtype] = mediaType.split("/");
  return (range.type === "*" || range.type === type) && (range.subtype === "*" || range.subtype === subtype);
}

/** The first of the offered media types ("application/json", …) that the best liked alternative matches; undefined where none does. */
export function chooseMediaType(accept: string, offered: readonly string[]): string | undefined {
  if (accept.trim() === "") return offered[0];
  for (const range of parseAccept(accept)) {
    const found = offered.find((mediaType) => matches(range, mediaType));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** In which form objects are sent. */
export type AnswerForm =
  | { readonly as: "Object" }
  | { readonly as: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList"; readonly version: "v1" | "v1beta1" };

const whole: AnswerForm = { as: "Object" };

/** What is answered: one object, a list, or a watch's events (each of which holds one object). */
export type Answer = "object" | "list" | "watch";

/**
 * Chooses the form of an answer that holds API objects. A transformation that is not known (`as=Foo`, another group or version), or
 * that does not fit (PartialObjectMetadata for a list), passes its alternative over; a 406 Status where nothing is left.
 */
export function answerForm(accept: string, answer: Answer): AnswerForm | Failure {
  // What nearly everybody says needs no reading.
  if (accept === "application/json" || accept.trim() === "") return whole;
  for (const range of parseAccept(accept)) {
    if (!matches(range, "application/json")) continue;
    const form = transformation(range, answer);
    if (form !== undefined) return form;
  }
  return notAcceptable(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]);
}

function transformation({ parameters }: MediaRange, answer: Answer): AnswerForm | undefined {
  const as = parameters.get("as");
  if (as === undefined) return { as: "Object" };
  const version = parameters.get("v");
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (as === "Table") return { as, version };
  if (as === "PartialObjectMetadata" && answer !== "list") return { as, version };
  if (as === "PartialObjectMetadataList" && answer === "list") return { as, version };
  return undefined;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

const patchTypes: ReadonlyMap<string, PatchType> = new Map([
  ["application/json-patch+json", "json"],
  ["application/merge-patch+json", "merge"],
  ["application/strategic-merge-patch+json", "strategic"],
  ["application/apply-patch+yaml", "apply"],
]);

/** The media types of patches, for documents and refusals. */
export const patchMediaTypes: readonly string[] = [...patchTypes.keys()];

/** Which kind of patch a body is; a 415 Status for any other Content-Type. */
export function patchType(contentType: string): PatchType | Failure {
  const plain = patchTypes.get(contentType);
  if (plain) return plain;
  const media = parseMediaType(contentType);
  return (media && patchTypes.get(`${media.type}/${media.subtype}`)) ?? unsupportedMediaType(contentType, patchMediaTypes);
}

const bodyTypes = ["application/json", "application/yaml"] as const;

/** Whether the body of a create, update or delete is JSON or YAML; JSON where nothing is said, a 415 Status for anything else. */
export function bodyType(contentType: string): "json" | "yaml" | Failure {
  // What nearly everybody says needs no reading.
  if (contentType === "application/json" || contentType.trim() === "") return "json";
  const media = parseMediaType(contentType);
  if (media?.type === "application" && media.subtype === "json") return "json";
  if (media?.type === "application" && (media.subtype === "yaml" || media.subtype === "x-yaml")) return "yaml";
  return unsupportedMediaType(contentType, bodyTypes);
}
