import type { ComponentGetResponse } from "../../protocol/cluster";
import { metricsType } from "./registry";

/** What a component answers at its own address: its figures, and that it lives. `figures` is asked when somebody looks. */
export function componentGet(path: string, figures: () => string): ComponentGetResponse {
  const endpoint = path.split("?")[0];
  switch (endpoint) {
    case "/metrics":
      return answer(200, metricsType, figures());
    case "/healthz":
    case "/livez":
    case "/readyz":
      return answer(200, "text/plain; charset=utf-8", "ok");
    default:
      return answer(404, "text/plain; charset=utf-8", "404 page not found\n");
  }
}

export function answer(code: number, contentType: string, text: string): ComponentGetResponse {
  return { kind: "component.get.response", code, contentType, bytes: new TextEncoder().encode(text) };
}
