/**
 * The syntax of names, labels and ports. Each check answers with the list of what is wrong, in the words of a real server; an empty list is a pass.
 * Sources: RFC 1123, RFC 1035, and the API reference's page on object names and IDs.
 */

const label1123 = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain1123 = `${label1123}(\\.${label1123})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const qualifiedName = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelValue = `(${qualifiedName})?`;

const label1123Shape = new RegExp(`^${label1123}$`);
const subdomain1123Shape = new RegExp(`^${subdomain1123}$`);
const label1035Shape = new RegExp(`^${label1035}$`);
const qualifiedNameShape = new RegExp(`^${qualifiedName}$`);
const labelValueShape = new RegExp(`^${labelValue}$`);

export const nothingWrong: readonly string[] = [];

const tooLong = (most: number) => `must be no more than ${most} bytes`;

function shapeError(message: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

/** A label as in RFC 1123, in lower case, at most 63 long: namespaces, containers, volumes. */
export function wrongWithDns1123Label(text: string): readonly string[] {
  if (text.length <= 63 && label1123Shape.test(text)) return nothingWrong;
  const wrong: string[] = [];
  if (text.length > 63) wrong.push(tooLong(63));
  if (!label1123Shape.test(text)) {
    if (subdomain1123Shape.test(text)) wrong.push("must not contain dots");
    else
      wrong.push(
        shapeError(
          "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
          label1123,
          "my-name",
          "123-abc",
        ),
      );
  }
  return wrong;
}

/** A subdomain as in RFC 1123, at most 253 long: the names of most objects. */
export function wrongWithDns1123Subdomain(text: string): readonly string[] {
  if (text.length <= 253 && subdomain1123Shape.test(text)) return nothingWrong;
  const wrong: string[] = [];
  if (text.length > 253) wrong.push(tooLong(253));
  if (!subdomain1123Shape.test(text))
    wrong.push(
      shapeError(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        subdomain1123,
        "example.com",
      ),
    );
  return wrong;
}

/** A label as in RFC 1035, which may not begin with a digit, at most 63 long. */
export function wrongWithDns1035Label(text: string): readonly string[] {
  if (text.length <= 63 && label1035Shape.test(text)) return nothingWrong;
  const wrong: string[] = [];
  if (text.length > 63) wrong.push(tooLong(63));
  if (!label1035Shape.test(text))
    wrong.push(
      shapeError(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        label1035,
        "my-name",
        "abc-123",
      ),
    );
  return wrong;
}

const namePartHint = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** A key of a label, annotation, taint or resource: "name" or "prefix.example.com/name", the name at most 63 long. */
export function wrongWithQualifiedName(text: string): readonly string[] {
  const parts = text.split("/");
  if (parts.length > 2)
    return [
      `a qualified name ${shapeError(namePartHint, qualifiedName, "MyName", "my.name", "123-abc")} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  const wrong: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === "") wrong.push("prefix part must be non-empty");
    else for (const message of wrongWithDns1123Subdomain(prefix)) wrong.push(`prefix part ${message}`);
  }
  if (name === "") wrong.push("name part must be non-empty");
  else if (name.length > 63) wrong.push(`name part ${tooLong(63)}`);
  if (!qualifiedNameShape.test(name)) wrong.push(`name part ${shapeError(namePartHint, qualifiedName, "MyName", "my.name", "123-abc")}`);
  return wrong;
}

/** The value of a label: empty, or like a qualified name without prefix; at most 63 long. */
export function wrongWithLabelValue(text: string): readonly string[] {
  if (text.length <= 63 && labelValueShape.test(text)) return nothingWrong;
  const wrong: string[] = [];
  if (text.length > 63) wrong.push(tooLong(63));
  if (!labelValueShape.test(text))
    wrong.push(
      shapeError(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        labelValue,
        "MyValue",
        "my_value",
        "12345",
      ),
    );
  return wrong;
}

/** A key of a ConfigMap's or Secret's data: a file name without path, at most 253 long. */
export function wrongWithConfigMapKey(text: string): readonly string[] {
  const wrong: string[] = [];
  if (text.length > 253) wrong.push(tooLong(253));
  if (!/^[-._a-zA-Z0-9]+$/.test(text))
    wrong.push(
      shapeError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        "[-._a-zA-Z0-9]+",
        "key.name",
        "KEY_NAME",
        "key-name",
      ),
    );
  if (text === ".") wrong.push("must not be '.'");
  else if (text === "..") wrong.push("must not be '..'");
  else if (text.startsWith("..")) wrong.push("must not start with '..'");
  return wrong;
}

/** The name of an environment variable: printable ASCII without "=". */
export function wrongWithEnvVarName(text: string): readonly string[] {
  return /^[ -<>-~]+$/.test(text)
    ? nothingWrong
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** A port's number: 1 to 65535. */
export function wrongWithPortNumber(port: number): readonly string[] {
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? nothingWrong : ["must be between 1 and 65535, inclusive"];
}

/** The name of a container's port, as in RFC 6335: at most 15 letters, digits and single hyphens inside, at least one letter. */
export function wrongWithPortName(text: string): readonly string[] {
  const wrong: string[] = [];
  if (text.length > 15) wrong.push("must be no more than 15 bytes");
  if (!/^[-a-z0-9]+$/.test(text)) wrong.push("must contain only alphanumeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(text)) wrong.push("must contain at least one letter (a-z)");
  if (text.includes("--")) wrong.push("must not contain consecutive hyphens");
  if (text.startsWith("-") || text.endsWith("-")) wrong.push("must not begin or end with a hyphen");
  return wrong;
}

/** A path's segment, as names of RBAC objects and custom kinds may be: not "." or "..", without "/" and "%". */
export function wrongWithPathSegment(text: string): readonly string[] {
  if (text === "." || text === "..") return [`may not be '${text}'`];
  const wrong: string[] = [];
  for (const character of ["/", "%"]) if (text.includes(character)) wrong.push(`may not contain '${character}'`);
  return wrong;
}

/** A path with somebody's domain before it: "acme.io/foo". */
export function wrongWithDomainPrefixedPath(text: string): readonly string[] {
  const slash = text.indexOf("/");
  if (slash <= 0 || slash === text.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  const wrong = [...wrongWithDns1123Subdomain(text.slice(0, slash))];
  const path = text.slice(slash + 1);
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path))
    wrong.push("Invalid path (e.g. 'foo/bar', regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
  return wrong;
}

/** All names directly below a domain: "*.example.com". */
export function wrongWithWildcardSubdomain(text: string): readonly string[] {
  const wrong: string[] = [];
  if (text.length > 253) wrong.push(tooLong(253));
  if (!text.startsWith("*.") || !subdomain1123Shape.test(text.slice(2)))
    wrong.push(
      shapeError(
        "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
        `\\*\\.${subdomain1123}`,
        "*.example.com",
      ),
    );
  return wrong;
}
