export { containerRuntime } from "./container-runtime";
export { behaviourOf, defaultBehaviour, type ImageBehaviour, type MsRange, matchesImage, wrongWithBehaviour } from "./image-behaviour";
export type { ContainerRuntimeConfig } from "./state";
