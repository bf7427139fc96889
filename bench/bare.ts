import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority, daySeconds } from "../runtime/live/certificates";
import { sessionTo } from "./live-cluster";

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** A bare node:http2 server in a process of its own, which answers whatever it is asked with that body. */
export async function startBare(body: Buffer) {
  const authority = Authority.create("bench");
  const { certificate, key } = authority.issue({
    subject: { commonName: "bare", organizations: [] },
    usages: ["server"],
    names: ["127.0.0.1"],
    ttlSeconds: daySeconds,
  });
  const directory = mkdtempSync(join(tmpdir(), "wavetank-bare-"));
  const files = { body, cert: Buffer.from(certificate), key: Buffer.from(key) };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes);
  const child = spawn(process.execPath, [join(__dirname, "bare-server.js"), ...Object.keys(files).map((name) => join(directory, name))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string>((resolve) => child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim())));
  const url = `https://127.0.0.1:${port}`;
  const keys = {
    ca: Buffer.from(authority.certificate),
    cert: Buffer.from(certificate),
    key: Buffer.from(key),
  };
  const session = sessionTo(url, keys);
  return {
    session,
    another: () => sessionTo(url, keys),
    pid: child.pid!,
    stop: () => {
      session.close();
      child.kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
