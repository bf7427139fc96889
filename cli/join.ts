import { existsSync, readFileSync } from "node:fs";
import { join as joinPath, resolve } from "node:path";
import type { Command } from "commander";
import { publicKeyHash } from "../runtime/live/certificates";
import { lockDirectory } from "../runtime/live/disk/lock";
import { join, type Membership, parseHubUrl } from "../runtime/live/join/admission";
import { Joined } from "../runtime/live/join/joined";
import { type JoinToken, parseToken } from "../runtime/live/join/token";
import { liveLog } from "../runtime/live/log";
import { writePrivately } from "../runtime/live/pki";
import { NoSecrets } from "../runtime/live/secrets";
import { LiveWorld } from "../runtime/live/world";
import { InputError } from "./exit";
import { runInForeground } from "./foreground";
import { meddlerIn } from "./live/joined-tank";
import { makeFolders } from "./make-folders";
import { count } from "./up-options";

interface JoinFlags {
  readonly token: string;
  readonly nodes: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly logLevel: string;
}

/** `wavetank join`: this process becomes nodes of a live cluster. */
export function addJoin(program: Command): void {
  program
    .command("join")
    .description("join a live cluster with this process, as one node or several; `wavetank up` prints the line")
    .argument("<address>", "wss://HOST:PORT")
    .requiredOption("--token <token>", "ID.SECRET.CAHASH, as `wavetank up` prints it")
    .option("--nodes <count>", "how many nodes this process brings", "1")
    .option("--data <dir>", "keep disks and identity in a directory: started again, it is the same nodes")
    .option("--log-level <level>", "debug, info, warn, error or silent; the log goes to standard error", "warn")
    .option("--json", "print one JSON object for each line")
    .action((address: string, flags: JoinFlags) => runInForeground((fail) => joinCluster(address, flags, fail)));
}

async function joinCluster(address: string, flags: JoinFlags, fail: (why: string) => void): Promise<() => Promise<void>> {
  // A node of `run --live --processes` does not outlive the run.
  if (process.connected) process.once("disconnect", () => process.exit(0));
  const { url, token } = input(() => ({ url: parseHubUrl(address), token: parseToken(flags.token) }));
  const nodes = count("--nodes", flags.nodes, 1, 1);
  const data = flags.data === undefined ? undefined : resolve(flags.data);
  const unlock = data === undefined ? () => {} : input(() => takeDirectory(data), "--data ");
  let membership: Membership;
  try {
    membership = await member(url, token, nodes, data);
  } catch (error) {
    unlock();
    throw new InputError((error as Error).message);
  }
  // What the nodes need is most of the code: a refusal does without it.
  const { actors } = require("../actors") as typeof import("../actors");
  const { observer } = liveLog(flags.logLevel);
  const world = new LiveWorld({
    actors,
    secrets: new NoSecrets(),
    ...(data === undefined ? {} : { dataDirectory: data }),
  });
  world.notable.subscribe(({ host, event }) => observer(host, event));
  const print = (text: string, json: object) => process.stdout.write(`${flags.json ? JSON.stringify(json) : text}\n`);
  let lastWhy: string | undefined;
  const link = new Joined({
    world,
    url,
    membership,
    meddler: meddlerIn(world),
    connected: (hosts) => {
      lastWhy = undefined;
      print(`joined ${url.host} as ${hosts.join(", ")}`, { event: "joined", cluster: url.host, nodes: hosts });
    },
    disconnected: (why) => {
      // Each attempt fails alike; one line says it.
      if (why !== lastWhy) print(`disconnected from ${url.host}: ${why}; trying again`, { event: "disconnected", cluster: url.host, why });
      lastWhy = why;
    },
    refused: (why) => fail(`${url.host} refused: ${why}`),
  });
  return async () => {
    link.close();
    await world.close();
    unlock();
  };
}

/** Who this process was before, if its data directory says so for this cluster; otherwise it is let in anew. */
async function member(url: URL, token: JoinToken, nodes: number, data: string | undefined): Promise<Membership> {
  const file = data === undefined ? undefined : joinPath(data, "membership.json");
  if (file !== undefined && existsSync(file)) {
    let kept: Membership;
    let hash: string;
    try {
      kept = JSON.parse(readFileSync(file, "utf8")) as Membership;
      hash = publicKeyHash(kept.authority);
    } catch (error) {
      throw new Error(`${file}: cannot be used: ${(error as Error).message}`);
    }
    if (hash !== token.authorityHash) throw new Error(`--data ${data}: belongs to another cluster than the token`);
    return kept;
  }
  const membership = await join(url, token, nodes);
  if (file !== undefined) writePrivately(file, JSON.stringify(membership));
  return membership;
}

function takeDirectory(data: string): () => void {
  makeFolders(data);
  return lockDirectory(data);
}

/** Turns what is wrong with the user's input into an InputError. */
function input<T>(read: () => T, prefix = ""): T {
  try {
    return read();
  } catch (error) {
    throw new InputError(prefix + (error as Error).message);
  }
}
