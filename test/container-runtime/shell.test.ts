import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newFiles } from "../../actors/container-runtime/shell/files";
import { feedSession } from "../../actors/container-runtime/shell/input";
import type { Place } from "../../actors/container-runtime/shell/program";
import { archived } from "../../actors/container-runtime/shell/programs/archive";
import { advanceSession, answerSession, beginSession, type Session, wakeSession } from "../../actors/container-runtime/shell/session";
import { besiegeShell } from "../../bench/hostile/shell";

const place: Place = {
  hostname: "box",
  namespace: "shop",
  ip: "10.244.0.2",
  mainCommand: ["sleep", "1d"],
  nowMs: Date.UTC(2026, 10, 5, 9, 8, 7),
  files: newFiles(),
  given: new Map([["/settings/colour", { content: "blue", mode: 0o400, readOnly: true }]]),
};
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function begin(
  command: readonly string[],
  options: { stdin?: boolean; tty?: boolean; environment?: readonly (readonly [string, string])[] } = {},
): Session {
  const { stdin = false, tty = false, environment = [] } = options;
  const begun = beginSession(command, { stdin, tty, environment });
  if (!begun.ok) throw new Error(begun.message);
  return begun.session;
}

/** What a command that needs no input writes. */
function bytesOf(session: Session): Uint8Array {
  return Buffer.concat(advanceSession(session, place).map((effect) => (effect.type === "stdout" ? effect.bytes : new Uint8Array(0))));
}

/** What is written and how it ends; sleeps are slept at once. */
function run(session: Session, input?: string | Uint8Array) {
  const said = { out: "", err: "", code: undefined as number | undefined, slept: 0 };
  const note = (effects: ReturnType<typeof advanceSession>) => {
    for (const effect of effects) {
      if (effect.type === "stdout") said.out += decoder.decode(effect.bytes);
      else if (effect.type === "stderr") said.err += decoder.decode(effect.bytes);
      else if (effect.type === "exit") said.code = effect.code;
      else if (effect.type === "sleep") said.slept += effect.ms;
    }
  };
  if (input !== undefined) {
    note(feedSession(session, typeof input === "string" ? encoder.encode(input) : input));
    if (!session.terminal) session.inputEnded = true;
  }
  for (let turn = 0; turn < 40 && said.code === undefined; turn++) {
    note(advanceSession(session, place));
    if (session.waiting !== "sleep" && session.waiting !== "pause") break;
    wakeSession(session);
  }
  return said;
}

const sh = (script: string) => run(begin(["sh", "-c", script], { environment: [["A", "b c"]] }));

