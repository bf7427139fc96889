import type { IncomingMessage, ServerResponse } from "node:http";
import { readSubject } from "../../runtime/live/certificates";
import { Refused } from "./fault-request";
import type { FaultService } from "./fault-service";

const bodyMaxBytes = 65_536;
const root = "/faults";

/**
 * The door of the fault service, at the hub's HTTPS address, which stands whatever becomes of API servers: POST /faults, GET /faults, PUT and DELETE
 * /faults/ID, DELETE /faults. Open to certificates of the cluster's authority in the group system:masters, and to nobody else.
 */
export function faultDoor(service: () => FaultService) {
  return (request: IncomingMessage, response: ServerResponse, certificate: Buffer | undefined): boolean => {
    const [path = ""] = (request.url ?? "").split("?");
    if (path !== root && !path.startsWith(`${root}/`)) return false;
    const reply = (code: number, body: unknown) => {
      response.writeHead(code, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(body));
    };
    if (certificate === undefined) {
      reply(401, { error: "faults are begun and ended with the client certificate of an administrator of this cluster" });
      return true;
    }
    const { commonName, organizations } = readSubject(certificate);
    if (!organizations.includes("system:masters")) {
      reply(403, { error: `${commonName} is not in the group system:masters` });
      return true;
    }
    readBody(request)
      .then((body) => answer(service(), request.method ?? "", path.slice(root.length + 1), body))
      .then(({ code, value }) => reply(code, value))
      .catch((error: Error) => reply(error instanceof Refused ? error.code : 500, { error: error.message }));
    return true;
  };
}

interface Reply {
  readonly code: number;
  readonly value: unknown;
}

async function answer(service: FaultService, method: string, id: string, body: string): Promise<Reply> {
  switch (method) {
    case "POST":
      if (id === "") return { code: 201, value: await service.start(body) };
      break;
    case "GET":
      if (id === "") return { code: 200, value: service.list() };
      break;
    case "PUT":
      if (service.renew(id)) return { code: 200, value: {} };
      return { code: 410, value: service.stop(id) ?? { error: `there is no fault ${id}` } };
    case "DELETE": {
      if (id === "") return { code: 200, value: service.stopAll() };
      const ended = service.stop(id);
      if (ended !== undefined) return { code: 200, value: ended };
      const known = service.list().map((one) => one.id);
      throw new Refused(404, `there is no fault ${id}${known.length > 0 ? `; there are ${known.join(", ")}` : ": none goes on"}`);
    }
  }
  throw new Refused(405, `${method} is nothing that can be done here`);
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
      if (body.length <= bodyMaxBytes) return;
      reject(new Refused(413, `more than ${bodyMaxBytes} bytes`));
      request.destroy();
    });
    request.on("end", () => resolve(body));
    request.on("error", reject);
  });
}
