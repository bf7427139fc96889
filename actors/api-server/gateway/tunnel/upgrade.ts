import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { ApiRequest, ApiResponse } from "../../../../protocol/api";
import { badRequest, type Failure, isFailure, notImplemented, unauthorized } from "../../../../protocol/status";
import type { tunnelChannels } from "../../../../protocol/tunnel";
import { type RequestInfo, requestInfo } from "../../request-info";
import { failureAnswer, headersOf } from "../answer";
import { credentialOf, impersonationOf, type PeerCertificate } from "../credential";
import { header } from "../http";
import type { GatewayPort } from "../port";
import { openLink, type TunnelLink } from "./link";
import { commandOverSpdy } from "./spdy-command";
import { forwardOverSpdy } from "./spdy-forward";
import { commandOverWebSocket, forwardOverWebSocket } from "./websocket";
import { duplexOf } from "./websocket-duplex";
import { logOverWebSocket, logProtocols, openLog } from "./websocket-log";

const webSockets = new WebSocketServer({
  noServer: true,
  maxPayload: 4 * 1024 * 1024,
  perMessageDeflate: false,
  handleProtocols: (offered) => chosenOf([...offered]) ?? false,
});
const logWebSockets = new WebSocketServer({
  noServer: true,
  maxPayload: 64 * 1024,
  perMessageDeflate: false,
  handleProtocols: (offered) => chosenOf([...offered], logProtocols) ?? false,
});

const spdyInWebSocket = "SPDY/3.1+portforward.k8s.io";
/** The best first. Source: KEP-4006; the first two for exec and attach, `v4` for port-forward of browsers' clients, too. */
const webSocketProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io", spdyInWebSocket];
const spdyProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io", "portforward.k8s.io"];

const chosenOf = (offered: readonly string[], known = webSocketProtocols) => known.find((protocol) => offered.includes(protocol));

/**
 * A request that wants to leave HTTP: exec, attach or port-forward, over WebSockets or SPDY/3.1, or a log over WebSockets. The server behind is asked first; only when
 * it has accepted is the connection taken over, so that a refusal is an ordinary answer. Never rejects.
 */
export async function upgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  certificate: PeerCertificate,
  port: GatewayPort,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  const read = readUpgrade(request, certificate);
  if (isFailure(read)) return refuse(socket, failureAnswer(read));
  const { message, protocol, isWebSocket } = read;
  if (message.subresource === "log") {
    const source = await openLog(port, message);
    if (!("receive" in source)) return refuse(socket, source);
    if (socket.destroyed) return source.close();
    logWebSockets.handleUpgrade(request, socket, head, (webSocket) => logOverWebSocket(webSocket, source, protocol));
    return;
  }
  const link = await openLink(port, message);
  if (!("send" in link)) return refuse(socket, link);
  if (socket.destroyed) return link.close();
  if (isWebSocket) {
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      if (protocol === spdyInWebSocket) forwardOverSpdy(duplexOf(webSocket), link);
      else if (message.subresource === "portforward") forwardOverWebSocket(webSocket, link, portsOf(message));
      else commandOverWebSocket(webSocket, link, protocol === "v5.channel.k8s.io");
    });
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  overSpdy(socket, link, message);
}

function overSpdy(socket: Duplex, link: TunnelLink, { subresource, query }: ApiRequest): void {
  if (subresource === "portforward") return forwardOverSpdy(socket, link);
  const given = (name: string) => query[name] === "true" || query[name] === "1";
  const expected: (keyof typeof tunnelChannels)[] = ["error"];
  if (given("stdin")) expected.push("stdin");
  if (given("stdout")) expected.push("stdout");
  if (given("stderr") && !given("tty")) expected.push("stderr");
  if (given("tty")) expected.push("resize");
  commandOverSpdy(socket, link, expected);
}

interface Upgrade {
  readonly message: ApiRequest;
  readonly protocol: string;
  readonly isWebSocket: boolean;
}

function readUpgrade(request: IncomingMessage, certificate: PeerCertificate): Upgrade | Failure {
  const info = requestInfo(request.method ?? "GET", request.url ?? "/");
  if (isFailure(info)) return info;
  const wanted = header(request, "upgrade");
  const isWebSocket = wanted.toLowerCase() === "websocket";
  const isLog = isWebSocket && info.verb === "get" && isOfPod(info) && info.subresource === "log";
  if (!isLog && (!(isWebSocket || /^spdy\/3\.1$/i.test(wanted)) || !isTunnel(info))) return refusal(info, wanted);
  const given = isWebSocket ? header(request, "sec-websocket-protocol") : headersNamed(request, "x-stream-protocol-version");
  const offered = given.split(",").map((protocol) => protocol.trim());
  const known = isLog ? logProtocols : isWebSocket ? webSocketProtocols : spdyProtocols;
  const protocol = isLog && given === "" ? "" : chosenOf(offered, known);
  if (protocol === undefined)
    return badRequest(
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${known.join(" ")}]`,
    );
  const credential = credentialOf(request, certificate);
  if (credential === "untrusted") return unauthorized();
  const message: ApiRequest = {
    kind: "api.request",
    ...info,
    accept: "application/json",
    contentType: "",
    userAgent: header(request, "user-agent"),
    credential,
    impersonation: impersonationOf(request),
    body: new Uint8Array(0),
  };
  if (info.subresource === "portforward" && isWebSocket && protocol !== spdyInWebSocket && portsOf(message).length === 0)
    return badRequest('you must specify at least one port, as "ports=8080"');
  return { message, protocol, isWebSocket };
}

/** A header that may come several times, its values joined with commas. */
function headersNamed(request: IncomingMessage, name: string): string {
  return request.rawHeaders
    .flatMap((text, i) => (i % 2 === 0 && text.toLowerCase() === name ? [request.rawHeaders[i + 1] ?? ""] : []))
    .join(",");
}

const isOfPod = ({ isResource, group, resource }: RequestInfo) => isResource && group === "" && resource === "pods";

function isTunnel(info: RequestInfo): boolean {
  const { subresource } = info;
  return isOfPod(info) && (subresource === "exec" || subresource === "attach" || subresource === "portforward");
}

function refusal({ path, subresource }: RequestInfo, protocol: string): Failure {
  if (subresource === "") return badRequest(`${path} cannot be had over ${protocol}: ask for it without an Upgrade header`);
  return notImplemented(`${subresource} cannot be had over ${protocol}`);
}

/** "ports=8080&ports=9090" or "ports=8080,9090"; what is no port is left out. */
function portsOf({ query, repeated }: ApiRequest): readonly number[] {
  const given = repeated?.ports ?? (query.ports === undefined ? [] : [query.ports]);
  return given
    .flatMap((text) => text.split(","))
    .map(Number)
    .filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
}

/** An ordinary answer on a connection that is HTTP/1.1 still. */
function refuse(socket: Duplex, answer: ApiResponse): void {
  const headers = Object.entries({ ...headersOf(answer), "content-length": String(answer.body.length), connection: "close" });
  const lines = headers.flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  socket.end(
    Buffer.concat([
      Buffer.from(`HTTP/1.1 ${answer.code} ${STATUS_CODES[answer.code] ?? ""}\r\n${lines.join("")}\r\n`, "latin1"),
      answer.body,
    ]),
  );
}
