import { request } from "node:https";
import { InputError } from "../exit";
import { type Control, readControl } from "../kubeconfig";
import type { EndedFault, RunningFault } from "./fault-service";

const timeoutMs = 30_000;

/** Speaks to the fault service of a running cluster. Rejects with an InputError that says what the cluster said, or that there is none. */
export class FaultClient {
  private readonly control: Control;

  constructor(private readonly kubeconfig: string) {
    this.control = readControl(kubeconfig);
  }

  start(fault: object): Promise<RunningFault> {
    return this.say("POST", "", fault);
  }

  list(): Promise<readonly RunningFault[]> {
    return this.say("GET", "");
  }

  stop(id: string): Promise<EndedFault> {
    return this.say("DELETE", `/${encodeURIComponent(id)}`);
  }

  stopAll(): Promise<readonly EndedFault[]> {
    return this.say("DELETE", "");
  }

  /** What became of the fault where it has ended, undefined while it goes on. */
  async renew(id: string): Promise<EndedFault | undefined> {
    const answer = await this.say<Partial<EndedFault>>("PUT", `/${id}`);
    return answer.id === undefined ? undefined : (answer as EndedFault);
  }

  private say<T>(method: string, path: string, body?: object): Promise<T> {
    const { address, authority, certificate, key } = this.control;
    return new Promise((resolve, reject) => {
      const sent = request(
        `${address}/faults${path}`,
        { method, ca: authority, cert: certificate, key, timeout: timeoutMs, headers: { "content-type": "application/json" } },
        (response) => {
          let text = "";
          response.setEncoding("utf8");
          response.on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("end", () => {
            const code = response.statusCode ?? 0;
            let value: unknown;
            try {
              value = JSON.parse(text);
            } catch {
              return reject(new InputError(`${address}: is no control of a cluster (status ${code})`));
            }
            const { error } = value as { readonly error?: string };
            if (error !== undefined) reject(new InputError(error));
            else resolve(value as T);
          });
        },
      );
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      sent.on("error", (error: NodeJS.ErrnoException) =>
        reject(
          new InputError(
            error.code === "ECONNREFUSED" ? `no cluster is running at ${address} (of ${this.kubeconfig})` : `${address}: ${error.message}`,
          ),
        ),
      );
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
