import { badRequest, type Failure, gone, internalError, isFailure, notFound, timeout } from "../../../protocol/status";
import { json, type ResourceCall, refuse, respond, storageFailure } from "../call";
import { awaitConverted, hasConversionWebhook } from "../custom-resources/webhook-conversion";
import { answerForm } from "../negotiation";
import type { Ctx, ServerState } from "../state";
import type { Entry } from "../storage/entry";
import { isCompacted, isFutureRevision, readEtcd } from "../storage/etcd-client";
import { cacheOf } from "../storage/feed";
import { awaitRevision, learnPresent } from "../storage/freshness";
import { endOfPrefix, keyBytes, keyOfObject, prefixOfList } from "../storage/keys";
import type { Listing } from "../storage/past-view";
import { entryOf, readEntry } from "../storage/store";
import { answerObject } from "./answer-object";
import { encodeContinue } from "./continue-token";
import { getVersion, type ListOptions, listOptions, type Selection } from "./list-options";
import { matcherOf, selectsByContent, soleKey } from "./matching";
import { inPieces } from "./pieces";
import { type Rendering, renderList, renderObject } from "./render";

/**
 * GET of one object. With a resourceVersion it is read from the cache, which is waited for. Without one etcd, with its quorum, is asked for its
 * revision, a question that all reads of the moment share; a cache that has come so far answers, otherwise the object is read from etcd itself.
 */
export function get(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const { request, kind, resource } = call;
  const version = getVersion(request);
  if (isFailure(version)) return refuse(ctx, call, version);
  const rendering = renderingOf(call, "object");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  const key = keyOfObject(resource, request.namespace, request.name);
  const answer = (state: ServerState, ctx: Ctx, entry: Entry | undefined) => {
    const fault = entry ? undefined : state.etcd.vault.faultAt(key);
    if (fault !== undefined) return refuse(ctx, call, internalError(fault));
    if (!entry) return refuse(ctx, call, notFound({ group: kind.group, resource: kind.plural, name: request.name }));
    return answerObject(state, ctx, call, rendering, 200, entry);
  };
  if (version.at === "any") return answer(state, ctx, cacheOf(state.feed, resource).get(key));
  if (version.at === "notOlderThan")
    return withRevision(state, ctx, call, version.revision, (state, ctx) => answer(state, ctx, cacheOf(state.feed, resource).get(key)));
  return learnPresent(state, ctx, call.deadlineUs, (state, present, ctx) => {
    if (present.type !== "done") return refuse(ctx, call, storageFailure(present));
    const cached = cacheOf(state.feed, resource).get(key);
    // What the cache does not have may still lie there, and be no object: only etcd can tell.
    if (cached && state.feed.revision >= present.revision) return answer(state, ctx, cached);
    return readEntry(
      state,
      ctx,
      key,
      call.deadlineUs,
      (state, read, ctx) => (read.type === "done" ? answer(state, ctx, read.entry) : refuse(ctx, call, storageFailure(read))),
      cached,
    );
  });
}

/** LIST, in pages where a limit is given; all pages of one list show the same revision. */
export function list(state: ServerState, ctx: Ctx, call: ResourceCall): undefined {
  const options = listOptions(call.request, call.kind);
  if (isFailure(options)) return refuse(ctx, call, options);
  const rendering = renderingOf(call, "list");
  if (isFailure(rendering)) return refuse(ctx, call, rendering);
  const name = listName(call, options, rendering);
  const told = (state: ServerState, ctx: Ctx): boolean => {
    const body = name === undefined ? undefined : state.lists.recall(name, state.feed.revision);
    if (body) respond(ctx, call, json(200, body));
    return body !== undefined;
  };
  return collect(
    ...([state, ctx, call, options] as const),
    (state, page, ctx) => {
      if (isFailure(page)) return refuse(ctx, call, page);
      const metadata = {
        resourceVersion: String(page.revision),
        ...(page.continue ? { continue: page.continue } : {}),
        ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
      };
      // What an entry is told as it remembers: the list itself then is put together by copying.
      const prepare = (entry: Entry) => {
        if (rendering.form.as !== "Table") renderObject(rendering, entry, 0);
        return false;
      };
      return inPieces(state, ctx, page.entries, prepare, (state, ctx) => {
        const body = renderList(rendering, page.entries, metadata, ctx.wallUs() / 1000);
        if (name !== undefined && page.revision === state.feed.revision) state.lists.remember(name, page.revision, body);
        return respond(ctx, call, json(200, body));
      });
    },
    told,
  );
}

