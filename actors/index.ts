import type { AnyActor } from "../runtime/actor";
import { apiServer } from "./api-server/server";
import { containerRuntime } from "./container-runtime";
import { controllerManager } from "./controller-manager/controller-manager";
import { etcdMember } from "./etcd/member";
import { kubeProxy } from "./kube-proxy";
import { kubelet } from "./kubelet";
import { metricsServer } from "./metrics-server/metrics-server";
import { scheduler } from "./scheduler/scheduler";
import { keyService } from "./webhook/key-service";
import { webhook } from "./webhook/webhook";

/** Every actor of a cluster; runtimes find them by the role in an address. */
export const actors: readonly AnyActor[] = [
  apiServer,
  etcdMember,
  controllerManager,
  scheduler,
  kubelet,
  containerRuntime,
  kubeProxy,
  webhook,
  keyService,
  metricsServer,
];
