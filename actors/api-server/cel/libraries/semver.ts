import { fn, type Overload } from "../function";
import { fail, OpaqueValue } from "../values";

/** Kubernetes' functions for semantic versions, `semver("1.2.3").isLessThan(semver("1.10.0"))`. Source: semver.org 2.0.0. */
class Semver extends OpaqueValue {
  readonly typeName = "kubernetes.Semver";
  constructor(
    readonly numbers: readonly [bigint, bigint, bigint],
    readonly pre: readonly string[],
  ) {
    super();
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Semver && compareVersions(this, other) === 0;
  }
}

const number = "(0|[1-9]\\d*)";
const shape = new RegExp(
  `^${number}\\.${number}\\.${number}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);

/** "v1.2", " 01.2.3" made whole: a v in front, missing parts and leading zeros are allowed then. */
function normalized(text: string): string {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(.*)$/.exec(text);
  if (!match) return text;
  const part = (digits: string | undefined) => String(BigInt(digits ?? "0"));
  return `${part(match[1])}.${part(match[2])}.${part(match[3])}${match[4]}`;
}

function readSemver(text: string): Semver | undefined {
  const match = shape.exec(text);
  if (!match) return undefined;
  const pre = match[4]?.split(".") ?? [];
  if (pre.some((part) => /^0\d+$/.test(part))) return undefined;
  return new Semver([BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)], pre);
}

const semverOf = (text: string): Semver =>
  readSemver(text) ?? fail(`Semver parse error during conversion from string: ${JSON.stringify(text)}`);

function compareVersions(a: Semver, b: Semver): number {
  for (const [index, part] of a.numbers.entries()) if (part !== b.numbers[index]!) return part < b.numbers[index]! ? -1 : 1;
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length === 0 ? 0 : a.pre.length === 0 ? 1 : -1;
  for (let index = 0; index < Math.max(a.pre.length, b.pre.length); index++) {
    const [x, y] = [a.pre[index], b.pre[index]];
    if (x === y) continue;
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const [isX, isY] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (isX && isY) return BigInt(x) < BigInt(y) ? -1 : 1;
    if (isX !== isY) return isX ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

const cost = (size: number) => 1 + 0.1 * size;

export const versions: readonly Overload[] = [
  fn("semver(string): kubernetes.Semver", semverOf, cost),
  fn("semver(string, bool): kubernetes.Semver", (text: string, normalize: boolean) => semverOf(normalize ? normalized(text) : text), cost),
  fn("isSemver(string): bool", (text: string) => readSemver(text) !== undefined, cost),
  fn(
    "isSemver(string, bool): bool",
    (text: string, normalize: boolean) => readSemver(normalize ? normalized(text) : text) !== undefined,
    cost,
  ),
  fn("kubernetes.Semver.major(): int", ({ numbers }: Semver) => numbers[0]),
  fn("kubernetes.Semver.minor(): int", ({ numbers }: Semver) => numbers[1]),
  fn("kubernetes.Semver.patch(): int", ({ numbers }: Semver) => numbers[2]),
  fn("kubernetes.Semver.compareTo(kubernetes.Semver): int", (a: Semver, b: Semver) => BigInt(compareVersions(a, b))),
  fn("kubernetes.Semver.isLessThan(kubernetes.Semver): bool", (a: Semver, b: Semver) => compareVersions(a, b) < 0),
  fn("kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool", (a: Semver, b: Semver) => compareVersions(a, b) > 0),
];
