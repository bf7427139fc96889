export { ApiClient, type ApiClientOptions, type ObjectList, type PatchType, type Result, type Target } from "./api-client";
export { EventRecorder, type Subject } from "./event-recorder";
export { type Change, Informer, type InformerOptions } from "./informer";
export { LeaderElector, type LeaderElectorOptions } from "./leader-elector";
export * from "./resource";
export { byNamespace, type IndexFunction, type ReadStore } from "./store";
export { WorkQueue, type WorkQueueOptions } from "./work-queue";
