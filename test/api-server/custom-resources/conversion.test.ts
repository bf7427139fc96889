import { address } from "../../../protocol/address";
import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { AnyActor } from "../../../runtime/actor";
import { type Json, Tank } from "../server/tank";
import { install, version, widget, widgetDefinition, widgets } from "./definitions";

const v2 = widgets.replace("/v1/", "/v2/");
const schemaV2 = {
  openAPIV3Schema: {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: { sizes: { type: "object", properties: { main: { type: "integer" } } }, color: { type: "string" } },
      },
    },
  },
};

/** What the webhook was asked, and how it misbehaves. */
interface Behaviour {
  reviews: number;
  objects: number;
  spoil: (answer: Json) => Json;
  silent: boolean;
}

const newBehaviour = (): Behaviour => ({ reviews: 0, objects: 0, spoil: (answer) => answer, silent: false });

/** A webhook between v1 (spec.size) and v2 (spec.sizes.main), as an actor. */
function converter(behaviour: Behaviour): AnyActor {
  return {
    role: "webhook",
    start: () => null,
    receive: (_state, input, ctx) => {
      if (input.type !== "request" || behaviour.silent) return undefined;
      const { request } = JSON.parse(Buffer.from((input.body as HttpRequest).body).toString()) as Json;
      behaviour.reviews += 1;
      behaviour.objects += request.objects.length;
      const convertedObjects = request.objects.map((object: Json) => converted(object, request.desiredAPIVersion));
      const response = { uid: request.uid, convertedObjects, result: { status: "Success" } };
      const body = Buffer.from(
        JSON.stringify(behaviour.spoil({ apiVersion: "apiextensions.k8s.io/v1", kind: "ConversionReview", response })),
      );
      const answer: HttpResponse = { kind: "http.response", code: 200, headers: [], body };
      ctx.reply(input.request, answer);
      return undefined;
    },
  };
}

function converted(object: Json, apiVersion: string): Json {
  const { size, sizes, ...rest } = object.spec;
  const spec = apiVersion.endsWith("v2") ? { ...rest, sizes: { main: size } } : { ...rest, size: sizes.main };
  return { ...object, apiVersion, spec };
}

const definition = (clientConfig: Json = { service: { namespace: "default", name: "converter", path: "/convert", port: 443 } }): Json =>
  widgetDefinition({
    versions: [version("v1"), version("v2", { schema: schemaV2, selectableFields: [{ jsonPath: ".spec.sizes.main" }] })],
    conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } },
  });

function tankWith(behaviour: Behaviour): Tank {
  const tank = new Tank({ actors: [converter(behaviour)], web: { "converter.default.svc:443": address("webhook", 0) } });
  install(tank, definition());
  return tank;
}

const widgetV2 = (name: string, main: number) => ({
  apiVersion: "shop.example.com/v2",
  kind: "Widget",
  metadata: { name },
  spec: { sizes: { main } },
});

