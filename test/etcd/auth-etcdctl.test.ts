import { join } from "node:path";
import { describeWith } from "../real-programs";
import { EtcdDoors } from "./gateway/doors";
import { Etcdctl } from "./gateway/etcdctl";

jest.setTimeout(120_000);

/** A replica set with three doors, and etcdctl as whoever a certificate names. */
async function opened(settings: Readonly<Record<string, unknown>> = {}) {
  const doors = await EtcdDoors.open(3, settings);
  const as = (commonName: string, endpoints: readonly string[] = doors.endpoints) => {
    const { ca, cert, key } = doors.clientFiles(commonName || "nobody", doors.authority, commonName);
    return new Etcdctl({ ETCDCTL_ENDPOINTS: endpoints.join(","), ETCDCTL_CACERT: ca, ETCDCTL_CERT: cert, ETCDCTL_KEY: key });
  };
  return { doors, as };
}

/** What etcdctl printed, in one text. */
const said = async (etcdctl: Etcdctl, line: string) => {
  const { stdout, stderr } = await etcdctl.run(line.split(" "));
  return (stdout + stderr).trim();
};

describeWith(["etcdctl"], "users of etcd, with the real etcdctl", () => {
  test("a token of one member's door is good at the others'; a certificate's common name is a user (--client-cert-auth); a deleted user is nobody at once", async () => {
    const { doors, as } = await opened();
    const nobody = as("");
    const setUp = [
      "user add root:pw",
      "user grant-role root root",
      "role add r",
      "role grant-permission r readwrite a z",
      "user add ann --no-password",
    ];
    for (const line of [...setUp, "user grant-role ann r", "auth enable"]) expect(await said(nobody, line)).not.toMatch(/Error/);
    expect(await said(nobody, "get b")).toMatch(/etcdserver: user name is empty/);
    for (let i = 0; i < 4; i++) expect(await said(nobody, `put zz ${i} --user root:pw`)).toBe("OK");
    expect(await said(nobody, "put zz 1 --user root:wrong")).toMatch(/authentication failed, invalid user ID or password/);
    const ann = as("ann");
    expect(await said(ann, "put b 1")).toBe("OK");
    expect(await said(ann, "put zz 1")).toMatch(/permission denied/);
    // A token says more than the certificate beside it.
    expect(await said(ann, "put zz 1 --user root:pw")).toBe("OK");
    const one = as("ann", doors.endpoints.slice(0, 1));
    expect(await said(one, `snapshot save ${join(doors.directory, "stolen")}`)).toMatch(/permission denied/);
    expect(await said(one, "defrag")).toMatch(/permission denied/);
    expect(await said(nobody, "user delete ann --user root:pw")).toBe("User ann deleted");
    expect(await said(ann, "get b")).toMatch(/permission denied/);
    expect(await said(nobody, "auth disable --user root:pw")).toBe("Authentication Disabled");
    expect(await said(nobody, "get b --print-value-only")).toBe("1");
    expect(doors.errors).toEqual([]);
    await doors.close();
  });
});

describeWith(["etcdctl"], "a full etcd, with the real etcdctl", () => {
  test("is brought back as etcd's maintenance guide says: compact, defragment, disarm", async () => {
    const { doors, as } = await opened({ "quota-backend-bytes": 3_000 });
    const etcdctl = as("", doors.endpoints.slice(0, 1));
    for (let i = 0; i < 3; i++) await said(etcdctl, `put k ${"x".repeat(900)}`);
    expect(await said(etcdctl, `put k ${"x".repeat(900)}`)).toMatch(/etcdserver: mvcc: database space exceeded/);
    expect(await said(etcdctl, "alarm list")).toMatch(/^memberID:\d+ alarm:NOSPACE$/);
    expect(await said(etcdctl, "endpoint status -w json")).toMatch(/alarm:NOSPACE/);
    const revision = /"revision":(\d+)/.exec(await said(etcdctl, "endpoint status -w json"))![1];
    expect(await said(etcdctl, `compact ${revision}`)).toBe(`compacted revision ${revision}`);
    expect(await said(etcdctl, "defrag")).toBe("Finished defragmenting etcd member[ENDPOINT]");
    expect(await said(etcdctl, "put k 1")).toMatch(/database space exceeded/);
    expect(await said(etcdctl, "alarm disarm")).toMatch(/^memberID:\d+ alarm:NOSPACE$/);
    expect(await said(etcdctl, "alarm list")).toBe("");
    expect(await said(etcdctl, "put k 1")).toBe("OK");
    await doors.close();
  });
});
