import {
  type Quantity as Amount,
  addQuantity,
  compareQuantity,
  formatQuantity,
  readQuantity,
  subtractQuantity,
} from "../../../../protocol/kinds/quantity";
import { fn, type Overload } from "../function";
import { fail, OpaqueValue } from "../values";
import { checkedInt } from "./operators";

/** Kubernetes' functions for quantities, `quantity("1.5Gi").isGreaterThan(quantity("1Gi"))`. */
class Quantity extends OpaqueValue {
  readonly typeName = "kubernetes.Quantity";
  constructor(readonly amount: Amount) {
    super();
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof Quantity && compareQuantity(this.amount, other.amount) === 0;
  }
}

const unit = 1_000_000_000n;

function quantityOf(text: string): Quantity {
  const read = readQuantity(text);
  return read.ok ? new Quantity(read.quantity) : fail(read.reason);
}

const whole = (value: bigint): Amount => ({ nanos: value * unit, format: "DecimalSI" });

export const quantities: readonly Overload[] = [
  fn("quantity(string): kubernetes.Quantity", quantityOf),
  fn("isQuantity(string): bool", (text: string) => readQuantity(text).ok),
  fn("kubernetes.Quantity.sign(): int", ({ amount }: Quantity) => (amount.nanos > 0n ? 1n : amount.nanos < 0n ? -1n : 0n)),
  fn("kubernetes.Quantity.isInteger(): bool", ({ amount }: Quantity) => amount.nanos % unit === 0n),
  fn("kubernetes.Quantity.asInteger(): int", ({ amount }: Quantity) =>
    amount.nanos % unit === 0n ? checkedInt(amount.nanos / unit) : fail("cannot convert value to integer"),
  ),
  fn("kubernetes.Quantity.asApproximateFloat(): double", ({ amount }: Quantity) => Number(amount.nanos) / 1e9),
  fn(
    "kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity",
    (a: Quantity, b: Quantity) => new Quantity(addQuantity(a.amount, b.amount)),
  ),
  fn("kubernetes.Quantity.add(int): kubernetes.Quantity", (a: Quantity, b: bigint) => new Quantity(addQuantity(a.amount, whole(b)))),
  fn(
    "kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity",
    (a: Quantity, b: Quantity) => new Quantity(subtractQuantity(a.amount, b.amount)),
  ),
  fn("kubernetes.Quantity.sub(int): kubernetes.Quantity", (a: Quantity, b: bigint) => new Quantity(subtractQuantity(a.amount, whole(b)))),
  fn("kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool", (a: Quantity, b: Quantity) => compareQuantity(a.amount, b.amount) > 0),
  fn("kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool", (a: Quantity, b: Quantity) => compareQuantity(a.amount, b.amount) < 0),
  fn("kubernetes.Quantity.compareTo(kubernetes.Quantity): int", (a: Quantity, b: Quantity) => BigInt(compareQuantity(a.amount, b.amount))),
  fn("string(kubernetes.Quantity): string", ({ amount }: Quantity) => formatQuantity(amount)),
];
