export { type KubeProxyConfig, kubeProxy } from "./kube-proxy";
