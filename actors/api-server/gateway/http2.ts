import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";

/**
 * A request and its answer over HTTP/2, as far as this gateway needs them, right on their stream. Node's own pair of classes for it, which imitate
 * HTTP/1.1, costs more than a small answer itself: streams on top of the stream, trailers that are waited for, names that are checked twice.
 */

/** To be given to `createSecureServer` as the class of its requests. */
export class Http2Request {
  constructor(
    readonly stream: ServerHttp2Stream,
    readonly headers: IncomingHttpHeaders,
    _options: unknown,
    readonly rawHeaders: readonly string[],
  ) {}

  get method(): string {
    return this.headers[":method"] as string;
  }

  /** A CONNECT has none. */
  get url(): string | undefined {
    return this.headers[":path"] as string | undefined;
  }

  get socket(): TLSSocket {
    return this.stream.session!.socket as TLSSocket;
  }

  /** Whether nothing more of it will come. */
  get complete(): boolean {
    const { stream } = this;
    return stream.endAfterHeaders || stream.readableEnded || stream.aborted || stream.closed || stream.destroyed;
  }

  on(event: string, listener: (chunk: Buffer) => void): this {
    this.stream.on(event, listener as () => void);
    return this;
  }

  removeAllListeners(event: "data"): this {
    this.stream.removeAllListeners(event);
    return this;
  }
}

/** To be given to `createSecureServer` as the class of its responses. */
export class Http2Response {
  /** Node sets it where it answers by itself: a CONNECT, or expectations that it does not know. */
  statusCode = 200;
  /** The stream of a HEAD has ended for Node before it was answered. */
  writableEnded = false;

  constructor(readonly stream: ServerHttp2Stream) {
    // What goes wrong with one exchange ends it, as "close" tells.
    stream.on("error", ignored);
  }

  get headersSent(): boolean {
    return this.stream.headersSent;
  }

  get writableFinished(): boolean {
    return this.stream.writableFinished;
  }

  on(event: "close" | "finish" | "error", listener: () => void): this {
    this.stream.on(event, listener);
    return this;
  }

  writeContinue(): void {
    if (!isOver(this.stream)) this.stream.additionalHeaders({ ":status": 100 });
  }

  /** The headers are the stream's from now on. */
  writeHead(code: number, headers: OutgoingHttpHeaders): void {
    headers[":status"] = code;
    if (!isOver(this.stream)) this.stream.respond(headers);
  }

  write(chunk: Uint8Array): void {
    if (!isOver(this.stream)) this.stream.write(chunk);
  }

  end(chunk?: Uint8Array): void {
    const { stream } = this;
    if (!stream.headersSent) this.writeHead(this.statusCode, {});
    this.writableEnded = true;
    // An answer that has no body (304, one to HEAD) has ended with its head.
    if (isOver(stream) || stream.writableEnded) return;
    if (chunk === undefined) stream.end();
    else stream.end(chunk);
  }
}

function ignored(): void {}

function isOver(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}
