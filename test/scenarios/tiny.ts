import { etcdMember } from "../../actors/etcd/member";
import type { Address } from "../../protocol/address";
import type { EtcdResponse } from "../../protocol/etcd";
import type { Actor, AnyActor } from "../../runtime/actor";
import { readManifests } from "../../scenarios/manifests";
import type { RunInput } from "../../scenarios/run";
import { readScenario, type Scenario } from "../../scenarios/scenario";

interface Writer {
  readonly members: readonly Address[];
  next: number;
  written: number;
}

/** In the place of an API server: puts a ConfigMap into etcd every 100 ms, to one member after the other. */
const writer: Actor<{ readonly etcd: readonly Address[] }, Writer> = {
  role: "apiserver",
  start(config, ctx) {
    ctx.setTimer("write", 100);
    return { members: config.etcd, next: 0, written: 0 };
  },
  receive(state, input, ctx) {
    if (input.type !== "timer") return;
    ctx.setTimer("write", 100);
    const name = `note-${state.written++ % 5}`;
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name, namespace: "default", uid: name },
      data: { count: String(state.written) },
    };
    const body = {
      kind: "etcd.put",
      key: Buffer.from(`/registry/configmaps/default/${name}`),
      value: Buffer.from(JSON.stringify(object)),
      lease: 0,
      prevKv: false,
    };
    ctx.ask<EtcdResponse>(state.members[state.next]!, body, { deadlineMs: 500 }, (later, answer) => {
      if (!answer.ok || answer.body.kind === "etcd.error") later.next = (later.next + 1) % later.members.length;
    });
  },
};

const idle = (role: string): AnyActor => ({ role, start: () => null, receive: () => undefined });

/** A cluster of real etcd members with one that writes, and nobody else who does anything. */
export const tinyActors: readonly AnyActor[] = [etcdMember, writer as AnyActor, idle("controller-manager"), idle("scheduler")];

export function scenarioOf(text: string): Scenario {
  const read = readScenario({ file: "test.yaml", text });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.scenario;
}

export function tinyInput(text: string, seed = 1, actors: readonly AnyActor[] = tinyActors): RunInput {
  return { scenario: scenarioOf(text), manifests: readManifests([]).manifests, objectsOfStep: new Map(), seed, actors };
}

/** The beginning of a scenario for a cluster that is nothing but etcd. */
export const tinyCluster = `
name: tiny
cluster: { etcd: 3, apiServers: 1, controllers: 1, nodes: 0 }
settle: 20s
calm: { within: 20s, stay: 5s }
`;

/** The same with a node that never says anything. */
export const idleEtcd: readonly AnyActor[] = [...tinyActors, idle("kubelet"), idle("container-runtime"), idle("kube-proxy")];
