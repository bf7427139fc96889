/** The name of an actor: a role and a name in it, such as "etcd/0", "apiserver/1" or "kubelet/node-7". Stable across restarts. */
export type Address = string & { readonly __address: never };

/** The name of a host, the failure domain on which actors live: "etcd-0", "node-7". */
export type HostName = string;

const pattern = /^[a-z][a-z0-9-]*(\/[A-Za-z0-9][A-Za-z0-9._:-]*)+$/;

/** Makes an address of a role and a name: `address("etcd", 0)` is "etcd/0". Throws on a name that could not be parsed back. */
export function address(role: string, name: string | number): Address {
  return parseAddress(`${role}/${name}`);
}

/** Checks that a text is an address. Throws an Error that names the text and the form expected. */
export function parseAddress(text: string): Address {
  if (!pattern.test(text))
    throw new Error(`"${text}" is not an actor's address: expected "role/name", such as "etcd/0" or "kubelet/node-7"`);
  return text as Address;
}

/** "kubelet" of "kubelet/node-7". */
export function roleOf(actor: Address): string {
  return actor.slice(0, actor.indexOf("/"));
}

/** "node-7" of "kubelet/node-7". */
export function nameOf(actor: Address): string {
  return actor.slice(actor.indexOf("/") + 1);
}
