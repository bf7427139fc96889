import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin, Command } from "./commands";

jest.setTimeout(180_000);

const kills = 4;
const writers = 4;

test("wavetank up --data, killed with SIGKILL again and again in the middle of writes, comes back each time with every acknowledged object", async () => {
  const directory = mkdtempSync(join(tmpdir(), "wavetank-killed-"));
  const data = join(directory, "data");
  const acknowledged = new Map<string, string>();
  let up: Command | undefined;
  try {
    for (let life = 0; life <= kills; life++) {
      up = new Command(["up", "--listen", "127.0.0.1:0", "--api-servers", "1", "--control-plane-only", "--data", data], directory);
      const admin = new Admin(/kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!);
      const { body } = await admin.call("GET", "/api/v1/namespaces/default/configmaps");
      type Item = { readonly metadata: { readonly name: string }; readonly data?: { readonly proof?: string } };
      const found = new Map((body.items as readonly Item[]).map((item) => [item.metadata.name, item.data?.proof]));
      expect([...acknowledged].filter(([name, proof]) => found.get(name) !== proof)).toEqual([]);
      if (life === kills) break;
      const before = acknowledged.size;
      let running = true;
      const write = async (writer: number): Promise<void> => {
        for (let n = 0; running; n++) {
          const name = `proof-${life}-${writer}-${n}`;
          const object = { metadata: { name }, data: { proof: `${life}.${n}` } };
          const { code } = await admin.call("POST", "/api/v1/namespaces/default/configmaps", object);
          if (code === 201) acknowledged.set(name, object.data.proof);
        }
      };
      const writing = Array.from({ length: writers }, (_, writer) => write(writer).catch(() => undefined));
      while (acknowledged.size < before + 10 + 7 * life) await new Promise((resolve) => setTimeout(resolve, 5));
      // While requests are under way: what has no answer may be there or not.
      await up.stop("SIGKILL");
      running = false;
      await Promise.all(writing);
    }
    expect(acknowledged.size).toBeGreaterThan(40);
    expect(await up!.stop()).toBe(0);
  } finally {
    await up?.stop("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
});
