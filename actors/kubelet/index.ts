export type { KubeletConfig } from "./config";
export { kubelet } from "./kubelet";
