import { address } from "../../../protocol/address";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { AnyActor } from "../../../runtime/actor";
import { type Json, Tank } from "../server/tank";

/** What a webhook is asked, and what it says: null lets it be silent, a number is an HTTP code without a review. */
export type Say = (request: Json, review: Json) => Json | number | null;

/** Webhooks as one actor, told apart by the path that is asked for. */
export class Hooks {
  readonly asked: { readonly path: string; readonly review: Json; readonly url: string; readonly headers: HttpRequest["headers"] }[] = [];
  private readonly says = new Map<string, Say>();

  on(path: string, say: Say): this {
    this.says.set(path, say);
    return this;
  }

  requests(path: string): Json[] {
    return this.asked.filter((each) => each.path === path).map(({ review }) => review.request);
  }

  get actor(): AnyActor {
    return {
      role: "hooks",
      start: () => null,
      receive: (_state, input, ctx) => {
        if (input.type !== "request") return undefined;
        const { url, body, headers } = input.body as HttpRequest;
        const { pathname } = new URL(url);
        const review = JSON.parse(Buffer.from(body).toString());
        this.asked.push({ path: pathname, review, url, headers });
        const said = this.says.get(pathname)?.(review.request, review);
        if (said === null) return undefined;
        const response: HttpResponse =
          typeof said === "number" || said === undefined
            ? { kind: "http.response", code: said ?? 404, headers: [], body: Buffer.from("broken") }
            : {
                ...{ kind: "http.response", code: 200, headers: [["content-type", "application/json"]] },
                body: Buffer.from(JSON.stringify(said.kind ? said : answer(review, said))),
              };
        ctx.reply(input.request, response);
        return undefined;
      },
    };
  }
}

export const answer = (review: Json, response: Json): Json => ({
  ...{ kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1" },
  response: { uid: review.request.uid, ...response },
});
export const allow = (): Json => ({ allowed: true });
export const deny = (message: string, more: Json = {}): Json => ({ allowed: false, status: { message, ...more } });
export const patch = (...operations: Json[]): Json => ({
  ...{ allowed: true, patchType: "JSONPatch" },
  patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
});

/** A tank whose webhooks are played by these; they are reached through the Service hooks/hooks. */
export function hookedTank(hooks: Hooks, servers = 1, more: NonNullable<ConstructorParameters<typeof Tank>[0]> = {}): Tank {
  const tank = new Tank({ servers, actors: [hooks.actor], web: { "hooks.hooks.svc:443": address("hooks", 0) }, ...more });
  tank.namespace("default");
  return tank;
}

export const podRule = { apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE", "UPDATE"], resources: ["pods", "configmaps"] };

export const webhook = (name: string, more: Json = {}): Json => ({
  name: `${name}.example.com`,
  clientConfig: { service: { namespace: "hooks", name: "hooks", path: `/${name}` } },
  ...{ admissionReviewVersions: ["v1"], sideEffects: "None", rules: [podRule] },
  ...more,
});

export const configurations = (kind: "validating" | "mutating") => `/apis/admissionregistration.k8s.io/v1/${kind}webhookconfigurations`;

/** Makes a configuration of these webhooks and lets it be heard of. */
export function configure(tank: Tank, kind: "validating" | "mutating", name: string, ...webhooks: Json[]): void {
  const made = tank.create(configurations(kind), { metadata: { name }, webhooks });
  if (made.code !== 201) throw new Error(made.text);
  tank.simulation.runFor(100);
}
