import { type Failure, isFailure } from "../../../protocol/status";
import { type RequestInfo, requestInfo } from "../request-info";
import { type Encoding, encodingFor, isForPeople } from "./encoding";

/** What a method and a URL mean, and how its answers are written for each Accept header that came with it, for programs and for people. */
export interface Route {
  readonly info: RequestInfo;
  readonly encodings: Map<string, Encoding>;
}

const routesMax = 4_096;
const encodingsMax = 16;
/** Longer URLs hardly come twice, and they would make what is remembered large. */
const targetMax = 512;

/** Clients ask for the same URLs over and over: each is taken apart once, and the oldest are forgotten. */
export class Routes {
  private readonly known = new Map<string, Route>();

  /** The route of a request, or a Failure (400, 405) where there is none. */
  of(method: string, target: string): Route | Failure {
    const key = `${method} ${target}`;
    const known = this.known.get(key);
    if (known) return known;
    const info = requestInfo(method, target);
    if (isFailure(info)) return info;
    const route: Route = { info, encodings: new Map() };
    if (key.length > targetMax) return route;
    if (this.known.size >= routesMax) this.known.delete(this.known.keys().next().value!);
    this.known.set(key, route);
    return route;
  }

  encoding({ info, encodings }: Route, accept: string, userAgent: string): Encoding {
    const forPeople = isForPeople(info, userAgent);
    const key = forPeople ? `people ${accept}` : accept;
    const known = encodings.get(key);
    if (known) return known;
    const encoding = encodingFor(info, accept, forPeople);
    if (encodings.size < encodingsMax && accept.length <= targetMax) encodings.set(key, encoding);
    return encoding;
  }
}
