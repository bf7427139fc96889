import { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** The bytes of a WebSocket's binary messages as one duplex stream, in which another protocol can be spoken. */
export function duplexOf(socket: WebSocket): Duplex {
  const duplex = new Duplex({
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState === socket.OPEN) socket.send(chunk, { binary: true }, (error) => done(error ?? undefined));
      else done(new Error("the WebSocket is closed"));
    },
    final(done) {
      socket.close(1000);
      done();
    },
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  socket.on("message", (data) => {
    if (!duplex.push(data as Buffer)) socket.pause();
  });
  socket.on("error", () => duplex.destroy());
  socket.on("close", () => {
    duplex.push(null);
    duplex.destroy();
  });
  return duplex;
}
