import type { Place } from "../../actors/container-runtime/shell/programs";
import { advanceSession, beginSession, feedSession, type Session, wakeSession } from "../../actors/container-runtime/shell/session";

const place: Place = {
  hostname: "box",
  namespace: "shop",
  ip: "10.244.0.2",
  mainCommand: ["sleep", "1d"],
  nowMs: Date.UTC(2026, 10, 5, 9, 8, 7),
};

function begin(
  command: readonly string[],
  options: { stdin?: boolean; tty?: boolean; environment?: readonly (readonly [string, string])[] } = {},
): Session {
  const { stdin = false, tty = false, environment = [] } = options;
  const begun = beginSession(command, { stdin, tty, environment });
  if (!begun.ok) throw new Error(begun.message);
  return begun.session;
}

/** What is written and how it ends; sleeps are slept at once. */
function run(session: Session, input?: string) {
  const said = { out: "", err: "", code: undefined as number | undefined, slept: 0 };
  const note = (effects: ReturnType<typeof advanceSession>) => {
    for (const effect of effects) {
      if (effect.type === "stdout") said.out += effect.text;
      else if (effect.type === "stderr") said.err += effect.text;
      else if (effect.type === "exit") said.code = effect.code;
      else if (effect.type === "sleep") said.slept += effect.ms;
    }
  };
  if (input !== undefined) {
    note(feedSession(session, input));
    if (!session.terminal) session.inputEnded = true;
  }
  for (let turn = 0; turn < 20 && said.code === undefined; turn++) {
    note(advanceSession(session, place));
    if (session.waiting !== "sleep") break;
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
    expect(sh("echo a > /tmp/file")).toMatchObject({ code: 2, err: expect.stringContaining('does not know ">"') });
  });

  test("fills in variables outside of single quotes, and only those", () => {
    expect(sh(`echo $A "\${A}d" '$A' "$A"d $?`).out).toBe("b c b cd $A b cd 0\n");
    expect(sh("X=1; echo $X; export Y=2; printenv Y; false; echo $?").out).toBe("1\n2\n1\n");
  });

  test("says of what it does not have or know what it is, and does not guess", () => {
    expect(sh("curl http://web")).toMatchObject({ err: "sh: curl: not found\n", code: 127 });
    expect(sh("ls | wc")).toMatchObject({ err: 'sh: syntax error: this simulated shell does not know "|"\n', code: 2 });
    expect(sh("if true; then echo a; fi").err).toContain('does not know "if"');
    expect(sh("echo 'open").err).toContain("unterminated quoted string");
    expect(beginSession(["/bin/nope"], { stdin: false, tty: false, environment: [] })).toEqual({
      ok: false,
      message: 'exec: "/bin/nope": stat /bin/nope: no such file or directory',
    });
    expect(beginSession(["exit"], { stdin: false, tty: false, environment: [] })).toMatchObject({ ok: false });
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
    feedSession(session, "sleep 100\r");
    advanceSession(session, place);
    expect(run(session, "\x03").out).toBe("^C\r\n/ # ");
    expect(run(session, "\x04").code).toBe(130);
  });
});
