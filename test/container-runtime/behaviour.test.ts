import { type AdmissionBehaviour, admissionAnswer } from "../../actors/container-runtime/admission-behaviour";
import { interpretCommand } from "../../actors/container-runtime/command";
import { appendLine, type LogLine, logLinesMax, selectLog } from "../../actors/container-runtime/container-log";
import { behaviourOf, defaultBehaviour, matchesImage, wrongWithBehaviour } from "../../actors/container-runtime/image-behaviour";
import { terminationMessage } from "../../actors/container-runtime/termination-message";

describe("declared behaviour", () => {
  test.each([
    ["shop/web", "shop/web:2", true],
    ["shop/web", "shop/web", true],
    ["shop/web", "shop/webhook:2", false],
    ["shop/web:1", "shop/web:2", false],
    ["shop/*", "shop/web:2", true],
    ["*/web:1", "registry:5000/shop/web:1", true],
    ["a*b*c", "abc", true],
    ["a*bc*c", "abc", false],
  ])("%s means %s: %s", (pattern, image, expected) => {
    expect(matchesImage(pattern, image)).toBe(expected);
  });

  test("the first that matches holds, over the default", () => {
    const behaviours = [
      { image: "shop/web:2", code: 500 },
      { image: "shop/web", code: 404 },
    ];
    expect(behaviourOf("shop/web:2", behaviours).code).toBe(500);
    expect(behaviourOf("shop/web:3", behaviours).code).toBe(404);
    expect(behaviourOf("nginx", behaviours)).toEqual({ ...defaultBehaviour, image: "nginx" });
  });

  test("what is wrong with a declaration is said with its path", () => {
    expect(wrongWithBehaviour({ image: "a", latencyMs: { min: 5, max: 1 }, colour: "red" }, "images[0]")).toEqual([
      "images[0].latencyMs: expected milliseconds, or { min, max } with min not above max",
      expect.stringMatching(/^images\[0\]\.colour: unknown field; known are image, pullMs, /),
    ]);
    expect(wrongWithBehaviour({ code: 200 }, "images[1]")).toEqual(["images[1].image: expected the name of an image"]);
    expect(wrongWithBehaviour({ image: "a", latencyMs: 3, readyAfterMs: { min: 1, max: 2 }, logLines: ["x"] }, "images[2]")).toEqual([]);
  });
});

