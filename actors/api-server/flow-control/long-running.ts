import type { ApiRequest } from "../../../protocol/api";

/** exec, attach, port-forward, proxy and logs last for as long as somebody wants them to. */
const longSubresources: ReadonlySet<string> = new Set(["exec", "attach", "portforward", "proxy", "log"]);

/** Whether a request takes no seats at all: those that go on, but for watches, whose beginning is work. */
export function takesNoSeats({ isResource, subresource }: Pick<ApiRequest, "isResource" | "subresource">): boolean {
  return isResource && longSubresources.has(subresource);
}

/** Whether a request goes on until somebody ends it: deadlines and limits on requests in flight do not concern it. */
export function isLongRunning(request: Pick<ApiRequest, "isResource" | "verb" | "subresource">): boolean {
  return (request.isResource && request.verb === "watch") || takesNoSeats(request);
}

/** Whether a request counts as reading for the limits on requests in flight. */
export function isRead({ verb }: ApiRequest): boolean {
  return verb === "get" || verb === "list" || verb === "watch";
}
