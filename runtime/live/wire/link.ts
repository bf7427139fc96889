import type { RawData, WebSocket } from "ws";
import { decodeWireFrame, encodeBatch, encodeControl, type Packet, packetBytes } from "./batch";

export interface LinkOptions {
  readonly pingIntervalMs: number;
  /** Silence for this long means that the other side is gone. */
  readonly silenceMaxMs: number;
  /** With more than this waiting to be sent, datagrams are dropped; */
  readonly datagramBufferMaxBytes: number;
  /** with more than this the peer is too slow to be kept and the link breaks. */
  readonly bufferMaxBytes: number;
}

export const linkDefaults: LinkOptions = {
  pingIntervalMs: 3_000,
  silenceMaxMs: 10_000,
  datagramBufferMaxBytes: 8 * 2 ** 20,
  bufferMaxBytes: 128 * 2 ** 20,
};

/** The largest frame that is taken from a peer; a larger one closes the link. */
export const frameMaxBytes = 64 * 2 ** 20;
const batchMaxBytes = 256 * 1024;
const batchMaxPackets = 64;

export interface LinkReceiver {
  packets(packets: readonly Packet[]): void;
  control(value: Uint8Array): void;
  /** Once, however it ended. */
  closed(why: string): void;
}

/** One WebSocket between two processes: batches what is sent in one round of the event loop, notices a silent peer, bounds what waits. */
export class Link {
  private waiting: Packet[] = [];
  private waitingBytes = 0;
  private flushing: NodeJS.Immediate | undefined;
  private heardMs = performance.now();
  private readonly pinging: NodeJS.Timeout;
  private open = true;
  private why = "";
  droppedDatagrams = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly receiver: LinkReceiver,
    private readonly options: LinkOptions = linkDefaults,
  ) {
    socket.on("message", (data) => this.receive(data));
    socket.on("pong", () => this.hear());
    socket.on("ping", () => this.hear());
    socket.on("error", (error) => this.close(error.message));
    socket.on("close", (code, reason) => this.close(reason.length > 0 ? reason.toString() : `closed with code ${code}`));
    this.pinging = setInterval(() => this.ping(), options.pingIntervalMs);
  }

  get isOpen(): boolean {
    return this.open;
  }

  /** Queues a packet. A datagram is dropped when much is waiting already. */
  send(packet: Packet, isDatagram: boolean): void {
    if (!this.open) return;
    const buffered = this.socket.bufferedAmount + this.waitingBytes;
    if (isDatagram && buffered > this.options.datagramBufferMaxBytes) {
      this.droppedDatagrams++;
      return;
    }
    const bytes = packetBytes(packet);
    if (bytes > frameMaxBytes) return this.close(`a message of ${bytes} bytes is more than the ${frameMaxBytes} that a frame may have`);
    if (buffered > this.options.bufferMaxBytes) return this.close(`the peer is too slow: ${buffered} bytes wait to be sent`);
    this.waiting.push(packet);
    this.waitingBytes += bytes;
    if (this.waiting.length >= batchMaxPackets || this.waitingBytes >= batchMaxBytes) this.flush();
    else this.flushing ??= setImmediate(() => this.flush());
  }

  /** Sends a control value, after all packets queued before it. */
  control(value: Uint8Array): void {
    if (!this.open) return;
    this.flush();
    this.socket.send(encodeControl(value), { binary: true });
  }

  /** Ends the link at once; what was under way is lost. */
  close(why: string): void {
    if (!this.open) return;
    this.open = false;
    this.why = why;
    clearInterval(this.pinging);
    if (this.flushing) clearImmediate(this.flushing);
    this.waiting = [];
    if (this.socket.readyState === this.socket.OPEN) this.socket.close(1000, Buffer.from(why).subarray(0, 120));
    // A peer that does not answer the closing handshake must not keep the socket.
    setTimeout(() => this.socket.terminate(), 500).unref();
    this.receiver.closed(this.why);
  }

  private flush(): void {
    if (this.flushing) clearImmediate(this.flushing);
    this.flushing = undefined;
    if (this.waiting.length === 0 || !this.open) return;
    const bytes = encodeBatch(this.waiting);
    this.waiting = [];
    this.waitingBytes = 0;
    this.socket.send(bytes, { binary: true });
  }

  private receive(data: RawData): void {
    this.hear();
    if (!this.open) return;
    try {
      const frame = decodeWireFrame(Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]));
      if (frame.type === "control") this.receiver.control(frame.value);
      else this.receiver.packets(frame.packets);
    } catch (error) {
      this.close((error as Error).message);
    }
  }

  private hear(): void {
    this.heardMs = performance.now();
  }

  private ping(): void {
    const silentMs = performance.now() - this.heardMs;
    if (silentMs > this.options.silenceMaxMs) {
      this.close(`nothing was heard for ${Math.round(silentMs)} ms`);
      this.socket.terminate();
    } else this.socket.ping();
  }
}
