import type { AuditPolicy } from "../../actors/api-server/audit/policy";
import type { ServerState } from "../../actors/api-server/state";
import { address } from "../../protocol/address";
import type { Kind } from "../../protocol/kinds/registry";
import { Tank } from "./server/tank";

test("a request that meets a bug of the server is answered with 500 and written down; the others go on", () => {
  const audit: AuditPolicy = { rules: [{ level: "Metadata", resources: [{ group: "", resources: ["secrets"] }] }] };
  const tank = new Tank({ mayPanic: true, knobs: { "max-requests-inflight": 6, "max-mutating-requests-inflight": 4 }, config: { audit } });
  tank.namespace("shop");
  const watched = tank.watch("/api/v1/namespaces/shop/configmaps?watch=1");
  const state = tank.simulation.stateOf<ServerState>(address("apiserver", 0))!;
  const served = state.served;
  state.served = Object.create(served, {
    storedResourceOf: {
      value: (kind: Kind) => {
        if (kind.plural === "secrets") throw new Error("planted");
        return served.storedResourceOf(kind);
      },
    },
  });
  const refused = tank.get("/api/v1/namespaces/shop/secrets");
  expect([refused.code, refused.body.reason, refused.body.message]).toEqual([
    500,
    "InternalError",
    "Internal error occurred: this request met a bug of the API server, whose log tells more",
  ]);
  const panics = tank.facts.filter((fact) => fact.kind === "apiserver.panic");
  expect(panics).toMatchObject([{ request: "list /api/v1/namespaces/shop/secrets", error: expect.stringContaining("planted") }]);
  // The audit log says what the client is not told.
  const audited = tank.facts.filter(({ kind }) => kind === "audit.event").map(({ event }) => event as { readonly stage: string });
  expect(audited.map(({ stage }) => stage)).not.toContain("ResponseComplete");
  expect(audited.at(-1)).toMatchObject({ stage: "Panic" });
  expect(audited.at(-1)).toMatchObject({
    responseStatus: { code: 500, status: "Failure", reason: "InternalError", message: "APIServer panic'd: planted" },
  });
  // The same life of the server, and its watches.
  expect(tank.create("/api/v1/namespaces/shop/configmaps", { metadata: { name: "c" } }).code).toBe(201);
  tank.simulation.runFor(1_000);
  expect(watched.closed).toBeUndefined();
  expect(watched.events.map((event) => event.object.metadata.name)).toContain("c");
  // Seats that it held are free again.
  for (let n = 0; n < 30; n++) expect(tank.get("/api/v1/namespaces/shop/secrets").code).toBe(500);
  expect(tank.get("/api/v1/namespaces/shop/configmaps").code).toBe(200);
});
