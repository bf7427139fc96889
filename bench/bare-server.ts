import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { bareServer } from "./live-cluster";

// Arguments: files with the body, the certificate and the key. Prints its port.
const [body, cert, key] = process.argv.slice(2).map((file) => readFileSync(file));
const server = bareServer(body!, cert!, key!);
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