describe("an image that plays an admission webhook", () => {
  const review = (request: object) => Buffer.from(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", request }));
  const said = (behaviour: AdmissionBehaviour, request: object) => JSON.parse(admissionAnswer(behaviour, review(request))!).response;

  test("allows, denies or changes what it is asked about, with warnings", () => {
    const asked = { uid: "u", object: {} };
    expect(said("allow", asked)).toEqual({ uid: "u", allowed: true });
    expect(said({ deny: "no", warnings: ["w"] }, asked)).toEqual({ uid: "u", allowed: false, status: { message: "no" }, warnings: ["w"] });
    const operations = [{ op: "add", path: "/x", value: 1 }];
    const { patch, ...rest } = said({ patch: operations }, asked);
    expect(rest).toEqual({ uid: "u", allowed: true, patchType: "JSONPatch" });
    expect(JSON.parse(Buffer.from(patch, "base64").toString())).toEqual(operations);
    expect(said({ patch: operations }, { uid: "u", object: null })).toEqual({ uid: "u", allowed: true });
  });

  test("answers nothing but AdmissionReviews", () => {
    for (const text of ["", "{}", "null", "[1]", "{"]) expect(admissionAnswer("allow", Buffer.from(text))).toBeUndefined();
  });

  test("is declared as one of the three", () => {
    const wrong = (admission: unknown) => wrongWithBehaviour({ image: "a", admission }, "images[0]");
    for (const right of ["allow", { deny: "no" }, { patch: [{ op: "remove", path: "/x" }], warnings: ["w"] }])
      expect(wrong(right)).toEqual([]);
    for (const odd of ["deny", {}, { deny: 1 }, { deny: "a", patch: [] }, { patch: "x" }, null])
      expect(wrong(odd)).toEqual([expect.stringMatching(/^images\[0\]\.admission: expected "allow", /)]);
  });
});

describe("commands that need no image", () => {
  test.each([
    [["sleep", "5"], { exitAfterMs: 5000, exitCode: 0, logLines: [] }],
    [["sh", "-c", "sleep 2; exit 3"], { exitAfterMs: 2000, exitCode: 3, logLines: [] }],
    [["sh", "-c", "echo 'hello world' && false && echo never"], { exitAfterMs: 0, exitCode: 1, logLines: ["hello world"] }],
    [["/bin/true"], { exitAfterMs: 0, exitCode: 0, logLines: [] }],
    [["sleep", "infinity"], { logLines: [] }],
    [
      ["/bin/sh", "-c", "/bin/echo -n DONE > /dev/termination-log; exit 2"],
      { exitAfterMs: 0, exitCode: 2, logLines: [], terminationMessage: "DONE" },
    ],
    [["sh", "-c", "echo a; echo -n b"], { exitAfterMs: 0, exitCode: 0, logLines: ["a"], openLine: "b" }],
    [["sh", "-c", "echo a > /tmp/other"], undefined],
    [["nginx", "-g", "daemon off;"], undefined],
  ])("%j", (command, expected) => {
    expect(interpretCommand(command)).toEqual(expected);
  });
});

// Source: "Determine the Reason for Pod Failure".
test("a termination message is the end of its file, or of the log of what failed without a word", () => {
  const lines = (count: number, text: string): LogLine[] => Array.from({ length: count }, (_, at) => ({ atUs: at, text: `${text}${at}` }));
  const message = (file: string, log: readonly LogLine[], exitCode = 1, fallsBackToLogs = true) =>
    terminationMessage({ path: "/m", fallsBackToLogs }, new TextEncoder().encode(file), log, exitCode);
  expect(message(`${"a".repeat(10)}${"b".repeat(4096)}`, [])).toBe("b".repeat(4096));
  expect(message("why\n", lines(1, "log"))).toBe("why\n");
  expect([message("", lines(1, "log"), 0), message("", lines(1, "log"), 1, false)]).toEqual(["", ""]);
  expect(message("", lines(100, "")).split("\n")).toEqual([...lines(80, "").map((_, at) => String(at + 20)), ""]);
  const long = message("", lines(80, "x".repeat(100)));
  expect([long.length, long.endsWith("x79\n")]).toEqual([2048, true]);
  expect(message("", [{ atUs: 0, text: "DONE", isOpen: true }])).toBe("DONE");
});

describe("a container's log", () => {
  const lines: LogLine[] = ["one", "two", "three"].map((text, at) => ({ atUs: 1_767_225_600_000_000 + at * 1_000_000, text }));
  const all = { timestamps: false, tailLines: -1, limitBytes: -1, sinceUs: 0 };
  const text = (selection: Partial<typeof all>) => new TextDecoder().decode(selectLog(lines, { ...all, ...selection }));

  test("is cut by time, by lines, by bytes, in that order (kubectl logs)", () => {
    expect(text({})).toBe("one\ntwo\nthree\n");
    expect(text({ tailLines: 1 })).toBe("three\n");
    expect(text({ tailLines: 0 })).toBe("");
    expect(text({ sinceUs: lines[1]!.atUs, tailLines: 2, limitBytes: 5 })).toBe("two\nt");
    expect(text({ timestamps: true, tailLines: 1 })).toBe("2026-01-01T00:00:02.000000000Z three\n");
  });

  test("keeps the newest lines and never grows beyond its bound", () => {
    const log: LogLine[] = [];
    for (let at = 0; at < 3 * logLinesMax; at += 1) {
      appendLine(log, { atUs: at, text: String(at) });
      if (log.length > logLinesMax) throw new Error("the log grew beyond its bound");
    }
    expect(log.at(-1)?.text).toBe(String(3 * logLinesMax - 1));
  });
});