describe("a conversion webhook", () => {
  it("converts what is written, read, listed, selected and patched in a version that is not the stored one", () => {
    const behaviour = newBehaviour();
    const tank = tankWith(behaviour);
    expect(tank.create(v2, widgetV2("a", 3)).body).toMatchObject({ apiVersion: "shop.example.com/v2", spec: { sizes: { main: 3 } } });
    expect(tank.get(`${widgets}/a`).body).toMatchObject({ apiVersion: "shop.example.com/v1", spec: { size: 3, color: "red" } });
    tank.create(widgets, widget("b", { size: 5 }));
    expect(tank.get(v2).body.items.map(({ apiVersion, spec }: Json) => [apiVersion, spec.sizes.main])).toEqual([
      ["shop.example.com/v2", 3],
      ["shop.example.com/v2", 5],
    ]);
    expect(tank.get(`${v2}?fieldSelector=spec.sizes.main=5`).body.items.map(({ metadata }: Json) => metadata.name)).toEqual(["b"]);
    expect(tank.patch(`${v2}/b`, "merge", { spec: { sizes: { main: 6 } } }).body.spec).toEqual({ sizes: { main: 6 }, color: "red" });
    expect(tank.get(`${widgets}/b`).body.spec).toEqual({ size: 6, color: "red" });
    expect(
      tank.patch(
        `${v2}/b?fieldManager=me`,
        "apply",
        { apiVersion: "shop.example.com/v2", kind: "Widget", spec: { sizes: { main: 7 } } },
        {},
      ).code,
    ).toBe(409);
    expect(tank.delete(`${v2}/b`).code).toBe(200);
    // An object that did not change is converted once, however often it is read.
    const before = behaviour.objects;
    for (let i = 0; i < 5; i++) tank.get(v2);
    expect(behaviour.objects - before).toBeLessThanOrEqual(1);
  });

  it("lets a watch tell everything once and in order, and bookmarks wait behind it", () => {
    const tank = tankWith(newBehaviour());
    tank.create(widgets, widget("a", { size: 1 }));
    const watched = tank.watch(`${v2}?watch=true`);
    for (const size of [2, 3, 4]) tank.patch(`${widgets}/a`, "merge", { spec: { size } });
    tank.delete(`${widgets}/a`);
    tank.simulation.runFor(1_000);
    expect(watched.events.map(({ type, object }) => [type, object.apiVersion, object.spec.sizes.main])).toEqual([
      ["ADDED", "shop.example.com/v2", 1],
      ["MODIFIED", "shop.example.com/v2", 2],
      ["MODIFIED", "shop.example.com/v2", 3],
      ["MODIFIED", "shop.example.com/v2", 4],
      ["DELETED", "shop.example.com/v2", 4],
    ]);
  });

  it.each<readonly [what: string, spoil: (answer: Json) => Json, message: string]>([
    ["another uid", ({ response, ...rest }) => ({ ...rest, response: { ...response, uid: "x" } }), 'expected response.uid "'],
    [
      "too few objects",
      ({ response, ...rest }) => ({ ...rest, response: { ...response, convertedObjects: [] } }),
      "returned 0 objects, expected 1",
    ],
    [
      "a failure",
      ({ response, ...rest }) => ({ ...rest, response: { ...response, result: { status: "Failed", message: "no idea" } } }),
      "failed: no idea",
    ],
    [
      "another object",
      (answer) => {
        answer.response.convertedObjects[0].metadata.name = "z";
        return answer;
      },
      "invalid metadata.name: must not be changed",
    ],
    ["no review", () => ({}), "failed: the answer is no ConversionReview with a response"],
  ])("is not believed when it answers with %s", (_what, spoil, message) => {
    const behaviour = newBehaviour();
    const tank = tankWith(behaviour);
    tank.create(widgets, widget("a", { size: 1 }));
    behaviour.spoil = spoil;
    const reply = tank.get(`${v2}/a`);
    expect(reply.code).toBe(500);
    expect(reply.body.message).toContain(`conversion webhook for shop.example.com/v2, Kind=Widget `);
    expect(reply.body.message).toContain(message);
    expect(tank.get(`${widgets}/a`).code).toBe(200);
    const watched = tank.watch(`${v2}?watch=true&resourceVersion=0`);
    expect(watched.response?.code).toBe(500);
  });

  it("that does not answer delays no one but those who need it, and is given up after its time", () => {
    const behaviour = newBehaviour();
    const tank = tankWith(behaviour);
    tank.create(widgets, widget("a", { size: 1 }));
    behaviour.silent = true;
    let late: Json;
    tank.ask("GET", `${v2}/a`, { deadlineMs: 60_000 }, (reply) => {
      late = reply;
    });
    expect(tank.get(`${widgets}/a`).code).toBe(200);
    tank.simulation.runFor(31_000);
    expect(late).toMatchObject({ code: 500, body: { message: expect.stringContaining("context deadline exceeded") } });
  });

  it("is found by its Service or URL, and pods' and Services' addresses are never dialled", () => {
    const tank = new Tank();
    const message = (clientConfig: Json) => {
      install(tank, definition(clientConfig));
      tank.create(widgets, widget("a", { size: 1 }));
      const said = tank.get(`${v2}/a`).body.message as string;
      tank.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com");
      tank.simulation.runFor(1_000);
      return said;
    };
    const service = { namespace: "default", name: "converter", path: "/convert", port: 443 };
    expect(message({ service })).toContain('service "converter" not found');
    tank.create("/api/v1/namespaces/default/services", {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "converter" },
      spec: { ports: [{ port: 443 }] },
    });
    expect(message({ service })).toContain('no endpoints available for service "converter"');
    expect(message({ service: { ...service, port: 80 } })).toContain('no service port 80 found for service "converter"');
    expect(message({ url: "https://10.96.0.1/convert" })).toContain("of the cluster's own network, which nothing dials");
    expect(message({ url: "https://converter.default.svc/convert" })).toContain('no endpoints available for service "converter"');
    // A simulated world has no door to the real one.
    expect(message({ url: "https://example.com/convert" })).toContain("lookup example.com: no such host");
  });
});
