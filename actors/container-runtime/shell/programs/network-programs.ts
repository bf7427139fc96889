import { ended, failed, filesAt, type NetworkAnswer, type Place, type Program, type ProgramResult } from "../program";

/** The programs that speak to others in the cluster's network, with the words of busybox, bind's dig and curl. Nothing of it reaches the host's network. */

/** Where /etc/resolv.conf leads. */
const dnsServer = "10.96.0.10";
const nothing = new Uint8Array(0);
const encoder = new TextEncoder();
const isAddress = (host: string) => /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);

interface Found {
  /** The full name that was found. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** Of a Service that is but another name. */
  readonly cname?: string;
  /** Of a name such as _http._tcp.web: the ports, and whose they are. */
  readonly ports?: readonly { readonly port: number; readonly target: string }[];
}

/** Looks a name up; `then` gets undefined where there is none of that name. */
function lookUp(host: string, timeoutMs: number, then: (found: Found | undefined | "timeout") => ProgramResult): ProgramResult {
  return {
    is: "asking",
    ask: { is: "lookUp", host, timeoutMs },
    then: ({ outcome, text }) => then(outcome === "timeout" ? "timeout" : outcome === "answered" ? (JSON.parse(text) as Found) : undefined),
  };
}

/** As programs look up whom to speak to: /etc/hosts first, the cluster's DNS then. */
function resolve(
  host: string,
  place: Place,
  timeoutMs: number,
  then: (found: Found | undefined | "timeout") => ProgramResult,
): ProgramResult {
  const hosts = filesAt(place).read("/etc/hosts");
  for (const line of typeof hosts === "string" ? [] : new TextDecoder().decode(hosts).split("\n")) {
    const [ip = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isAddress(ip) && names.includes(host)) return then({ name: names.join(" "), addresses: [ip] });
  }
  return lookUp(host, timeoutMs, then);
}

function nslookup(words: readonly string[]): ProgramResult {
  const host = words.find((word) => !word.startsWith("-"));
  if (host === undefined) return failed("nslookup: usage: nslookup [-type=QUERY_TYPE] HOST [DNS_SERVER]\n");
  const head = `Server:\t\t${dnsServer}\nAddress:\t${dnsServer}:53\n\n`;
  return lookUp(host, 5_000, (found) => {
    if (found === "timeout") return ended("", 1, ";; connection timed out; no servers could be reached\n\n");
    if (!found) return ended(`${head}** server can't find ${host}: NXDOMAIN\n\n`, 1);
    const cname = found.cname === undefined ? "" : `${found.name}\tcanonical name = ${found.cname}\n`;
    return ended(`${head}${cname}${found.addresses.map((ip) => `Name:\t${found.name}\nAddress: ${ip}\n`).join("")}\n`);
  });
}

function getent([database, host]: readonly string[], place: Place): ProgramResult {
  if (!/^a?hosts(v4)?$/.test(database ?? "") || host === undefined) return failed("getent: usage: getent hosts HOST\n");
  return resolve(host, place, 5_000, (found) => {
    if (!found || found === "timeout" || found.addresses.length === 0) return ended("", 2);
    return ended(found.addresses.map((ip) => `${ip.padEnd(16)}  ${found.name}\n`).join(""));
  });
}

