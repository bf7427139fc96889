import { InputError } from "./exit";
import { authorityOf, type Endpoint } from "./up-options";

/** Throws an InputError that says why a port cannot be had, by the flag that names it. */
export function refusePort(flag: string, { host, port }: Endpoint, error: NodeJS.ErrnoException): never {
  const known = new Map([
    ["EADDRINUSE", "the port is in use"],
    ["EADDRNOTAVAIL", "this machine has no such address"],
    ["EACCES", "the system does not allow this port"],
  ]);
  throw new InputError(`${flag} ${authorityOf(host, port)}: ${known.get(error.code ?? "") ?? error.message}`);
}