/**
 * What tells a whole list from others of the same revision; undefined for what is hardly asked for twice, for ages, which change without a revision,
 * and for custom resources, whose form follows from their definition.
 */
function listName({ kind, resource }: ResourceCall, { selection, limit, continues }: ListOptions, { form }: Rendering): string | undefined {
  if (kind.custom || form.as === "Table" || limit > 0 || continues || !selectsAll(selection)) return undefined;
  return `${resource.name} ${kind.version} ${form.as} ${"version" in form ? form.version : ""} ${selection.namespace}`;
}

function selectsAll({ labels, fields, name }: Selection): boolean {
  return labels.length === 0 && fields.length === 0 && name === undefined;
}

/** A part of a list, as of one revision. */
export interface Page {
  readonly entries: readonly Entry[];
  readonly revision: number;
  /** Of the next page; "" on the last one. */
  readonly continue: string;
  /** How many items come after this page; unknown where there are selectors. */
  readonly remaining: number | undefined;
}

type ThenPage = (state: ServerState, page: Page | Failure, ctx: Ctx) => undefined;

/** Finds a list's page: from the cache where the cache stands (or may stand) at the revision asked for, otherwise from etcd's history. */
export function collect(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  options: ListOptions,
  whole: ThenPage,
  /** Tried when the cache stands where it should: whether there is no need of a page. */
  told: (state: ServerState, ctx: Ctx) => boolean = () => false,
): undefined {
  const { version } = options;
  const then: ThenPage = (state, page, ctx) => {
    if (isFailure(page)) return whole(state, page, ctx);
    // A list that silently lacks what cannot be decrypted would be a lie.
    const fault = state.etcd.vault.faultBelow(prefixOfList(call.resource, call.request.namespace));
    if (fault !== undefined) return whole(state, internalError(fault), ctx);
    return awaitConverted(state, ctx, call.kind, page.entries, (state, refusal, ctx) => whole(state, refusal ?? page, ctx));
  };
  const fromCache = (state: ServerState, ctx: Ctx): undefined => {
    if (told(state, ctx)) return;
    return awaitSelectable(state, ctx, call, options, (state, refusal, ctx) =>
      refusal ? then(state, refusal, ctx) : cachedPage(state, ctx, call, options, then),
    );
  };
  switch (version.at) {
    case "any":
      return fromCache(state, ctx);
    case "notOlderThan":
      return withRevision(state, ctx, call, version.revision, fromCache);
    case "consistent":
      return learnPresent(state, ctx, call.deadlineUs, (state, present, ctx) => {
        if (present.type !== "done") return then(state, timeout("etcd did not confirm in time that the list is up to date"), ctx);
        const { revision } = present;
        const untilUs = Math.min(call.deadlineUs, ctx.monotonicUs() + state.knobs["freshness-timeout"] * 1000);
        // A cache that lags for longer is passed by, as Kubernetes does.
        return awaitRevision(state, ctx, revision, untilUs, (state, reached, ctx) =>
          reached ? fromCache(state, ctx) : historicPage(state, ctx, call, options, revision, then),
        );
      });
    case "exact":
      if (state.feed.revision === version.revision) return fromCache(state, ctx);
      return pastPage(state, ctx, call, options, version.revision, then);
  }
}

