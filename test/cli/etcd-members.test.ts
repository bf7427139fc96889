import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataDirectory } from "../../cli/data-directory";
import { EtcdMembers } from "../../cli/etcd-members";
import { address } from "../../protocol/address";
import { defaultShape } from "../../scenarios/cluster";

const founders = [0, 1, 2].map((n) => address("etcd", n));
const folder = (path: string, n: number) => join(path, "hosts", `etcd-${n}`, `etcd~${n}`);

describe("the data of etcd's members in a data directory", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "wavetank-owners-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Begins a cluster there, or opens it again; answers as `up` would be answered. */
  async function opened(path: string): Promise<readonly string[]> {
    const directory = DataDirectory.take(path, { ...defaultShape, etcd: 3 });
    try {
      return (await EtcdMembers.open(directory, founders)).present;
    } finally {
      directory.unlock();
    }
  }

  test("is found again by the cluster that laid it down", async () => {
    const path = join(root, "one");
    expect(await opened(path)).toEqual(founders);
    expect(await opened(path)).toEqual(founders);
  });

  test("is refused by name where it is a member's of another cluster, or another member's of this one", async () => {
    const [one, other] = [join(root, "one"), join(root, "other")];
    await opened(one);
    await opened(other);
    cpSync(folder(other, 1), folder(one, 1), { recursive: true });
    await expect(opened(one)).rejects.toThrow(`${folder(one, 1)}: holds the data of etcd/1 of another cluster`);
    cpSync(folder(other, 0), folder(other, 2), { recursive: true });
    await expect(opened(other)).rejects.toThrow(`${folder(other, 2)}: holds the data of etcd/0, not of etcd/2`);
  });
});
