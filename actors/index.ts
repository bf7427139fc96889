import type { AnyActor } from "../runtime/actor";
import { containerRuntime } from "./container-runtime";
import { etcdMember } from "./etcd/member";
import { kubeProxy } from "./kube-proxy";
import { kubelet } from "./kubelet";

/** Every actor of a cluster; runtimes find them by the role in an address. */
export const actors: readonly AnyActor[] = [etcdMember, kubelet, containerRuntime, kubeProxy];
