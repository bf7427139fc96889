import { readFileSync } from "node:fs";
import { join } from "node:path";
import { etcdMember } from "../../actors/etcd/member";
import type { Membership } from "../../runtime/live/join/admission";
import { Joined } from "../../runtime/live/join/joined";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";

// One etcd member as a process: `member-process.js URL DIRECTORY`. It joins the hub at URL with the membership.json in its directory, becomes
// the host that it was there, and keeps its disk in the directory. What goes wrong is a line on standard error. It ends with its parent.

const [url, directory] = process.argv.slice(2) as [string, string];

const world = new LiveWorld({
  actors: [etcdMember],
  secrets: new NoSecrets(),
  dataDirectory: directory,
  segmentBytes: 256 * 1024,
  observers: [
    (_host, event) => {
      if (event.type !== "crashed") return;
      const why = event.error instanceof Error ? (event.error.stack ?? event.error.message) : String(event.error);
      process.stderr.write(`${event.actor} crashed: ${why.replaceAll("\n", " ")}\n`);
    },
  ],
});

new Joined({
  world,
  url: new URL(url),
  membership: JSON.parse(readFileSync(join(directory, "membership.json"), "utf8")) as Membership,
  connected: () => process.stdout.write("connected\n"),
  disconnected: () => {},
  refused: (why) => {
    process.stderr.write(`the hub refused: ${why}\n`);
    process.exit(1);
  },
});

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