/** Where objects are selected by fields that a webhook has to convert first, goes on once the cache holds none that was not converted. */
function awaitSelectable(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  { selection }: ListOptions,
  then: (state: ServerState, refusal: Failure | undefined, ctx: Ctx) => undefined,
): undefined {
  const { kind, resource, deadlineUs } = call;
  if (!hasConversionWebhook(kind) || !selectsByContent(selection)) return then(state, undefined, ctx);
  return round(state, ctx, -1);

  function round(state: ServerState, ctx: Ctx, before: number): undefined {
    const { revision } = state.feed;
    if (revision === before) return then(state, undefined, ctx);
    if (ctx.monotonicUs() > deadlineUs) return then(state, timeout("the objects were not converted in time"), ctx);
    const entries = cacheOf(state.feed, resource).list(matcherOf(kind, resource, selection).prefix);
    return awaitConverted(state, ctx, kind, entries, (state, refusal, ctx) =>
      refusal ? then(state, refusal, ctx) : round(state, ctx, revision),
    );
  }
}

/** As of an earlier revision: from the cache where it still knows all that has changed since, otherwise from etcd. */
function pastPage(state: ServerState, ctx: Ctx, call: ResourceCall, options: ListOptions, revision: number, then: ThenPage): undefined {
  const { kind, resource } = call;
  const isKept = revision < state.feed.revision && revision >= state.compactor.compacted;
  // Former states were not converted.
  const isSelectable = !(hasConversionWebhook(kind) && selectsByContent(options.selection));
  const past = isKept && isSelectable ? cacheOf(state.feed, resource).asOf(revision) : undefined;
  if (!past) return historicPage(state, ctx, call, options, revision, then);
  return pageOf(state, ctx, call, options, past, revision, then);
}

function cachedPage(state: ServerState, ctx: Ctx, call: ResourceCall, options: ListOptions, then: ThenPage): undefined {
  return pageOf(state, ctx, call, options, cacheOf(state.feed, call.resource), state.feed.revision, then);
}

function pageOf(
  state: ServerState,
  ctx: Ctx,
  { kind, resource }: ResourceCall,
  { selection, limit, startAfter }: ListOptions,
  listing: Listing,
  revision: number,
  then: ThenPage,
): undefined {
  const matcher = matcherOf(kind, resource, selection);
  const sole = soleKey(kind, resource, selection);
  const after = startAfter && matcher.prefix + startAfter;
  const unselected = selectsAll(selection);
  // Where none is left out, no more of them are looked at than are shown.
  if (unselected && limit > 0) {
    const entries = listing.list(matcher.prefix, after, limit);
    const remaining = listing.count(matcher.prefix, after) - entries.length;
    const page = { entries, revision, continue: "", remaining: undefined };
    return then(state, remaining > 0 ? cutOff(entries, revision, matcher.prefix, remaining) : page, ctx);
  }
  const candidates = sole === undefined ? listing.list(matcher.prefix, after) : [listing.get(sole)].filter((entry) => entry !== undefined);
  if (unselected) return then(state, { entries: candidates, revision, continue: "", remaining: undefined }, ctx);
  const entries: Entry[] = [];
  let cut: Page | undefined;
  const look = (entry: Entry): boolean => {
    if (!matcher.matches(entry)) return false;
    if (limit > 0 && entries.length === limit) cut = cutOff(entries, revision, matcher.prefix, undefined);
    else entries.push(entry);
    return cut !== undefined;
  };
  return inPieces(state, ctx, candidates, look, (state, ctx) =>
    then(state, cut ?? { entries, revision, continue: "", remaining: undefined }, ctx),
  );
}

function cutOff(entries: readonly Entry[], revision: number, prefix: string, remaining: number | undefined): Page {
  const startAfter = entries.at(-1)!.key.slice(prefix.length);
  return { entries, revision, continue: encodeContinue({ revision, startAfter }), remaining };
}

const historicPageSize = 500;

