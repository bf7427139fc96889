import { Reader, type Type } from "protobufjs";

/** Protobuf's wire types of the scalars that etcd uses; messages, bytes and strings are length-delimited, enums are varints. */
const varints: ReadonlySet<string> = new Set(["int64", "uint64", "int32", "uint32", "bool"]);
const varint = 0;
const delimited = 2;
const nestingMax = 100;

interface Plan {
  readonly wireType: number;
  readonly repeatable: boolean;
  readonly nested: Type | undefined;
}

const plans = new WeakMap<Type, ReadonlyMap<number, Plan>>();

/**
 * Throws an Error where bytes are not a message of that type. The library's decoder takes a field's bytes for what the field should be,
 * whatever the wire says; Go's refuses them, and so do we: a misread key must not be written.
 */
export function checkWireFormat(type: Type, bytes: Uint8Array): void {
  check(type, Reader.create(bytes), bytes.length, 0);
}

function check(type: Type, reader: Reader, end: number, depth: number): void {
  if (depth > nestingMax) throw new Error(`proto: ${type.name}: nested too deeply`);
  const plan = planOf(type);
  while (reader.pos < end) {
    const tag = reader.uint32();
    const id = tag >>> 3;
    const wireType = tag & 7;
    if (id === 0) throw new Error(`proto: ${type.name}: illegal tag 0`);
    const field = plan.get(id);
    if (field !== undefined && wireType !== field.wireType && !(field.repeatable && wireType === delimited))
      throw new Error(`proto: wrong wireType = ${wireType} for field ${type.fieldsById[id]!.name}`);
    if (field?.nested === undefined) {
      reader.skipType(wireType);
      if (reader.pos > end) throw new Error(`proto: ${type.name}: unexpected end`);
      continue;
    }
    const length = reader.uint32();
    const nestedEnd = reader.pos + length;
    if (nestedEnd > end) throw new Error(`proto: ${type.name}: unexpected end`);
    check(field.nested, reader, nestedEnd, depth + 1);
  }
  if (reader.pos !== end) throw new Error(`proto: ${type.name}: unexpected end`);
}

function planOf(type: Type): ReadonlyMap<number, Plan> {
  let plan = plans.get(type);
  if (plan === undefined) {
    plan = new Map(
      type.fieldsArray.map((field) => {
        const nested = field.resolvedType !== null && "fieldsArray" in field.resolvedType ? field.resolvedType : undefined;
        const isVarint = varints.has(field.type) || (field.resolvedType !== null && nested === undefined);
        return [field.id, { wireType: isVarint ? varint : delimited, repeatable: isVarint && field.repeated, nested }];
      }),
    );
    plans.set(type, plan);
  }
  return plan;
}