describe("a shell in a simulated container", () => {
  test("runs commands joined by ; && || and line ends, and ends with the last one's status", () => {
    expect(sh("echo a; echo b\necho c")).toMatchObject({ out: "a\nb\nc\n", code: 0 });
    expect(sh("false && echo no; true && echo yes; false || echo or")).toMatchObject({ out: "yes\nor\n", code: 0 });
    expect(sh("echo a; exit 3; echo never")).toMatchObject({ out: "a\n", code: 3 });
    expect(sh("false")).toMatchObject({ code: 1 });
    expect(sh("sleep 2; sleep 1m; echo done")).toMatchObject({ out: "done\n", slept: 62_000, code: 0 });
  });

  test("sends outputs to each other or to nowhere", () => {
    expect(sh("echo a >&2; echo b 1>&2; >&2 echo c; echo d")).toMatchObject({ out: "d\n", err: "a\nb\nc\n" });
    expect(sh("nonsense 2>&1; cat /none 2>/dev/null; echo a > /dev/null; echo b &>/dev/null")).toMatchObject({
      out: "sh: nonsense: not found\n",
      err: "",
    });
    expect(sh("echo a >/dev/null 2>&1; nonsense 2>&1 >/dev/null; echo a2>&2")).toMatchObject({
      out: "sh: nonsense: not found\n",
      err: "a2\n",
    });
    expect(sh("echo a >(cat)")).toMatchObject({ code: 2, err: expect.stringContaining('does not know ">"') });
  });

  test("fills in variables outside of single quotes, and only those", () => {
    expect(sh(`echo $A "\${A}d" '$A' "$A"d $?`).out).toBe("b c b cd $A b cd 0\n");
    expect(sh("X=1; echo $X; export Y=2; printenv Y; false; echo $?").out).toBe("1\n2\n1\n");
  });

  test("says of what it does not have or know what it is, and does not guess", () => {
    expect(sh("python3 -c x")).toMatchObject({ err: "sh: python3: not found\n", code: 127 });
    expect(sh("| wc").err).toBe('sh: syntax error: unexpected "|"\n');
    expect(sh("echo a >").err).toBe("sh: syntax error: a redirection has no file\n");
    expect(sh("sleep 1 & wait").err).toBe('sh: syntax error: this simulated shell does not know "&"\n');
    for (const broken of [
      "if true; then echo a",
      "while true; done",
      "for a in b; echo",
      "case a in a) echo",
      "(echo a",
      "echo a; fi",
      "f() echo",
      "a && ; b",
    ])
      expect([broken, sh(broken)]).toEqual([
        broken,
        expect.objectContaining({ out: "", code: 2, err: expect.stringContaining("syntax error") }),
      ]);
    expect(sh("echo 'open").err).toContain("unterminated quoted string");
    expect(beginSession(["/bin/nope"], { stdin: false, tty: false, environment: [] })).toEqual({
      ok: false,
      message: 'exec: "/bin/nope": stat /bin/nope: no such file or directory',
    });
    expect(beginSession(["exit"], { stdin: false, tty: false, environment: [] })).toMatchObject({ ok: false });
  });

  test("has branches, loops, functions and shells of their own (POSIX shell, Compound Commands)", () => {
    const told = (script: string) => {
      const { out, err, code } = sh(script);
      return `${out}${err}${code}`;
    };
    for (const [script, out] of [
      ["if false; then echo a; elif true; then echo b; else echo c; fi && echo d", "b\nd\n0"],
      ["for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done; echo end", "1\n3\nend\n0"],
      ["i=0; while [ $i -lt 3 ]; do i=$((i + 1)); done; until [ $i -le 0 ]; do i=$((i-2)); done; echo $i", "-1\n0"],
      ["while true; do while true; do break 2; done; echo never; done; echo out", "out\n0"],
      ["case web-3 in db-*) echo db;; api|web-[0-9]) echo web;; *) echo other; esac; case 'a*' in a\\*) echo star;; esac", "web\nstar\n0"],
      ['f() { echo "$1 of $#"; shift; for x in "$@"; do echo "<$x>"; done; return 4; }; f a "b c" d; echo $?', "a of 3\n<b c>\n<d>\n4\n0"],
      ["x=1; (x=2; exit 7); echo $? $x; { x=3; }; echo $x; ! true; echo $?", "7 1\n3\n1\n0"],
      ['echo "$(echo a; echo b)" $(echo c; echo d) `echo e`; V=$(exit 3); echo $?', "a\nb c d e\n3\n0"],
      [
        "for i in $(seq 1 3); do echo line $i; done > /tmp/loop; while read word n; do echo $n-$word; done < /tmp/loop",
        "1-line\n2-line\n3-line\n0",
      ],
      ["seq 3 | while read n; do echo $((n * n)); done | sort -rn; printf '%s=%03d\\n' a 7 b 8", "9\n4\n1\na=007\nb=008\n0"],
      [`cat <<EOF | tr a-z A-Z\nof $A\nEOF\necho \${NONE:-none} \${A:+set} \${#A}`, "OF B C\nnone set 3\n0"],
      ["set -e; false || true; if false; then :; fi; echo on; false; echo never", "on\n1"],
      ["echo $((7 / 2)) $((1 + 2 * 3 == 7 && 2 > 1)) $(( (1 + 2) * -3 )); test a = a -a ! b = c && echo both", "3 1 -9\nboth\n0"],
      ['e=; for x in $e "$e"; do echo "[$x]"; done; sh -c \'exit 5\' || echo $?', "[]\n5\n0"],
    ] as const)
      expect([script, told(script)]).toEqual([script, out]);
    expect(run(begin(["sh", "-c", "while read line; do echo got $line; done; echo end"], { stdin: true }), "a\nb\n").out).toBe(
      "got a\ngot b\nend\n",
    );
    expect(sh("for i in 1 2 3; do sleep 1; done; echo done")).toMatchObject({ out: "done\n", slept: 3_000 });
  });

  test("a loop without end lets others have their turns, and what calls itself ends", () => {
    const endless = begin(["sh", "-c", "while true; do :; done"]);
    expect(advanceSession(endless, place)).toEqual([{ type: "sleep", ms: 100 }]);
    const long = `A=${"a".repeat(50_000)}; case $A in ${"*a".repeat(40)}*b) echo b;; [!b-z]*[a]) echo a;; esac`;
    expect(sh(long)).toMatchObject({ out: "a\n", code: 0 });
    expect(sh(`for i in 1; do ${"echo;".repeat(6_000)} done`)).toMatchObject({
      code: 2,
      err: expect.stringContaining("more than 5000 commands"),
    });
    expect(sh("f() { f; }; f").err).toBe("sh: out of memory\n");
    expect(sh("f() { x=$(f); }; f").err).toBe("sh: out of memory\n");
  });

  test("speaks to others in the network: names are looked up first, and what comes back is said in the programs' words", () => {
    const asked: unknown[] = [];
    const talk = (script: string, answers: Partial<Record<string, Parameters<typeof answerSession>[2]>> = {}) => {
      const session = begin(["sh", "-c", script]);
      let said = "";
      for (let turn = 0; turn < 10 && !session.over; turn++)
        for (const effect of advanceSession(session, place)) {
          if (effect.type === "stdout" || effect.type === "stderr") said += decoder.decode(effect.bytes);
          if (effect.type === "exit") said += effect.code;
          if (effect.type !== "ask") continue;
          const { ask } = effect;
          asked.push(
            ask.is === "lookUp" ? ask.host : `${ask.protocol} ${ask.method} ${ask.ip}:${ask.port}${ask.path} ${decoder.decode(ask.body)}`,
          );
          const known =
            ask.is === "lookUp" && ask.host.startsWith("web")
              ? { name: "web.shop.svc.cluster.local", addresses: ["10.96.0.7"] }
              : undefined;
          const found = { outcome: known ? "answered" : "unreachable", code: 0, text: JSON.stringify(known ?? "") } as const;
          answerSession(
            session,
            effect.id,
            ask.is === "lookUp" ? found : (answers[ask.protocol] ?? { outcome: "answered", code: 200, text: "hello" }),
          );
        }
      return said;
    };
    expect(talk("nslookup web")).toBe(
      "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb.shop.svc.cluster.local\nAddress: 10.96.0.7\n\n0",
    );
    expect(talk("nslookup db || echo no")).toContain("** server can't find db: NXDOMAIN\n\nno\n");
    expect(talk("dig +short +search web; getent hosts web box")).toBe("10.96.0.7\n10.96.0.7         web.shop.svc.cluster.local\n0");
    expect(talk("getent hosts box")).toBe("10.244.0.2        box\n0");
    expect(talk("wget -qO- http://web:8080/a/b; wget -q -O - db")).toBe("hellowget: bad address 'db'\n1");
    expect(talk("curl -s -o /dev/null -w '%{http_code}\\n' 10.1.2.3", { TCP: { outcome: "answered", code: 404, text: "x" } })).toBe(
      "404\n0",
    );
    expect(talk("curl web", { TCP: { outcome: "timeout", code: 0, text: "" } })).toContain("curl: (28) Connection timed out");
    expect(talk("echo ping | nc -u -w 2 web 53; nc -z web 80 && echo open")).toBe("helloopen\n0");
    expect(talk("nc -z web 81", { TCP: { outcome: "refused", code: 0, text: "" } })).toBe("nc: web (web:81): Connection refused\n1");
    expect(asked).toEqual(
      expect.arrayContaining([
        "TCP GET 10.96.0.7:8080/a/b ",
        "TCP GET 10.1.2.3:80/ ",
        "UDP UDP 10.96.0.7:53 ping\n",
        "TCP CONNECT 10.96.0.7:80 ",
      ]),
    );
  });

  test("passes on what commands write through pipes, and to and from files", () => {
    expect(sh("env | grep ^A= | wc -l; false | true && echo last; exit 3 | cat; echo $?").out).toBe("1\nlast\n0\n");
    expect(sh("false && echo a | cat; echo b").out).toBe("b\n");
    expect(sh("echo one > /tmp/a; echo two >> /tmp/a; cat /tmp/a; wc -c < /tmp/a; nope 2> /tmp/e; cat /tmp/e")).toMatchObject({
      out: "one\ntwo\n8\nsh: nope: not found\n",
      err: "",
    });
    expect(sh("echo a > /none/b || echo no")).toMatchObject({
      out: "no\n",
      err: "sh: can't create /none/b: No such file or directory\n",
    });
    expect(sh("mkdir -p /w/x; cp /tmp/a /w/x; mv /w/x /w/y; ln -s y/a /w/l; ls /w; cat /w/l | tail -n 1; rm -r /w; ls /w")).toMatchObject({
      out: "l\ny\ntwo\n",
      err: "ls: /w: No such file or directory\n",
    });
    expect(sh("rm /etc/hosts; cat < /nope").err).toBe(
      "rm: can't remove '/etc/hosts': Device or resource busy\nsh: can't open /nope: No such file or directory\n",
    );
  });

  test("reads and writes the archives that the machine's own tar does", () => {
    const folder = mkdtempSync(join(tmpdir(), "wavetank-tar-"));
    try {
      const long = `${"deep/".repeat(30)}${"n".repeat(120)}`;
      sh(`mkdir -p /t/${"deep/".repeat(30)}; echo long > /t/${long}; echo é > /t/b; ln -s b /t/link`);
      for (const [flags, theirs] of [
        ["cf", "xf"],
        ["czf", "xzf"],
      ] as const) {
        const archive = bytesOf(begin(["tar", flags, "-", "-C", "/t", "."]));
        execFileSync("tar", [theirs, "-", "-C", folder], { input: archive });
        expect(readFileSync(join(folder, long), "utf8")).toBe("long\n");
        expect([readFileSync(join(folder, "b"), "utf8"), readlinkSync(join(folder, "link"))]).toEqual(["é\n", "b"]);
      }
      const large = Buffer.alloc(100_000, "0123456789abcdef");
      writeFileSync(join(folder, "large"), large);
      for (const format of ["gnu", "pax", "ustar"]) {
        const archive = execFileSync("tar", [
          `--format=${format}`,
          "-cf",
          "-",
          "-C",
          folder,
          "b",
          "large",
          "link",
          ...(format === "ustar" ? [] : ["deep"]),
        ]);
        const into = begin(["tar", "-xmf", "-", "-C", `/tmp`], { stdin: true });
        // It ends with the archive, before its input does.
        for (let at = 0; at < archive.length; at += 10_007) feedSession(into, archive.subarray(at, at + 10_007));
        expect(advanceSession(into, place)).toEqual([{ type: "exit", code: 0 }]);
        expect(Buffer.from(bytesOf(begin(["cat", "/tmp/large"]))).equals(large)).toBe(true);
        expect(sh("cat /tmp/link; ls -l /tmp/link").out).toMatch(/^é\nlrwxrwxrwx .* Nov {2}5 09:08 \/tmp\/link -> b\n$/);
        if (format !== "ustar") expect(sh(`cat /tmp/${long}`).out).toBe("long\n");
        sh("rm -r /tmp/b /tmp/large /tmp/link /tmp/deep");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("refuses archives that are none, and writes nothing above the folder", () => {
    const extract = (bytes: Uint8Array) => run(begin(["tar", "xf", "-", "-C", "/tmp"], { stdin: true }), bytes);
    expect(extract(Buffer.alloc(600, "x"))).toMatchObject({ err: "tar: invalid tar magic\n", code: 1 });
    expect(extract(Buffer.from("short"))).toMatchObject({ err: "tar: short read\n", code: 1 });
    const [head] = archived("../../etc/evil", { is: "file", parts: [], size: 0, mode: 0o644, mtimeS: 0 });
    expect(extract(head!)).toMatchObject({ code: 0 });
    expect(sh("ls /etc/evil; cat /tmp/etc/evil && echo here")).toMatchObject({
      out: "here\n",
      err: "ls: /etc/evil: No such file or directory\n",
    });
    const broken = head!.slice();
    broken[0]! ^= 1;
    expect(extract(broken)).toMatchObject({ err: "tar: invalid tar header checksum\n", code: 1 });
    expect(sh("tar cf - /nope")).toMatchObject({ code: 1, err: expect.stringContaining("tar: /nope: No such file or directory\n") });
    expect(sh("tar xf - -C /nope; tar q; tar --wild x").err).toBe(
      "tar: can't change directory to '/nope': No such file or directory\ntar: unrecognized option: q\ntar: unrecognized option '--wild'\n",
    );
  });

  test("holds so much and no more", () => {
    const full = { ...place, files: newFiles() };
    const session = begin(["sh", "-c", "cat > /big"], { stdin: true });
    const megabyte = new Uint8Array(1 << 20);
    const said: string[] = [];
    for (let piece = 0; piece < 33; piece++) {
      feedSession(session, megabyte);
      for (const effect of advanceSession(session, full)) if (effect.type === "stderr") said.push(decoder.decode(effect.bytes));
    }
    expect(said).toEqual(["sh: write error: No space left on device\n"]);
    expect(full.files.bytes).toBe(32 << 20);
    const idle = begin(["sleep", "infinity"], { stdin: true });
    const ends = Array.from({ length: 20 }, () => feedSession(idle, megabyte)).flat();
    expect(ends.filter(({ type }) => type === "exit")).toEqual([{ type: "exit", code: 1 }]);
    expect(idle.inputBytes).toBe(0);
  });

  test("knows its container: names, addresses, files, the time", () => {
    expect(sh("hostname; hostname -i; whoami; date; date +%s").out).toBe(
      "box\n10.244.0.2\nroot\nThu Nov  5 09:08:07 UTC 2026\n1793869687\n",
    );
    expect(sh("cat /etc/hostname; ls /etc; cat /nope")).toMatchObject({
      out: "box\nhostname\nhosts\nresolv.conf\n",
      err: "cat: can't open '/nope': No such file or directory\n",
      code: 1,
    });
    expect(sh("[ -f /etc/hosts ] && echo there; test a = b || echo differs").out).toBe("there\ndiffers\n");
  });

  test("reads what its volumes show, and does not write there", () => {
    expect(sh("cat /settings/colour; ls -l /settings; echo red > /settings/colour")).toMatchObject({
      out: expect.stringMatching(/^blue-r--------.* 4 .*colour\n$/s),
      err: "sh: can't create /settings/colour: Read-only file system\n",
      code: 1,
    });
  });

  test("has a root that cannot be written where its pod says so, but for what is mounted", () => {
    const frozen: Place = {
      ...place,
      files: newFiles(),
      mounts: [{ path: "/cache", files: newFiles(), base: "/", readOnly: false, mode: 0o777 }],
      readOnlyRoot: true,
      terminationPath: "/why",
    };
    const there = (script: string) => {
      const said = { out: "", err: "" };
      for (const effect of advanceSession(begin(["sh", "-c", script]), frozen))
        if (effect.type === "stdout") said.out += decoder.decode(effect.bytes);
        else if (effect.type === "stderr") said.err += decoder.decode(effect.bytes);
      return said;
    };
    expect(there("echo a > /file; mkdir /tmp/d; ln -s /a /tmp/l; echo a >> /etc/hosts; cat /file").err).toBe(
      [
        "sh: can't create /file: Read-only file system",
        "mkdir: can't create directory '/tmp/d': Read-only file system",
        "ln: /tmp/l: Read-only file system",
        "sh: can't create /etc/hosts: Read-only file system",
        "cat: can't open '/file': No such file or directory\n",
      ].join("\n"),
    );
    expect(there("mkdir /cache/d; echo b > /cache/d/b; echo why > /why; cat /cache/d/b /why; ls /; rm -r /cache/d; ls /cache")).toEqual({
      out: "b\nwhy\ncache\netc\nhome\nproc\nroot\nsettings\ntmp\nvar\nwhy\n",
      err: "",
    });
    expect(there("rm -r /cache").err).toBe("rm: can't remove '/cache': Device or resource busy\n");
  });

  test("reads commands from its input to the end", () => {
    const session = begin(["sh"], { stdin: true });
    expect(run(session, "echo one\nnope\nexit 4")).toEqual({ out: "one\n", err: "sh: nope: not found\n", code: 4, slept: 0 });
    expect(run(begin(["cat"], { stdin: true }), "a\nb")).toMatchObject({ out: "a\nb", code: 0 });
  });

  test("echoes on a terminal, obeys backspace, Ctrl-C and Ctrl-D, and shows a prompt", () => {
    const session = begin(["sh"], { stdin: true, tty: true });
    expect(run(session).out).toBe("/ # ");
    expect(run(session, "ehco\x7f\x7f\x7fcho hi\r").out).toBe("ehco\b \b\b \b\b \bcho hi\r\nhi\r\n/ # ");
    expect(run(session, "half\x03").out).toBe("half^C\r\n/ # ");
    feedSession(session, encoder.encode("sleep 100\r"));
    advanceSession(session, place);
    expect(run(session, "\x03").out).toBe("^C\r\n/ # ");
    expect(run(session, "\x04").code).toBe(130);
  });
});

// The same for hours, with other seeds: npm run soak.
test("hostile commands and archives neither break a container's processes nor take more than it has", () => {
  const siege = besiegeShell(1, 120);
  expect(siege.violations).toEqual([]);
  expect(siege.succeeded).toBeGreaterThan(10);
  expect(siege.entries).toBeGreaterThan(10);
});

test("paths that are too long are refused, and directories lie in each other so deeply and no deeper", () => {
  const said = (script: string) => run(begin(["sh"], { stdin: true }), script);
  const deep = `/tmp/${"d/".repeat(390)}`;
  expect(said(`mkdir -p ${deep} && tar -cf /tmp/all.tar /tmp/d && cat ${deep}`)).toMatchObject({
    err: expect.stringContaining("Is a directory"),
  });
  expect(said(`mkdir -p /tmp/${"d/".repeat(2_000)}`)).toMatchObject({ code: 1, err: expect.stringContaining("File name too long") });
  expect(said(`cat /${"a/".repeat(200_000)}b`)).toMatchObject({ code: 1, err: expect.stringContaining("File name too long") });
  expect(said(`tar -c /tmp/none${"/".repeat(300_000)}x`).code).toBe(1);
});

test("a script that runs itself ends, as one that lets its words grow without end", () => {
  expect(sh('A=\'sh -c "$A"\'; sh -c "$A"')).toMatchObject({ code: 2, err: "sh: can't fork: Resource temporarily unavailable\n" });
  const doubling = `${"A=$A$A;".repeat(60)} echo done`;
  expect(sh(doubling)).toMatchObject({ code: 0, out: "done\n", err: expect.stringContaining("Argument list too long") });
  expect(sh(`${"A=$A$A;".repeat(19)} echo ${"$A".repeat(3_000)}`).code).toBe(126);
});

test("a terminal takes so much of a line that is not ended, and no more", () => {
  const session = begin(["sh"], { stdin: true, tty: true });
  const echoed = feedSession(session, encoder.encode("x".repeat(100_000)));
  expect(echoed.reduce((sum, effect) => sum + (effect.type === "stdout" ? effect.bytes.length : 0), 0)).toBe(4_095);
});