/** `dig +short` and `dig +noall +answer` alone, which scripts use; only with +search are names looked for along the search path. */
function dig(words: readonly string[]): ProgramResult {
  const [host = "", type = "A"] = words.filter((word) => !/^[+@-]/.test(word));
  const isShort = words.includes("+short");
  if (host === "" || !["A", "CNAME", "SRV"].includes(type) || !(isShort || (words.includes("+noall") && words.includes("+answer"))))
    return failed("dig: this simulated program knows dig [+search] (+short | +noall +answer) NAME [A | SRV] alone\n");
  const full = words.includes("+search") || host.endsWith(".") ? host : `${host}.`;
  return lookUp(full, 5_000, (found) => {
    if (found === "timeout") return failed(";; connection timed out; no servers could be reached\n", 9);
    if (!found) return ended("");
    const records = [
      ...(found.ports ?? []).map(({ port, target }) => ["SRV", `0 ${Math.floor(100 / found.ports!.length)} ${port} ${target}.`] as const),
      ...(found.cname === undefined ? [] : [["CNAME", `${found.cname}.`] as const]),
      ...found.addresses.map((ip) => ["A", ip] as const),
    ];
    return ended(records.map(([kind, data]) => (isShort ? `${data}\n` : `${found.name}.\t30\tIN\t${kind}\t${data}\n`)).join(""));
  });
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

function targetOf(url: string): Target | undefined {
  const [, host, port = "80", path = "/"] = /^(?:http:\/\/)?([\w.-]+)(?::(\d{1,5}))?(\/.*)?$/.exec(url) ?? [];
  return host === undefined ? undefined : { host, port: Number(port), path };
}

interface Sent {
  readonly port: number;
  readonly path: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly protocol: "TCP" | "UDP";
  readonly timeoutMs: number;
}

/** Looks the host up, where it is a name, and asks there. */
function ask(
  host: string,
  place: Place,
  sent: Sent,
  unknown: (why: "unknown" | "timeout") => ProgramResult,
  then: (answer: NetworkAnswer, ip: string) => ProgramResult,
): ProgramResult {
  const to = (ip: string): ProgramResult => ({ is: "asking", ask: { is: "request", ip, ...sent }, then: (answer) => then(answer, ip) });
  if (isAddress(host)) return to(host);
  return resolve(host, place, sent.timeoutMs, (found) => {
    const ip = found && found !== "timeout" ? found.addresses[0] : undefined;
    return ip === undefined ? unknown(found === "timeout" ? "timeout" : "unknown") : to(ip);
  });
}

/** The options of a program: those that take a value, by their names, and what is left. Short ones may stand together: -qO-. */
function optionsOf(words: readonly string[], valued: string, longValued: readonly string[]) {
  const given = new Map<string, string>();
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word.startsWith("--")) {
      const [name = "", value] = word.slice(2).split(/=(.*)/s);
      given.set(name, value ?? (longValued.includes(name) ? (words[++at] ?? "") : ""));
    } else if (word.startsWith("-") && word.length > 1) {
      for (let letter = 1; letter < word.length; letter++) {
        const name = word[letter]!;
        if (!valued.includes(name)) {
          given.set(name, "");
          continue;
        }
        given.set(name, letter + 1 < word.length ? word.slice(letter + 1) : (words[++at] ?? ""));
        break;
      }
    } else rest.push(word);
  }
  return { given, rest };
}

const reasons: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [404, "Not Found"],
  [429, "Too Many Requests"],
  [500, "Internal Server Error"],
  [503, "Service Unavailable"],
]);
const statusLine = (code: number) => `HTTP/1.1 ${code} ${reasons.get(code) ?? "Status"}`;
const secondsToMs = (text: string | undefined, otherwiseMs: number) => {
  const ms = Number(text) * 1000;
  return text !== undefined && ms > 0 && Number.isFinite(ms) ? ms : otherwiseMs;
};

function wget(words: readonly string[], place: Place): ProgramResult {
  const { given, rest } = optionsOf(words, "OTtY", ["timeout", "tries", "output-document", "post-data"]);
  const target = targetOf(rest[0] ?? "");
  if (!target) return failed(rest[0] === undefined ? "wget: missing URL\n" : `wget: not an http or ftp url: ${rest[0]}\n`);
  const file = given.get("O") ?? given.get("output-document");
  if (file !== "-" && file !== "/dev/stdout" && !given.has("spider")) return failed("wget: this simulated program writes to -O - alone\n");
  const { host, port, path } = target;
  const loud = !given.has("q") && !given.has("quiet");
  const data = given.get("post-data");
  const timeoutMs = secondsToMs(given.get("T") ?? given.get("timeout"), 30_000);
  const method = given.has("spider") ? "HEAD" : data === undefined ? "GET" : "POST";
  return ask(
    host,
    place,
    { port, path, method, body: data === undefined ? nothing : encoder.encode(data), protocol: "TCP", timeoutMs },
    () => failed(`wget: bad address '${host}'\n`),
    ({ outcome, code, text }, ip) => {
      const said = loud ? `Connecting to ${host} (${ip}:${port})\n` : "";
      if (outcome === "timeout") return failed(`${said}wget: download timed out\n`);
      if (outcome !== "answered")
        return failed(
          `${said}wget: can't connect to remote host (${ip}): ${outcome === "refused" ? "Connection refused" : "No route to host"}\n`,
        );
      if (code >= 400) return failed(`${said}wget: server returned error: ${statusLine(code)}\n`);
      if (given.has("spider")) return ended("", 0, `${said}${loud ? "remote file exists\n" : ""}`);
      return ended(text, 0, `${said}${loud ? "writing to stdout\nwritten to stdout\n" : ""}`);
    },
  );
}

