import { roleOf } from "../../protocol/address";
import { decode, encode, type Message } from "../../protocol/codec";
import type { Envelope } from "../../protocol/envelope";
import type { KmsMessage, KmsResponse } from "../../protocol/kms";
import type { HttpResponse } from "../../protocol/web";
import type { Interposer } from "../../runtime/interposer";
import { percentSchema } from "../schema";
import { count, type Fault } from "./fault";
import { probabilityOf } from "./network";

const ways = ["error", "garbage", "contrary"] as const;
type Way = (typeof ways)[number];

export const wrongAnswers: Fault = {
  name: "wrong-answers",
  what: "Whom API servers ask outside of the cluster gives wrong answers: a webhook with 500, with what is no review, or with the contrary of what it thinks; a key service with an error, with what is no key, or as if it encrypted by another key than it says.",
  params: {
    way: {
      enum: [...ways],
      description: "error: it fails; garbage: nobody can read it; contrary: it can be read and is wrong; error where not given",
    },
    rate: { ...percentSchema, description: "the share of the answers that are wrong; all where not given" },
  },
  required: [],
  silences: false,
  swarm: {
    roles: ["webhook", "key-service"],
    params: (d) => ({ way: ways[Math.floor(d * ways.length)]!, rate: `${Math.round(10 + ((d * 97) % 1) * 90)}%` }),
  },
  begin(tank, hosts, params, id) {
    const way = (params.way ?? "error") as Way;
    const probability = probabilityOf(params.rate ?? "100%");
    let asked = 0;
    let wrong = 0;
    const interposers = hosts.map((host) =>
      tank.interpose(
        host,
        (): Interposer => ({
          leaving(envelope) {
            const isItsAnswer = envelope.operation === "answer" && asksOutside.has(roleOf(envelope.from));
            if (!isItsAnswer || tank.draw(`${id} ${host}`, "wrong", asked++) >= probability) return "pass";
            const body = spoiled(envelope, way);
            if (body === undefined) return "pass";
            wrong++;
            return [{ ...envelope, kind: body.kind, body: encode(body) }];
          },
        }),
      ),
    );
    const soFar = () => count(wrong, "wrong answer", "given");
    return {
      soFar,
      end() {
        for (const interposer of interposers) interposer.cancel();
        return soFar();
      },
    };
  },
};

const asksOutside: ReadonlySet<string> = new Set(["webhook", "key-service"]);

/** What is said instead; undefined of an answer that is wrong already. */
function spoiled({ body }: Envelope, way: Way): Message | undefined {
  const answer = decode(body) as HttpResponse | KmsMessage;
  return answer.kind === "http.response" ? spoiledReview(answer, way) : spoiledKey(answer as KmsResponse, way);
}

function spoiledReview(answer: HttpResponse, way: Way): HttpResponse | undefined {
  if (answer.code !== 200) return undefined;
  const text = Buffer.from(answer.body).toString("utf8");
  switch (way) {
    case "error":
      return { ...answer, code: 500, body: Buffer.from("a fault of the storm") };
    case "garbage":
      return { ...answer, body: Buffer.from(text.slice(0, text.length / 2)) };
    case "contrary":
      return { ...answer, body: Buffer.from(JSON.stringify(contraryOf(JSON.parse(text) as Review))) };
  }
}

interface Verdict {
  readonly allowed?: boolean;
}
interface Review {
  readonly status?: Verdict;
  readonly response?: Verdict;
}

/** Who was allowed is denied and the other way round; whom a SubjectAccessReview has no opinion on is allowed. */
function contraryOf({ status, response, ...review }: Review): object {
  if (status) return { ...review, status: status.allowed ? { allowed: false, denied: true } : { allowed: true } };
  const { allowed, ...others } = response ?? {};
  // A patch is for what is allowed.
  const { patch: _, patchType: __, ...rest } = others as Readonly<Record<string, unknown>>;
  return { ...review, response: { ...rest, allowed: !allowed } };
}

function spoiledKey(answer: KmsResponse, way: Way): KmsResponse | undefined {
  if (answer.kind === "kms.error") return undefined;
  if (way === "error") return { kind: "kms.error", message: "rpc error: code = Unknown desc = a fault of the storm" };
  switch (answer.kind) {
    case "kms.status.response":
      return way === "garbage" ? { ...answer, version: "", healthz: "", keyId: "" } : { ...answer, keyId: `${answer.keyId}-another` };
    case "kms.encrypt.response":
      return way === "garbage" ? { ...answer, ciphertext: new Uint8Array() } : { ...answer, keyId: `${answer.keyId}-yet-another` };
    case "kms.decrypt.response":
      // Of the right length it would be believed, by a real server for an hour.
      return { ...answer, plaintext: answer.plaintext.subarray(0, 7) };
  }
}
