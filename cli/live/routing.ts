import type { GatewayPort } from "../../actors/api-server/gateway/port";
import type { ApiMessage, ApiRequest, ApiResponse } from "../../protocol/api";
import type { Answer, StreamInput } from "../../runtime/actor";

/** What becomes of a client's requests instead of what should: they go to another server, or nobody answers them. */
export interface Detour {
  concerns(request: ApiRequest): boolean;
  readonly port: GatewayPort | "nobody";
  /** Counts what was diverted. */
  diverted: number;
}

interface OpenStream {
  readonly request: ApiRequest;
  /** Ends it for the client, which begins anew. */
  readonly breakOff: () => void;
}

/** Stands behind the doors of all API servers, and leads the requests of clients that a fault is aimed at elsewhere. */
export class Routing {
  private readonly detours = new Set<Detour>();
  private readonly streams = new Set<OpenStream>();
  /** Ends the requests of each detour that have no answer yet: where it leads to is gone with it. */
  private readonly unanswered = new Map<Detour, Set<() => void>>();

  /** The port that a door uses instead of its own. */
  behind(port: GatewayPort): GatewayPort {
    return {
      ask: (request, deadlineMs) => {
        const detour = this.detourOf(request);
        if (detour === undefined) return port.ask(request, deadlineMs);
        const answer = detour.port === "nobody" ? undefined : detour.port.ask(request, deadlineMs);
        return this.untilItEnds(detour, answer);
      },
      open: (request, then) => this.open(request, then, port),
    };
  }

  /** Leads clients astray until the answer is called; their streams are broken off now and then, so that they are where the detour says. */
  divert(detour: Detour): () => void {
    this.detours.add(detour);
    this.unanswered.set(detour, new Set());
    this.breakStreams(detour);
    return () => {
      this.detours.delete(detour);
      this.breakStreams(detour);
      for (const release of this.unanswered.get(detour) ?? []) release();
      this.unanswered.delete(detour);
    };
  }

  private detourOf(request: ApiRequest): Detour | undefined {
    for (const detour of this.detours) {
      if (!detour.concerns(request)) continue;
      detour.diverted++;
      return detour;
    }
    return undefined;
  }

  /** The answer, or that there is none where the detour ends before it. */
  private untilItEnds(detour: Detour, answer?: Promise<Answer<ApiResponse>>): Promise<Answer<ApiResponse>> {
    return new Promise((resolve) => {
      const unanswered = this.unanswered.get(detour);
      const release = () => resolve({ ok: false, error: "unreachable", detail: "the API server had vanished for this client" });
      unanswered?.add(release);
      void answer?.then((answered) => {
        unanswered?.delete(release);
        resolve(answered);
      });
    });
  }

  private open(request: ApiRequest, then: (input: StreamInput<ApiMessage>) => void, own: GatewayPort): ReturnType<GatewayPort["open"]> {
    const detour = this.detourOf(request);
    let over = false;
    const end = (input: Extract<StreamInput, { readonly type: "closed" }>) => {
      if (over) return;
      over = true;
      this.streams.delete(stream);
      then(input);
    };
    let opened: ReturnType<GatewayPort["open"]> | undefined;
    const stream: OpenStream = {
      request,
      breakOff: () => {
        opened?.close();
        end({ type: "closed", reason: "unreachable", detail: "the connection to the API server broke" });
      },
    };
    this.streams.add(stream);
    const port = detour === undefined ? own : detour.port;
    if (port !== "nobody")
      opened = port.open(request, (input) => {
        if (input.type === "closed") end(input);
        else if (!over) then(input);
      });
    return {
      push: (item) => opened?.push(item),
      close: () => {
        over = true;
        this.streams.delete(stream);
        opened?.close();
      },
    };
  }

  private breakStreams(detour: Detour): void {
    for (const stream of [...this.streams]) if (detour.concerns(stream.request)) stream.breakOff();
  }
}
