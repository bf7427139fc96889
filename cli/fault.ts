import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import colors from "picocolors";
import { parse } from "yaml";
import { faultNamed } from "../scenarios/faults";
import { InputError, interruptible } from "./exit";
import { FaultClient } from "./live/fault-client";
import type { EndedFault, RunningFault } from "./live/fault-service";
import { asFlags } from "./live/flag-names";

interface Where {
  readonly kubeconfig?: string;
  readonly data?: string;
  readonly json?: boolean;
}

interface StartFlags extends Where {
  readonly target?: string;
  readonly set: readonly string[];
  readonly user?: string;
  readonly userAgent?: string;
  readonly address?: string;
  readonly for?: string;
  readonly background?: boolean;
}

/** `wavetank fault start|stop|list`: faults on a cluster that `wavetank up` runs. */
export function addFault(program: Command): void {
  const fault = program.command("fault").description("begins, ends and lists faults on a running cluster (`wavetank up`)");
  const repeat = (value: string, earlier: readonly string[]) => [...earlier, value];
  at(
    fault
      .command("start")
      .description(
        "begins a fault and keeps it up until it is interrupted, ends by itself or this process dies: then it is healed. The faults are those of scenario files (`wavetank list faults`), and client-stale and client-vanish",
      )
      .argument("<name>", 'such as "isolate", "slow-disk" or "api-latency"')
      .option("--target <selector>", 'whom it hits, as in scenario files: "{ role: etcd, is: leader }"')
      .option("--set <name=value>", "a parameter of the fault (`wavetank describe NAME`); may be repeated", repeat, [])
      .option("--user <name>", "only requests of this user; then the target may be left out")
      .option("--user-agent <text>", "only requests of clients whose User-Agent begins so")
      .option("--address <ip>", "only requests that come from this address")
      .option("--for <duration>", 'how long, such as "30s"')
      .addOption(new Option("--background", "return at once; the cluster ends it after --for")),
  ).action(start);
  at(
    fault
      .command("stop")
      .description("ends a fault, and heals what it did; all of them with --all")
      .argument("[id]", "what `fault start` or `fault list` said"),
  )
    .option("--all", "end all faults")
    .action(stop);
  at(fault.command("list").description("lists the faults that go on")).action(list);
  for (const command of fault.commands) command.exitOverride();
}

function at(command: Command): Command {
  return command
    .option("--kubeconfig <file>", "what `wavetank up` wrote (default: $KUBECONFIG, or .wavetank/kubeconfig)")
    .option("--data <dir>", "the cluster's directory, if it has one: DIR/kubeconfig is read")
    .option("--json", "print JSON");
}

const renewEveryMs = 1_000;

async function start(name: string, flags: StartFlags): Promise<void> {
  if (flags.background && flags.for === undefined)
    throw new InputError("--background: expected --for DURATION, after which the cluster ends the fault");
  const client = clientOf(flags);
  const fault = requestOf(name, flags);
  const begun = await client.start(fault).catch((error: unknown) => {
    throw error instanceof InputError ? new InputError(asFlags(error.message)) : error;
  });
  if (flags.json) process.stdout.write(`${JSON.stringify({ event: "began", ...begun })}\n`);
  else process.stdout.write(`${colors.yellow("began")}  ${line(begun)}\n`);
  if (flags.background) return;
  const ended = await interruptible(async (interrupted) => {
    for (let renewedMs = performance.now(); ; ) {
      if (interrupted()) return client.stop(begun.id);
      await new Promise((done) => setTimeout(done, 50));
      if (performance.now() - renewedMs < renewEveryMs) continue;
      const over = await client.renew(begun.id);
      if (over) return over;
      renewedMs = performance.now();
    }
  });
  tell([ended], flags);
}

async function stop(id: string | undefined, flags: Where & { readonly all?: boolean }): Promise<void> {
  if ((id === undefined) === (flags.all !== true)) throw new InputError("fault stop: expected the id of a fault, or --all");
  const client = clientOf(flags);
  tell(id === undefined ? await client.stopAll() : [await client.stop(id)], flags);
}

async function list(flags: Where): Promise<void> {
  const running = await clientOf(flags).list();
  if (flags.json) process.stdout.write(`${JSON.stringify(running, null, 2)}\n`);
  else process.stdout.write(running.length === 0 ? "no fault goes on\n" : `${running.map(line).join("\n")}\n`);
}

function clientOf({ kubeconfig, data }: Where): FaultClient {
  const [environment] = (process.env.KUBECONFIG ?? "").split(":");
  return new FaultClient(resolve(kubeconfig ?? (data ? join(data, "kubeconfig") : environment || join(".wavetank", "kubeconfig"))));
}

/** What the cluster is asked. Who is meant by a client's flags are parameters of the faults of the API. */
function requestOf(name: string, flags: StartFlags): object {
  const client = { user: flags.user, userAgent: flags.userAgent, address: flags.address };
  const who = Object.fromEntries(Object.entries(client).filter(([, value]) => value !== undefined));
  const params = { ...Object.fromEntries(flags.set.map(parameter)), ...who };
  const fault = faultNamed(name);
  if (fault && Object.keys(who).length > 0 && fault.params.user === undefined)
    throw new InputError(
      `${name}: it is aimed at hosts, not at a client; --user, --user-agent and --address are for api-latency, api-error, api-throttle and others that \`wavetank describe\` shows with them`,
    );
  const given = flags.target === undefined ? undefined : yaml("--target", flags.target);
  // Whoever means a client means it at every API server.
  const target = given ?? (fault && Object.keys(who).length > 0 ? { role: "apiserver", mode: "all" } : undefined);
  const common = { fault: name, params, ...(flags.for === undefined ? {} : { for: flags.for }), leased: flags.background !== true };
  return target === undefined ? common : { ...common, target };
}

function parameter(text: string): readonly [string, unknown] {
  const split = text.indexOf("=");
  if (split < 1) throw new InputError(`--set ${text}: expected NAME=VALUE, such as factor=10`);
  return [text.slice(0, split), yaml(`--set ${text}`, text.slice(split + 1))];
}

function yaml(flag: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new InputError(`${flag}: not YAML: ${(error as Error).message.split("\n")[0]}`);
  }
}

function line({ id, fault, targets, params, sinceMs, leftMs }: RunningFault): string {
  const given = Object.entries(params).filter(([name]) => !targets.some((target) => target.startsWith(`${name} `)));
  const how = given.map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`).join(" ");
  const left = leftMs === null ? "until it is stopped" : `for ${(leftMs / 1000).toFixed(0)} s more`;
  return `${colors.bold(id)}  ${fault} ${targets.join(", ")}${how ? `  ${colors.dim(how)}` : ""}  ${colors.dim(`since ${(sinceMs / 1000).toFixed(0)} s, ${left}`)}`;
}

function tell(ended: readonly EndedFault[], { json }: Where): void {
  if (json) return void process.stdout.write(`${JSON.stringify(ended, null, 2)}\n`);
  if (ended.length === 0) process.stdout.write("no fault goes on\n");
  for (const { id, fault, targets, effect, why } of ended)
    process.stdout.write(
      `${colors.green("healed")}  ${colors.bold(id)}  ${fault} ${targets.join(", ")}: ${effect || "nothing is known of any effect"} ${colors.dim(`(${why})`)}\n`,
    );
}
