import type { ApiRequest } from "../../../protocol/api";
import { isTrue } from "../registry/list-options";
import type { Width } from "./fair-queues";

/**
 * How much of the server a request takes, in seats. Source: the KEP "API Priority and Fairness", work estimates of lists and of writes.
 */

/** A seat for each hundred objects that have to be looked at, up to ten. */
const objectsPerSeat = 100;
const seatsMax = 10;
/** Each event of a watch costs about this long, and a seat tells this many watchers at a time. */
const eventUs = 5_000;
const watchersPerSeat = 10;

const narrow: Width = { initialSeats: 1, finalSeats: 0, additionalUs: 0 };

/** What the estimate goes by: how many objects are stored, and how many watchers a write would have to tell. */
export interface Load {
  readonly stored: number;
  readonly watchers: number;
}

/** `levelSeatsMax` is what its level allows to one request. */
export function widthOf(request: ApiRequest, load: Load, levelSeatsMax: number): Width {
  const most = Math.max(1, Math.min(seatsMax, levelSeatsMax));
  switch (request.verb) {
    case "list":
      return { ...narrow, initialSeats: listSeats(request, load.stored, most) };
    case "watch":
      return sendsState(request) ? { ...narrow, initialSeats: listSeats(request, load.stored, most) } : narrow;
    case "create":
    case "update":
    case "patch":
    case "delete":
      return writeWidth(request, load.watchers, most);
    default:
      return narrow;
  }
}

function listSeats({ query, name }: ApiRequest, stored: number, most: number): number {
  const { resourceVersion = "", fieldSelector = "", labelSelector = "" } = query;
  if (name !== "" || /(^|,)metadata\.name=/.test(fieldSelector)) return 1;
  const limit = Number(query.limit ?? 0);
  const page = limit > 0 ? Math.min(limit, stored) : stored;
  // A cache is walked as a whole. A page that goes on, or is of a certain revision, is read from etcd and decoded; with a selector all is read.
  const fromHistory = (query.continue ?? "") !== "" || (query.resourceVersionMatch === "Exact" && resourceVersion !== "");
  const looked = !fromHistory ? stored : fieldSelector !== "" || labelSelector !== "" ? stored + page : 2 * page;
  return Math.max(1, Math.min(most, Math.ceil(looked / objectsPerSeat)));
}

function sendsState({ query }: ApiRequest): boolean {
  return isTrue(query.sendInitialEvents) || (query.resourceVersion ?? "") === "" || query.resourceVersion === "0";
}

function writeWidth({ subresource, query }: ApiRequest, watchers: number, most: number): Width {
  // Tokens are not stored, dry runs tell nobody.
  if (subresource === "token" || query.dryRun !== undefined || watchers < watchersPerSeat) return narrow;
  const seats = Math.trunc(watchers / watchersPerSeat);
  if (seats <= most) return { initialSeats: 1, finalSeats: seats, additionalUs: eventUs };
  return { initialSeats: 1, finalSeats: most, additionalUs: Math.round((eventUs * seats) / most) };
}
