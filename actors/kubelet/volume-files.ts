import type { CriFile } from "../../protocol/cri";
import type {
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Pod,
  ServiceAccountTokenProjection,
  Volume,
  VolumeMount,
} from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { absolute, pathBytesMax, withoutTrailingSlashes } from "../../protocol/paths";
import { expandReferences, type NodeFacts, type ReferencedData, type Values, valueFromSource } from "./environment";
import { type PodToken, tokenMode } from "./pod-token";

/** A file as a container finds it: where, what is in it, and its permission bits. */
export type GivenFile = CriFile;

/** What a volume holds by path within it, "a/b". */
type Content = ReadonlyMap<string, readonly [content: string | Uint8Array, mode: number]>;

/** A token that a volume shows; `key` is its place among its pod's. */
interface TokenSource {
  readonly volume: string;
  readonly key: string;
  readonly source: ServiceAccountTokenProjection;
}

export function tokenSources({ spec }: Pod): readonly TokenSource[] {
  return (spec?.volumes ?? []).flatMap(({ name: volume, projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken: source }) =>
      source ? [{ volume, key: `${volume}/${source.path}`, source }] : [],
    ),
  );
}

const defaultFileMode = 0o644;
const noTokens: ReadonlyMap<string, PodToken> = new Map();

/** So many files, and so many characters in all of them, a container is given and no more: as much as may be written into one. */
const [filesMax, charactersMax] = [10_000, 32 * 1024 * 1024];

/**
 * The files that a container's mounts of ConfigMaps, Secrets, the downward API and of projections of these show, as they are now.
 * Other volumes hold nothing, nor does one with a token of the pod that is not among `tokens`. A text says why they cannot be made. Sources: "Configure a Pod to Use a ConfigMap", "Projected Volumes",
 * "Volumes: using subPath".
 */
export function volumeFiles(
  container: Container,
  pod: Stored<Pod>,
  data: ReferencedData,
  node: NodeFacts,
  environment: readonly (readonly [string, string])[],
  tokens: ReadonlyMap<string, PodToken> = noTokens,
): readonly GivenFile[] | string {
  const files = new Map<string, GivenFile>();
  const variables = new Map(environment);
  const contents = new Map<string, Content | undefined>();
  let characters = 0;
  for (const mount of container.volumeMounts ?? []) {
    if (!contents.has(mount.name)) {
      const volume = pod.spec?.volumes?.find(({ name }) => name === mount.name);
      contents.set(mount.name, volume && readableByGroup(contentOf(volume, container, pod, data, node, tokens), pod));
    }
    const content = contents.get(mount.name);
    for (const [written, text, mode] of content ? mounted(mount, content, variables) : []) {
      if (written.length > pathBytesMax) return `mount ${shown(mount.mountPath)}: file name too long`;
      const path = absolute(written);
      if (path === "/") return `mount ${shown(mount.mountPath)}: is a directory`;
      characters += path.length + text.length;
      if (files.size >= filesMax || characters > charactersMax) return `mount ${shown(mount.mountPath)}: no space left on device`;
      files.set(path, [path, text, mode]);
    }
  }
  return [...files.values()];
}

/** What of a container's files never changes while it runs: what a subPath shows. Absent where there is nothing of it. */
export function fixedFiles(
  container: Container,
  pod: Stored<Pod>,
  data: ReferencedData,
  node: NodeFacts,
  environment: readonly (readonly [string, string])[],
): readonly GivenFile[] | undefined {
  const parts = container.volumeMounts?.filter(({ subPath, subPathExpr }) => subPath || subPathExpr) ?? [];
  const files = parts.length > 0 ? volumeFiles({ ...container, volumeMounts: parts }, pod, data, node, environment) : [];
  return typeof files === "string" || files.length === 0 ? undefined : files;
}

const shown = (path: string) => JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);

/**
 * Why a container's mounts cannot be made as they are: a subPathExpr that, filled in, names what is not known or leads out of its volume; undefined where
 * nothing is wrong. A variable that is empty counts as not known. Messages: the kubelet's own.
 */
