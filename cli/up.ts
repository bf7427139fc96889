import type { Command } from "commander";
import type { GatewayPort } from "../actors/api-server/gateway/port";
import { liveLog } from "../runtime/live/log";
import { addApiServerFlags } from "./api-server-flags";
import { AuditBackends } from "./audit-backends";
import { addAuthenticationFlags } from "./authentication-options";
import { addAuthorizationFlag } from "./authorization-options";
import { tellApiServer } from "./configuration-files";
import { type EtcdAccess, etcdctlCommand, writeEtcdAccess } from "./etcd-access";
import { runInForeground } from "./foreground";
import { writeKubeconfig } from "./kubeconfig";
import type { LiveCluster } from "./live-cluster";
import { type MetricsDoor, openMetricsDoor } from "./metrics-door";
import { readUpOptions, type UpFlags } from "./up-options";

/** `wavetank up`: a live cluster in the foreground. */
export function addUp(program: Command): void {
  const repeat = (value: string, earlier: readonly string[]) => [...earlier, value];
  const command = program
    .command("up")
    .description("run a live cluster: kubectl talks to it over HTTPS")
    .option("--config <file>", "shape and knobs of the cluster, as YAML; the same as a scenario's `cluster:`")
    .option("--etcd <members>", "members of etcd: 1, 3, 5 or 7 (default 3)")
    .option("--api-servers <count>", "API servers (default 2)")
    .option("--nodes <count>", "nodes (default 3)")
    .option("--zones <count>", "zones over which everything is spread (default 3)")
    .option("--data <dir>", "keep the cluster in a directory; it survives kill -9")
    .option("--storage <address>", "a real etcd behind the API servers: etcd://HOST:PORT[,HOST:PORT…], etcds:// for TLS")
    .option("--storage-cacert <file>", "PEM of the authority of the storage's certificates (default: what this machine trusts)")
    .option("--storage-cert <file>", "PEM of the certificate to show to the storage")
    .option("--storage-key <file>", "PEM of its key")
    .option("--listen <address>", "one address for all API servers", "127.0.0.1:6443")
    .option("--join-listen <address>", "where other processes join (default: a free port of the same address)")
    .option("--advertise <name>", "the name or address under which other machines reach this one")
    .option("--san <name>", "a further name for the servers' certificates; may be repeated", repeat, [])
    .option("--kubeconfig <file>", "where to write the access (default: DIR/kubeconfig, or .wavetank/kubeconfig)")
    .option("--control-plane-only", "no nodes: what a controller's tests need")
    .option("--no-metrics-server", "no metrics.k8s.io: `kubectl top` has nobody to ask")
    .option("--log-level <level>", "debug, info, warn, error or silent; the log goes to standard error", "warn")
    .option(
      "--admission-control-config-file <file>",
      "an AdmissionConfiguration: what admission plug-ins are told, such as PodSecurity's defaults",
    )
    .option("--encryption-provider-config <file>", "an EncryptionConfiguration: which objects are encrypted in etcd, and with which keys")
    .option("--encryption-provider-config-automatic-reload", "read that file again when it changes")
    .option("--behaviour <file>", "how images behave, as for rehearse: start, readiness, latency, what they answer as admission webhooks")
    .option(
      "--metrics-listen <address>",
      "where the other components show their /metrics over plain HTTP: /scheduler/0/metrics, /etcd/0/health",
    )
    .option("--json", "print one JSON object for each line");
  addApiServerFlags(command);
  addAuthorizationFlag(addAuthenticationFlags(command)).action((flags: UpFlags) => runInForeground((stop) => up(flags, stop)));
}

/** Returns what stops the cluster. */
async function up(flags: UpFlags, fail: (why: string) => void): Promise<() => Promise<void>> {
  const options = readUpOptions(flags);
  // Most of the code is behind these two: what is wrong with the flags is said without it.
  const { actors } = require("../actors") as typeof import("../actors");
  const live = require("./live-cluster") as typeof import("./live-cluster");
  const print = (text: string, json: object) => process.stdout.write(`${options.json ? JSON.stringify(json) : text}\n`);
  const etcdStarted = (member: string, address: string) => print(`${member} ${address}`, { event: "etcd-member", name: member, address });
  const log = liveLog(options.logLevel);
  const audit = options.audit && new AuditBackends(options.audit, log.log, () => Date.now());
  const prepared = (made: LiveCluster) => {
    if (!audit) return;
    audit.onLost = (server, plugin) => tellApiServer(made.world, made.plan, server, { kind: "api.auditLost", plugin, events: 1 });
    made.world.notable.subscribe(({ event }) => {
      if (event.type === "fact" && event.fact.kind === "audit.event") audit.write(event.fact.event as object, event.actor);
    });
  };
  const started = { ...options, prepared, actors, log, etcdStarted, failed: fail };
  const audited = audit && { behindDoors: (port: GatewayPort) => audit.holding(port), ...(audit.isStrict ? { auditKeeper: audit } : {}) };
  const cluster = await live.LiveCluster.start({ ...started, ...audited });
  for (const lost of cluster.lostEtcdMembers) process.stderr.write(`${lost}\n`);
  const { addresses, pki } = cluster;
  let etcd: EtcdAccess;
  let metrics: MetricsDoor | undefined;
  try {
    const components = cluster.plan.hosts.flatMap(({ actors }) => actors.map(({ address }) => address));
    metrics = options.metricsListen && (await openMetricsDoor(options.metricsListen, cluster.world.outsidePortal(), components));
    writeKubeconfig(options.kubeconfig, {
      server: addresses.front,
      control: addresses.control,
      authority: pki.authority.certificate,
      ...cluster.admin(),
    });
    etcd = cluster.storage?.access() ?? writeEtcdAccess(options.etcdAccess, addresses.etcd, pki.etcdAuthority);
  } catch (error) {
    metrics?.close();
    await cluster.close();
    throw error;
  }
  void announce().catch((error: Error) => error instanceof live.Stopped || fail(error.message));
  return async () => {
    metrics?.close();
    await cluster.close();
    await audit?.close();
  };

  async function announce(): Promise<void> {
    await cluster.ready((why) => process.stderr.write(`waiting: ${why}\n`));
    for (const [i, address] of addresses.apiServers.entries())
      print(`apiserver/${i} ${address}`, { event: "api-server", name: `apiserver/${i}`, address });
    const etcdctl = etcdctlCommand(etcd);
    print(etcdctl, { event: "etcd", ...etcd, command: etcdctl });
    if (metrics) print(`metrics ${metrics.address}`, { event: "metrics", address: metrics.address });
    const command = `npx wavetank join ${addresses.join} --token ${addresses.token}`;
    print(command, { event: "join", address: addresses.join, token: addresses.token, command });
    print(`ready ${addresses.front} kubeconfig=${options.kubeconfig}`, {
      event: "ready",
      address: addresses.front,
      kubeconfig: options.kubeconfig,
    });
  }
}
