import {
  wrongWithDns1035Label,
  wrongWithDns1123Label,
  wrongWithDns1123Subdomain,
  wrongWithLabelValue,
  wrongWithQualifiedName,
} from "../../../../protocol/kinds/names";
import { formats as schemaFormats } from "../../custom-resources/schema/formats";
import { fn, type Overload } from "../function";
import { none, OpaqueValue, OptionalValue } from "../values";

type Check = (text: string) => readonly string[];

/** A named format of Kubernetes, `format.dns1123Label().validate(x)`. */
class NamedFormat extends OpaqueValue {
  readonly typeName = "kubernetes.NamedFormat";
  constructor(
    readonly name: string,
    readonly check: Check,
  ) {
    super();
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof NamedFormat && other.name === this.name;
  }
}

/** A prefix may end in a dash: something follows. */
const asPrefix =
  (check: Check): Check =>
  (text) =>
    check(text.replace(/-$/, "a"));
const bySchema =
  (name: string, complaint: string): Check =>
  (text) =>
    schemaFormats.get(name)!(text) ? [] : [complaint];

const checks: ReadonlyMap<string, Check> = new Map<string, Check>([
  ["dns1123Label", wrongWithDns1123Label],
  ["dns1123Subdomain", wrongWithDns1123Subdomain],
  ["dns1035Label", wrongWithDns1035Label],
  ["qualifiedName", wrongWithQualifiedName],
  ["dns1123LabelPrefix", asPrefix(wrongWithDns1123Label)],
  ["dns1123SubdomainPrefix", asPrefix(wrongWithDns1123Subdomain)],
  ["dns1035LabelPrefix", asPrefix(wrongWithDns1035Label)],
  ["labelValue", wrongWithLabelValue],
  ["uri", bySchema("uri", "invalid URI")],
  ["uuid", bySchema("uuid", "does not match the UUID format")],
  ["byte", bySchema("byte", "invalid base64")],
  ["date", bySchema("date", "invalid date")],
  ["datetime", bySchema("datetime", "invalid datetime")],
]);

const named: ReadonlyMap<string, NamedFormat> = new Map([...checks].map(([name, check]) => [name, new NamedFormat(name, check)]));

export const namedFormats: readonly Overload[] = [
  ...[...named].map(([name, format]) => fn(`format.${name}(): kubernetes.NamedFormat`, () => format)),
  fn("format.named(string): optional<kubernetes.NamedFormat>", (name: string) =>
    named.has(name) ? new OptionalValue(named.get(name)!) : none,
  ),
  fn(
    "kubernetes.NamedFormat.validate(string): optional<list<string>>",
    ({ check }: NamedFormat, text: string) => {
      const wrong = check(text);
      return wrong.length === 0 ? none : new OptionalValue(wrong);
    },
    (_format, text) => 1 + text,
  ),
];
