import { collection } from "./walk/collection";
import { pods } from "./walk/pods";
import { quotas } from "./walk/quotas";
import { services } from "./walk/services";
import { workloads } from "./walk/workloads";
import { World } from "./world";

// The steps of Kubernetes' conformance tests on a whole cluster; the tests here have the names of those there.
const w = new World();

collection(w);
quotas(w);
workloads(w);
services(w);
pods(w);
