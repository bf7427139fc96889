import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeWith } from "../real-programs";
import { Command } from "./commands";

jest.setTimeout(240_000);

/** What a command ended with. */
interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const shop = join(__dirname, "../../examples/shop");

// The real kubectl, whichever is on the PATH: 1.20 of Debian and newer ones must both be content.
describeWith(["kubectl"], "kubectl, through a rollout of the shop", () => {
  let directory: string;
  let kubeconfig: string;
  let up: Command;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "wavetank-kubectl-"));
    up = new Command(["up", "--listen", "127.0.0.1:0"], directory);
    kubeconfig = /kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!;
  });
  afterAll(async () => {
    await up.stop("SIGKILL");
    rmSync(directory, { recursive: true });
  });

  function kubectl(...args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      execFile("kubectl", args, { env: environment(), timeout: 120_000 }, (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === "number" ? error.code : 255;
        resolve({ status, stdout, stderr });
      });
    });
  }

  const environment = () => ({ ...process.env, KUBECONFIG: kubeconfig, HOME: directory });

  /** The output of a command that is given that input and must succeed. */
  function input(text: string, ...args: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const child = execFile("kubectl", args, { env: environment(), timeout: 120_000 }, (error, stdout) =>
        error ? reject(error) : resolve(stdout),
      );
      child.stdin!.end(text);
    });
  }

  /** The output of a command that must succeed. */
  async function ok(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await kubectl(...args);
    if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}: ${stderr}`);
    return stdout;
  }
  const lines = (text: string) => text.trim().split("\n");
  const images = () => ok("-n", "shop", "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}");

  test("get nodes: every node is Ready, with the version that is emulated", async () => {
    const [header, ...nodes] = lines(await ok("get", "nodes"));
    expect(header).toMatch(/^NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION$/);
    expect(nodes.map((line) => line.split(/\s+/).slice(0, 3))).toEqual(
      ["node-0", "node-1", "node-2"].map((name) => [name, "Ready", "<none>"]),
    );
    for (const line of nodes) expect(line).toMatch(/v1\.36\.\d+$/);
  });

  test("apply -f of a folder makes what is in it, and again changes nothing", async () => {
    const first = lines(await ok("apply", "-f", shop));
    expect(first).toHaveLength(10);
    expect(first.every((line) => line.endsWith(" created"))).toBe(true);
    // Two that kubectl sends again on any cluster: a Secret's stringData is never in the live object, and newer kubectls resend a field whose
    // patch strategy is "replace", as a budget's selector.
    const again = lines(await ok("apply", "-f", shop)).filter((line) => !line.endsWith(" unchanged"));
    expect(again.filter((line) => line !== "poddisruptionbudget.policy/web configured")).toEqual(["secret/payment configured"]);
  });

  test("rollout status waits until every pod is available; get pods -o wide says where they are", async () => {
    for (const name of ["web", "api", "cache"])
      expect(await ok("-n", "shop", "rollout", "status", `deployment/${name}`, "--timeout=90s")).toContain(
        `deployment "${name}" successfully rolled out`,
      );
    const [header, ...pods] = lines(await ok("-n", "shop", "get", "pods", "-o", "wide"));
    expect(header).toMatch(/^NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\s+IP\s+NODE\s/);
    expect(pods).toHaveLength(11);
    for (const line of pods) expect(line).toMatch(/^\S+\s+1\/1\s+Running\s+0\s+\S+\s+10\.244\.\d+\.\d+\s+node-[012]\s/);
  });

  test("set image rolls the pods over, and rollout undo brings the old image back", async () => {
    const before = await images();
    await ok("-n", "shop", "set", "image", "deployment/web", "web=example.com/shop/web:9.9.9");
    expect(await ok("-n", "shop", "rollout", "status", "deployment/web", "--timeout=90s")).toContain("successfully rolled out");
    expect(await images()).toBe("example.com/shop/web:9.9.9");
    expect(
      lines(await ok("-n", "shop", "rollout", "history", "deployment/web"))
        .slice(-2)
        .map((line) => line.split(/\s+/)[0]),
    ).toEqual(["1", "2"]);
    await ok("-n", "shop", "rollout", "undo", "deployment/web");
    expect(await ok("-n", "shop", "rollout", "status", "deployment/web", "--timeout=90s")).toContain("successfully rolled out");
    expect(await images()).toBe(before);
  });

  test("scale adds pods and takes them away", async () => {
    expect(await ok("-n", "shop", "scale", "deployment/api", "--replicas=5")).toBe("deployment.apps/api scaled\n");
    expect(await ok("-n", "shop", "rollout", "status", "deployment/api", "--timeout=90s")).toContain("successfully rolled out");
    const [, ...five] = lines(await ok("-n", "shop", "get", "deployment", "api"));
    expect(five[0]).toMatch(/^api\s+5\/5\s+5\s+5\s/);
    await ok("-n", "shop", "scale", "deployment/api", "--replicas=2", "--current-replicas=5");
    const refused = await kubectl("-n", "shop", "scale", "deployment/api", "--replicas=9", "--current-replicas=5");
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("Expected replicas to be 5, was 2");
  });

  test("logs, describe and events tell what became of a pod", async () => {
    const pod = (
      await ok("-n", "shop", "get", "pods", "-l", "app.kubernetes.io/name=web", "-o", "jsonpath={.items[0].metadata.name}")
    ).trim();
    expect(await ok("-n", "shop", "logs", pod)).toContain("started");
    const described = await ok("-n", "shop", "describe", "pod", pod);
    expect(described).toMatch(/Controlled By:\s+ReplicaSet\/web-/);
    expect(described).toMatch(/Normal\s+Scheduled\s.*Successfully assigned shop\/web-\S+ to node-[012]/);
    expect(described).toMatch(/Normal\s+Started\s.*Started container web/);
    expect(await ok("-n", "shop", "get", "events")).toMatch(/ScalingReplicaSet\s+deployment\/web\s+Scaled up replica set web-/);
  });

  test("exec runs commands in a container, with its input, its environment and its exit status", async () => {
    await ok("run", "box", "--image=busybox", "--env=COLOUR=blue", "--port=8080", "--", "serve");
    await ok("wait", "--for=condition=ready", "pod/box", "--timeout=60s");
    expect(await ok("exec", "box", "--", "sh", "-c", "echo $COLOUR; hostname")).toBe("blue\nbox\n");
    const failed = await kubectl("exec", "box", "--", "sh", "-c", "echo oops >&2; exit 3");
    expect([failed.status, failed.stderr]).toEqual([3, expect.stringContaining("command terminated with exit code 3")]);
    const absent = await kubectl("exec", "box", "--", "wombat");
    expect([absent.status, absent.stderr]).toEqual([1, expect.stringContaining('exec: "wombat": executable file not found in $PATH')]);
    expect(await input("echo $COLOUR\ncat /etc/hostname\n", "exec", "-i", "box", "--", "sh")).toBe("blue\nbox\n");
    expect((await kubectl("exec", "nobody", "--", "true")).stderr).toContain('pods "nobody" not found');
  });

  test("port-forward leads from a port of this machine into a pod, for as long as it runs", async () => {
    const forwarding = spawn("kubectl", ["port-forward", "pod/box", ":8080"], { env: environment() });
    try {
      const port = await new Promise<string>((resolve, reject) => {
        forwarding.stdout.on("data", (text: Buffer) => {
          const found = /127\.0\.0\.1:(\d+) -> 8080/.exec(text.toString());
          if (found) resolve(found[1]!);
        });
        forwarding.on("exit", (code) => reject(new Error(`kubectl port-forward ended with ${code}`)));
      });
      const answer = await fetch(`http://127.0.0.1:${port}/hello`);
      expect([answer.status, await answer.text()]).toEqual([200, "ok"]);
    } finally {
      forwarding.kill();
    }
    expect(await ok("logs", "box")).toContain("GET /hello 200");
  });

  test("the proxy of a pod, a Service and a node reaches what is behind it, and says why where nothing is", async () => {
    expect(await ok("get", "--raw", "/api/v1/namespaces/default/pods/box:8080/proxy/x")).toBe("ok");
    expect(await ok("get", "--raw", "/api/v1/namespaces/shop/services/web/proxy/")).toBe("ok");
    expect(await ok("get", "--raw", "/api/v1/nodes/node-0/proxy/healthz")).toBe("ok");
    expect((await kubectl("get", "--raw", "/api/v1/namespaces/default/pods/box:1/proxy/x")).stderr).toContain("connection refused");
    await ok("delete", "pod", "box", "--timeout=60s");
  });

  test("explain, api-resources, auth can-i and --raw know the API", async () => {
    expect(await ok("explain", "deployment.spec.strategy.rollingUpdate")).toMatch(/maxUnavailable/);
    expect(await ok("api-resources")).toMatch(/^deployments\s+deploy\s+apps\/v1\s+true\s+Deployment$/m);
    expect((await ok("auth", "can-i", "create", "pods")).trim()).toBe("yes");
    const nobody = await kubectl("auth", "can-i", "create", "pods", "--as", "nobody");
    expect([nobody.status, nobody.stdout.trim().split(/\s/)[0]]).toEqual([1, "no"]);
    expect(await ok("get", "--raw", "/readyz")).toBe("ok");
  });

  test("what is wrong is refused in the words of a real server, and changes nothing", async () => {
    const wrong = async (...args: readonly string[]) => {
      const { status, stderr } = await kubectl(...args);
      return `${status} ${stderr.trim()}`;
    };
    expect(await wrong("-n", "shop", "get", "pod", "nobody")).toBe('1 Error from server (NotFound): pods "nobody" not found');
    expect(await wrong("get", "wombats")).toBe('1 error: the server doesn\'t have a resource type "wombats"');
    expect(await wrong("create", "configmap", "x", "-n", "nowhere")).toMatch(/^1 .*namespaces "nowhere" not found$/);
    expect(await wrong("-n", "shop", "patch", "deployment", "web", "-p", '{"spec":{"replicas":-1}}')).toMatch(
      /^1 The Deployment "web" is invalid: spec\.replicas: Invalid value: -1: must be greater than or equal to 0$/,
    );
    expect(await wrong("-n", "shop", "patch", "service", "web", "-p", '{"spec":{"clusterIP":"10.96.0.99"}}')).toMatch(
      /spec\.clusterIPs?\[0\]: Invalid value: .*: (may not change once set|field is immutable)/,
    );
    expect(await images()).toBe("example.com/shop/web:1.0.0");
  });

  test("delete takes a namespace with all that is in it", async () => {
    await ok("delete", "namespace", "shop", "--timeout=90s");
    expect((await kubectl("get", "namespace", "shop")).stderr).toContain('namespaces "shop" not found');
    const { stdout, stderr } = await kubectl("get", "pods", "--all-namespaces");
    expect(`${stdout}${stderr}`).toBe("No resources found\n");
  });
});