function curl(words: readonly string[], place: Place): ProgramResult {
  const { given, rest } = optionsOf(words, "XdHmow", ["request", "data", "header", "max-time", "connect-timeout", "output", "write-out"]);
  const target = targetOf(rest[0] ?? "");
  if (!target)
    return failed(
      rest[0] === undefined ? "curl: (2) no URL specified\n" : `curl: (3) URL using bad/illegal format or missing URL\n`,
      rest[0] === undefined ? 2 : 3,
    );
  const output = given.get("o") ?? given.get("output");
  if (output !== undefined && output !== "/dev/null" && output !== "-")
    return failed("curl: this simulated program writes to standard output or /dev/null alone\n", 23);
  const { host, port, path } = target;
  const data = given.get("d") ?? given.get("data");
  const timeoutMs = secondsToMs(given.get("m") ?? given.get("max-time") ?? given.get("connect-timeout"), 120_000);
  const method =
    given.get("X") ?? given.get("request") ?? (given.has("I") || given.has("head") ? "HEAD" : data === undefined ? "GET" : "POST");
  const quiet = (given.has("s") || given.has("silent")) && !(given.has("S") || given.has("show-error"));
  const wrong = (code: number, text: string) => failed(quiet ? "" : `curl: (${code}) ${text}\n`, code);
  return ask(
    host,
    place,
    { port, path, method, body: data === undefined ? nothing : encoder.encode(data), protocol: "TCP", timeoutMs },
    (why) => (why === "timeout" ? wrong(28, "Resolving timed out") : wrong(6, `Could not resolve host: ${host}`)),
    ({ outcome, code, text }) => {
      if (outcome === "timeout") return wrong(28, `Connection timed out after ${Math.round(timeoutMs)} milliseconds`);
      if (outcome !== "answered") return wrong(7, `Failed to connect to ${host} port ${port} after 0 ms: Couldn't connect to server`);
      if ((given.has("f") || given.has("fail")) && code >= 400) return wrong(22, `The requested URL returned error: ${code}`);
      const head = given.has("i") || given.has("I") || given.has("include") || given.has("head") ? `${statusLine(code)}\r\n\r\n` : "";
      const shown = output === "/dev/null" ? "" : `${head}${method === "HEAD" ? "" : text}`;
      const format = given.get("w") ?? given.get("write-out") ?? "";
      return ended(
        shown + format.replaceAll("%{http_code}", String(code)).replaceAll("%{response_code}", String(code)).replaceAll("\\n", "\n"),
      );
    },
  );
}

/** nc -z looks whether somebody listens, nc -u sends what it reads as one datagram; without either what it reads is a request of HTTP. */
function nc(words: readonly string[], place: Place): ProgramResult {
  const { given, rest } = optionsOf(words, "wpsi", []);
  const [host, port] = [rest[0] ?? "", Number(rest[1])];
  if (host === "" || !Number.isInteger(port) || port < 1 || port > 65_535 || given.has("l"))
    return failed("nc: usage: nc [-u] [-v] [-z] [-w SEC] HOST PORT\n");
  const isUdp = given.has("u");
  const timeoutMs = secondsToMs(given.get("w"), 10_000);
  const unknown = () => failed(`nc: bad address '${host}'\n`);
  const wrong = (outcome: NetworkAnswer["outcome"]) => {
    if (outcome === "timeout") return isUdp ? ended("") : failed("nc: timed out\n");
    return failed(`nc: ${host} (${host}:${port}): ${outcome === "refused" ? "Connection refused" : "No route to host"}\n`);
  };
  const send = (method: string, path: string, body: Uint8Array, show: (answer: NetworkAnswer) => string) =>
    ask(host, place, { port, path, method, body, protocol: isUdp ? "UDP" : "TCP", timeoutMs }, unknown, (answer, ip) =>
      answer.outcome === "answered"
        ? ended(show(answer), 0, given.has("v") ? `${host} (${ip}:${port}) open\n` : "")
        : wrong(answer.outcome),
    );
  if (given.has("z") && !isUdp) return send("CONNECT", "", nothing, () => "");
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  return {
    is: "reading",
    reader: {
      take(piece, isEnd) {
        // No datagram is longer.
        if (bytes + piece.length <= 65_507) pieces.push(piece);
        bytes += piece.length;
        if (!isEnd) return {};
        const body = Buffer.concat(pieces);
        if (isUdp) return { next: send("UDP", "", body, ({ text }) => text) };
        const [, method, path] = /^([A-Z]+) (\/\S*)/.exec(body.toString("utf8")) ?? [];
        if (method === undefined) return { next: send("CONNECT", "", nothing, () => "") };
        return { next: send(method, path!, nothing, ({ code, text }) => `${statusLine(code)}\r\n\r\n${text}`) };
      },
    },
  };
}

export const networkPrograms: readonly (readonly [string, Program])[] = [
  ["nslookup", nslookup],
  ["getent", getent],
  ["dig", dig],
  ["wget", wget],
  ["curl", curl],
  ["nc", nc],
];