/** Reads a page as of an earlier revision from etcd, in pieces until enough objects match. */
function historicPage(state: ServerState, ctx: Ctx, call: ResourceCall, options: ListOptions, revision: number, then: ThenPage): undefined {
  const { kind, resource } = call;
  const { selection, limit, startAfter } = options;
  const matcher = matcherOf(kind, resource, selection);
  const unselected = selectsAll(selection);
  const from = startAfter === "" ? matcher.prefix : `${matcher.prefix}${startAfter}\0`;
  return piece(state, ctx, from, []);

  function piece(state: ServerState, ctx: Ctx, from: string, found: readonly Entry[]): undefined {
    const wanted = limit > 0 && unselected ? limit - found.length + 1 : historicPageSize;
    const range = {
      ...({ kind: "etcd.range", key: keyBytes(from), rangeEnd: keyBytes(endOfPrefix(matcher.prefix)), limit: wanted, revision } as const),
      ...({ sortOrder: "ascend", sortTarget: "key", serializable: false, keysOnly: false, countOnly: false } as const),
    };
    return readEtcd(state, ctx, range, call.deadlineUs, (state, outcome, ctx) => {
      if (outcome.type === "unknown") return then(state, storageFailure(outcome), ctx);
      if (outcome.type === "failed") {
        if (isCompacted(outcome.error)) return then(state, expired(options), ctx);
        if (isFutureRevision(outcome.error)) return then(state, tooLarge(revision, state.feed.revision), ctx);
        return then(state, storageFailure(outcome), ctx);
      }
      const { kvs, more, count } = outcome.response;
      const cache = cacheOf(state.feed, resource);
      const candidates = kvs.map((kv) => {
        const read = entryOf(kv);
        const cached = cache.get(read.key);
        return cached?.revision === read.revision ? cached : read;
      });
      if (selectsByContent(selection))
        return awaitConverted(state, ctx, kind, candidates, (state, refusal, ctx) =>
          refusal ? then(state, refusal, ctx) : select(state, ctx, candidates, { more, count }, found),
        );
      return select(state, ctx, candidates, { more, count }, found);
    });
  }

  function select(
    state: ServerState,
    ctx: Ctx,
    candidates: readonly Entry[],
    { more, count }: { readonly more: boolean; readonly count: number },
    found: readonly Entry[],
  ): undefined {
    const entries = [...found];
    for (const [index, entry] of candidates.entries()) {
      if (!matcher.matches(entry)) continue;
      if (limit > 0 && entries.length === limit)
        return then(state, cutOff(entries, revision, matcher.prefix, unselected ? count - index : undefined), ctx);
      entries.push(entry);
    }
    if (more && candidates.length > 0) return piece(state, ctx, `${candidates.at(-1)!.key}\0`, entries);
    return then(state, { entries, revision, continue: "", remaining: undefined }, ctx);
  }
}

/** 410 with a token to go on without consistency, as clients that page through long lists need it. */
function expired({ continues, startAfter }: ListOptions): Failure {
  if (!continues) return gone("The resourceVersion for the provided list is too old.");
  const status = gone(
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
  );
  return { ...status, metadata: { continue: encodeContinue({ revision: -1, startAfter }) } };
}

/** Goes on once the caches have come to a revision, or refuses: the client has seen more than this server knows. */
export function withRevision(
  state: ServerState,
  ctx: Ctx,
  call: ResourceCall,
  revision: number,
  then: (state: ServerState, ctx: Ctx) => undefined,
): undefined {
  const untilUs = Math.min(call.deadlineUs, ctx.monotonicUs() + state.knobs["freshness-timeout"] * 1000);
  return awaitRevision(state, ctx, revision, untilUs, (state, reached, ctx) =>
    reached ? then(state, ctx) : refuse(ctx, call, tooLarge(revision, state.feed.revision)),
  );
}

/** What Kubernetes answers when the resourceVersion asked for has not been reached: a Timeout that says so in its causes. */
export function tooLarge(asked: number, current: number): Failure {
  const status = timeout(`Too large resource version: ${asked}, current: ${current}`);
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  return { ...status, details: { causes, retryAfterSeconds: 1 } };
}

/** The form in which a call wants objects; a Failure (406) where there is none that fits. */
export function renderingOf(call: ResourceCall, answer: "object" | "list" | "watch"): Rendering | Failure {
  const form = answerForm(call.request.accept, answer);
  if (isFailure(form)) return form;
  const include = call.request.query.includeObject;
  if (form.as === "Table" && include !== undefined && !["", "None", "Metadata", "Object"].includes(include))
    return badRequest(
      `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`,
    );
  const includeObject = include === "None" || include === "Object" ? include : "Metadata";
  return { kind: call.kind, resource: call.resource, form, includeObject };
}