export function wrongWithSubPaths(
  { volumeMounts = [] }: Container,
  environment: readonly (readonly [string, string])[],
): string | undefined {
  const variables = new Map(environment);
  for (const { subPathExpr } of volumeMounts) {
    if (!subPathExpr) continue;
    const names = [...subPathExpr.matchAll(/\$(?:\$|\(([^()]*)\))/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
    const missing = [...new Set(names.filter((name) => !variables.get(name)))].sort();
    if (missing.length > 0) return `missing value for ${missing.join(", ")}`;
    const path = expandReferences(subPathExpr, variables);
    if (path.startsWith("/")) return `error SubPath \`${path}\` must not be an absolute path`;
    if (path.split("/").includes("..")) return `unable to provision SubPath \`${path}\`: must not contain '..'`;
  }
  return undefined;
}

/** The whole volume below the mount's path, or what lies at its subPath: a file at that very path, or a directory. */
function mounted(
  { mountPath, subPath, subPathExpr }: VolumeMount,
  content: Content,
  variables: ReadonlyMap<string, string>,
): readonly GivenFile[] {
  const base = withoutTrailingSlashes(mountPath);
  const below = withoutTrailingSlashes(subPathExpr === undefined ? (subPath ?? "") : expandReferences(subPathExpr, variables));
  if (below === "") return [...content].map(([path, [text, mode]]) => [`${base}/${path}`, text, mode]);
  const single = content.get(below);
  if (single) return [[base, ...single]];
  return [...content].flatMap(([path, [text, mode]]): GivenFile[] =>
    path.startsWith(`${below}/`) ? [[`${base}/${path.slice(below.length + 1)}`, text, mode]] : [],
  );
}

/** With fsGroup all can be read by that group. */
function readableByGroup(content: Content | undefined, pod: Stored<Pod>): Content | undefined {
  if (!content || pod.spec?.securityContext?.fsGroup === undefined) return content;
  return new Map([...content].map(([path, [bytes, mode]]) => [path, [bytes, mode | 0o440]]));
}

function contentOf(
  volume: Volume,
  container: Container,
  pod: Stored<Pod>,
  data: ReferencedData,
  node: NodeFacts,
  tokens: ReadonlyMap<string, PodToken>,
): Content | undefined {
  const { configMap, secret, downwardAPI, projected } = volume;
  const told = (items: readonly DownwardAPIVolumeFile[] | undefined, mode: number | undefined): Content =>
    new Map((items ?? []).map((item) => [item.path, [toldBy(item, container, pod, data, node), item.mode ?? mode ?? defaultFileMode]]));
  if (configMap) return chosen(data(`configmap/${configMap.name}`), configMap.items, configMap.defaultMode);
  if (secret) return chosen(data(`secret/${secret.secretName}`), secret.items, secret.defaultMode);
  if (downwardAPI) return told(downwardAPI.items, downwardAPI.defaultMode);
  if (!projected) return undefined;
  const { sources = [], defaultMode: mode = defaultFileMode } = projected;
  const own = tokenSources(pod).filter((one) => one.volume === volume.name);
  if (!own.every(({ key }) => tokens.has(key))) return undefined;
  return new Map(
    sources.flatMap((source) => [
      ...(source.configMap ? chosen(data(`configmap/${source.configMap.name}`), source.configMap.items, mode) : []),
      ...(source.secret ? chosen(data(`secret/${source.secret.name}`), source.secret.items, mode) : []),
      ...(source.downwardAPI ? told(source.downwardAPI.items, mode) : []),
      ...(source.serviceAccountToken
        ? [
            [
              source.serviceAccountToken.path,
              [tokens.get(`${volume.name}/${source.serviceAccountToken.path}`)!.token, tokenMode(pod, mode)],
            ] as const,
          ]
        : []),
    ]),
  );
}

/** Every key as a file, or those that are named, under their paths; nothing of an object that may be missing and is. */
function chosen(values: Values | undefined, items: readonly KeyToPath[] | undefined, mode = defaultFileMode): Content {
  if (!values) return new Map();
  if (!items?.length) return new Map([...values].map(([key, value]) => [key, [value, mode]]));
  return new Map(
    items.flatMap(({ key, path, mode: own }) => {
      const value = values.get(key);
      return value === undefined ? [] : [[path, [value, own ?? mode]] as const];
    }),
  );
}

/** All labels or annotations are lines of `key="value"`, by key. */
function toldBy(item: DownwardAPIVolumeFile, container: Container, pod: Stored<Pod>, data: ReferencedData, node: NodeFacts): string {
  const map = /^metadata\.(labels|annotations)$/.exec(item.fieldRef?.fieldPath ?? "")?.[1] as "labels" | "annotations" | undefined;
  if (map === undefined) return valueFromSource(item, container, pod, data, node) ?? "";
  const entries = Object.entries(pod.metadata[map] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join("\n");
}
