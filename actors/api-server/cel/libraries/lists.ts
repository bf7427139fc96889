import { fn, type Overload } from "../function";
import { type CelValue, compare, Duration, equal, fail, Uint } from "../values";
import { checkedDuration, checkedInt, checkedUint } from "./operators";

/** Kubernetes' functions for lists, CEL's for sets, and ranges. */

const items = (size: number) => 1 + size;
const pairs = (a: number, b: number) => 1 + a * b;

type Values = readonly CelValue[];

function isSorted(list: Values): boolean {
  return list.every((item, index) => index === 0 || (compare(list[index - 1]!, item) ?? fail("no such overload")) <= 0);
}

const best = (sign: 1 | -1, name: string) => (list: Values) => {
  if (list.length === 0) return fail(`${name} called on empty list`);
  return list.reduce((found, item) => ((compare(item, found) ?? fail("no such overload")) * sign > 0 ? item : found));
};

const indexOf = (list: Values, value: CelValue) => BigInt(list.findIndex((item) => equal(item, value)));
const lastIndexOf = (list: Values, value: CelValue) => BigInt(list.findLastIndex((item) => equal(item, value)));

const comparable = ["int", "uint", "double", "bool", "string", "bytes", "duration", "timestamp"];

export const lists: readonly Overload[] = [
  ...comparable.flatMap((type) => [
    fn(`list<${type}>.isSorted(): bool`, isSorted, items),
    fn(`list<${type}>.min(): ${type}`, best(-1, "min"), items),
    fn(`list<${type}>.max(): ${type}`, best(1, "max"), items),
  ]),
  fn("list<int>.sum(): int", (list: readonly bigint[]) => list.reduce((all, item) => checkedInt(all + item), 0n), items),
  fn(
    "list<uint>.sum(): uint",
    (list: readonly Uint[]) => list.reduce((all, item) => checkedUint(all.value + item.value), new Uint(0n)),
    items,
  ),
  fn("list<double>.sum(): double", (list: readonly number[]) => list.reduce((all, item) => all + item, 0), items),
  fn(
    "list<duration>.sum(): duration",
    (list: readonly Duration[]) => list.reduce((all, item) => checkedDuration(all.nanos + item.nanos), new Duration(0n)),
    items,
  ),
  fn("list<T>.indexOf(T): int", indexOf, items),
  fn("list<T>.lastIndexOf(T): int", lastIndexOf, items),
  fn(
    "list<T>.slice(int, int): list<T>",
    (list: Values, from: bigint, to: bigint) => {
      if (from < 0n || to < 0n) fail(`cannot slice(${from}, ${to}), negative indexes not supported`);
      if (from > to) fail(`cannot slice(${from}, ${to}), start index must be less than or equal to end index`);
      if (to > BigInt(list.length)) fail(`cannot slice(${from}, ${to}), list is length ${list.length}`);
      return list.slice(Number(from), Number(to));
    },
    items,
  ),
  fn(
    "list<T>.distinct(): list<T>",
    (list: Values) => list.filter((item, index) => list.findIndex((other) => equal(other, item)) === index),
    (size) => 1 + size * size,
  ),
  fn("list<T>.reverse(): list<T>", (list: Values) => [...list].reverse(), items),
  fn(
    "list<T>.sort(): list<T>",
    (list: Values) => [...list].sort((a, b) => compare(a, b) ?? fail("no such overload")),
    (size) => 1 + size * Math.max(1, Math.log2(size || 1)),
  ),
  fn("list<list<T>>.flatten(): list<T>", (list: readonly Values[]) => list.flat(1) as Values, items),
  fn(
    "lists.range(int): list<int>",
    (count: bigint) => {
      if (count > 10_000n) fail(`range is too long: ${count}`);
      return Array.from({ length: Math.max(0, Number(count)) }, (_, index) => BigInt(index));
    },
    () => 1_000,
  ),
];

const within = (list: Values, other: Values) => list.every((item) => other.some((each) => equal(each, item)));

export const sets: readonly Overload[] = [
  fn("sets.contains(list<T>, list<T>): bool", (list: Values, part: Values) => within(part, list), pairs),
  fn("sets.equivalent(list<T>, list<T>): bool", (a: Values, b: Values) => within(a, b) && within(b, a), pairs),
  fn("sets.intersects(list<T>, list<T>): bool", (a: Values, b: Values) => a.some((item) => b.some((each) => equal(each, item))), pairs),
];
