/** The release of etcd whose answers a member gives. */
export const etcdVersion = "3.5.30";
/** What its members agree on: without the patch. */
export const clusterVersion = "3.5.0";
