/**
 * What is wrong with a text that is no JSON, in the words of Go's encoding/json, which real servers read it with: clients show them. "unexpected end of JSON
 * input" for a text that breaks off. Nothing is deeper here than a list of open brackets.
 */
export function syntaxErrorOf(text: string): string {
  const reader = new Reader(text);
  const wrong = reader.value() ?? reader.rest();
  return wrong ?? "unexpected end of JSON input";
}

const end = "unexpected end of JSON input";
const literals: Readonly<Record<string, string>> = { t: "true", f: "false", n: "null" };

class Reader {
  private at = 0;

  constructor(private readonly text: string) {}

  /** After the value nothing but space may come. */
  rest(): string | undefined {
    const char = this.skip();
    return char === undefined ? undefined : invalid(char, "after top-level value");
  }

  /** Reads a value with all that is in it; what is wrong with it, if something is. */
  value(): string | undefined {
    const open: ("{" | "[")[] = [];
    let wanted: "value" | "first" | "key" = "value";
    for (;;) {
      const char = this.skip();
      if (char === undefined) return end;
      if (wanted === "first" && char === (open.at(-1) === "{" ? "}" : "]")) {
        this.at++;
        open.pop();
      } else if (open.at(-1) === "{" && wanted !== "value") {
        const wrong = char === '"' ? this.string() : invalid(char, "looking for beginning of object key string");
        if (wrong) return wrong;
        const colon = this.skip();
        if (colon === undefined) return end;
        if (colon !== ":") return invalid(colon, "after object key");
        this.at++;
        wanted = "value";
        continue;
      } else if (char === "{" || char === "[") {
        open.push(char);
        this.at++;
        wanted = "first";
        continue;
      } else {
        const wrong = this.scalar(char);
        if (wrong) return wrong;
      }
      // A value has ended: so may those around it.
      for (;;) {
        const around = open.at(-1);
        if (around === undefined) return undefined;
        const next = this.skip();
        if (next === undefined) return end;
        this.at++;
        if (next === ",") {
          wanted = around === "{" ? "key" : "value";
          break;
        }
        if (next !== (around === "{" ? "}" : "]"))
          return invalid(next, around === "{" ? "after object key:value pair" : "after array element");
        open.pop();
      }
    }
  }

  private skip(): string | undefined {
    while (" \t\r\n".includes(this.text[this.at] ?? "x")) this.at++;
    return this.text[this.at];
  }

  private scalar(char: string): string | undefined {
    if (char === '"') return this.string();
    if (literals[char] !== undefined) return this.literal(literals[char]);
    return char === "-" || isDigit(char) ? this.number() : invalid(char, "looking for beginning of value");
  }

  private string(): string | undefined {
    for (this.at++; ; this.at++) {
      const char = this.text[this.at];
      if (char === undefined) return end;
      if (char < " ") return invalid(char, "in string literal");
      if (char === '"') {
        this.at++;
        return undefined;
      }
      if (char !== "\\") continue;
      const escaped = this.text[++this.at];
      if (escaped === undefined) return end;
      if (!'bfnrt\\/"u'.includes(escaped)) return invalid(escaped, "in string escape code");
      for (let digit = 0; escaped === "u" && digit < 4; digit++) {
        const hex = this.text[++this.at];
        if (hex === undefined) return end;
        if (!/[0-9a-fA-F]/.test(hex)) return invalid(hex, "in \\u hexadecimal character escape");
      }
    }
  }

  private literal(word: string): string | undefined {
    for (const expected of word) {
      const char = this.text[this.at];
      if (char === undefined) return end;
      if (char !== expected) return invalid(char, `in literal ${word} (expecting '${expected}')`);
      this.at++;
    }
    return undefined;
  }

  private number(): string | undefined {
    if (this.text[this.at] === "-") this.at++;
    // A number that begins with 0 has no other digit before its point.
    const whole = this.text[this.at] === "0" ? undefined : this.digits("in numeric literal");
    if (whole) return whole;
    if (this.text[this.at] === "0") this.at++;
    if (this.text[this.at] === ".") {
      this.at++;
      const wrong = this.digits("after decimal point in numeric literal");
      if (wrong) return wrong;
    }
    if (!/[eE]/.test(this.text[this.at] ?? "")) return undefined;
    this.at++;
    if (/[+-]/.test(this.text[this.at] ?? "")) this.at++;
    return this.digits("in exponent of numeric literal");
  }

  private digits(where: string): string | undefined {
    const first = this.text[this.at];
    if (first === undefined) return end;
    if (!isDigit(first)) return invalid(first, where);
    while (isDigit(this.text[this.at] ?? "")) this.at++;
    return undefined;
  }
}

const isDigit = (char: string) => char >= "0" && char <= "9";

/** Go goes by bytes: of a character beyond ASCII it shows the first. */
function invalid(char: string, where: string): string {
  const [byte = 0] = Buffer.from(char, "utf8");
  const shown = byte < 0x80 ? JSON.stringify(char).slice(1, -1) : String.fromCharCode(byte);
  const quoted = char === "'" ? "\\'" : char === '"' ? '"' : shown.replace(/^\\u00/, "\\x");
  return `invalid character '${quoted}' ${where}`;
}
