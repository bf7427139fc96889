import { EventEmitter } from "node:events";
import type { WebSocket } from "ws";
import { decodeWireFrame, encodeBatch, type Packet, packetBytes } from "../../runtime/live/wire/batch";
import { Link, linkDefaults } from "../../runtime/live/wire/link";

/** A socket whose peer takes nothing: what is sent stays in its buffer. */
class StuckSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly frames: Buffer[] = [];

  send(frame: Buffer): void {
    this.frames.push(frame);
    this.bufferedAmount += frame.length;
  }
  close(): void {
    this.readyState = 3;
  }
  terminate(): void {
    this.readyState = 3;
  }
  ping(): void {}
}

function linkOn(socket: StuckSocket, limits: Partial<typeof linkDefaults>) {
  const closed: string[] = [];
  const receiver = { packets: () => {}, control: () => {}, closed: (why: string) => void closed.push(why) };
  return { link: new Link(socket as unknown as WebSocket, receiver, { ...linkDefaults, ...limits }), closed };
}

const packet = (bytes: number): Packet => ({ from: "a", to: "b", envelope: new Uint8Array(bytes) });

describe("a link to a peer that takes nothing", () => {
  test("drops datagrams once much is waiting, and still queues what belongs to connections", () => {
    const socket = new StuckSocket();
    const { link, closed } = linkOn(socket, { datagramBufferMaxBytes: 10_000, bufferMaxBytes: 100_000 });
    for (let i = 0; i < 50; i++) link.send(packet(1_000), true);
    expect(link.droppedDatagrams).toBeGreaterThan(30);
    const { droppedDatagrams } = link;
    link.send(packet(1_000), false);
    expect([link.droppedDatagrams, closed]).toEqual([droppedDatagrams, []]);
    link.close("test");
  });

  test("breaks before more than its bound is waiting: memory does not grow with a slow peer", () => {
    const socket = new StuckSocket();
    const { link, closed } = linkOn(socket, { bufferMaxBytes: 100_000 });
    for (let i = 0; i < 1_000; i++) link.send(packet(1_000), false);
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatch(/^the peer is too slow: \d+ bytes wait to be sent$/);
    expect(socket.bufferedAmount).toBeLessThan(200_000);
    expect(link.isOpen).toBe(false);
  });

  test("sends many packets of one round as one frame, in order, and a control after those before it", () => {
    const socket = new StuckSocket();
    const { link } = linkOn(socket, {});
    for (let i = 1; i <= 10; i++) link.send(packet(i), false);
    link.control(new Uint8Array([7]));
    expect(socket.frames).toHaveLength(2);
    const [batch, control] = socket.frames.map(decodeWireFrame);
    expect(batch?.type === "batch" && batch.packets.map(({ envelope }) => envelope.length)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(control).toMatchObject({ type: "control" });
    link.close("test");
  });
});

describe("a frame", () => {
  const packets: readonly Packet[] = [
    { from: "node-3", to: "apiserver-0", envelope: new Uint8Array([1, 2, 3]) },
    { from: "x", to: "y", envelope: new Uint8Array(0) },
  ];

  test("carries packets as they are", () => {
    const frame = decodeWireFrame(encodeBatch(packets));
    expect(frame.type === "batch" && frame.packets.map((each) => ({ ...each, envelope: [...each.envelope] }))).toEqual(
      packets.map((each) => ({ ...each, envelope: [...each.envelope] })),
    );
    expect(encodeBatch(packets).length).toBe(1 + packetBytes(packets[0]!) + packetBytes(packets[1]!));
  });

  test("cut off anywhere inside a packet is refused", () => {
    const bytes = encodeBatch(packets);
    const ends = [1, 1 + packetBytes(packets[0]!)];
    for (let length = 2; length < bytes.length; length++)
      if (!ends.includes(length)) expect(() => decodeWireFrame(bytes.subarray(0, length))).toThrow();
  });
});
