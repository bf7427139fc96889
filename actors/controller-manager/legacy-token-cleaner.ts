import type { Secret } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import {
  accountNameAnnotation,
  dateOf,
  invalidSinceLabel,
  lastUsedLabel,
  legacyTokenType,
  trackingConfigMap,
} from "../api-server/authentication/legacy-token";
import {
  type Controller,
  configMaps,
  knobMs,
  nothingToDo,
  patch,
  pods,
  remove,
  type Step,
  secrets,
  serviceAccounts,
  type View,
  watch,
} from "../client";

const dayMs = 24 * 3_600_000;
const never = () => [];

/**
 * Puts away the tokens that old clusters made for each service account by themselves, once a day: those that nobody used for a year are no longer
 * believed, and after one more year they are deleted. Whoever made a Secret for a token keeps it: only those that their account lists are meant.
 */
export const legacyTokenCleaner: Controller = {
  name: "legacy-serviceaccount-token-cleaner",
  watches: [watch(secrets, never), watch(serviceAccounts, never), watch(pods, never), watch(configMaps, never)],
  standingKeys: ["all"],
  reconcile(_key, view, moment) {
    const periodMs = knobMs(moment, "legacy-service-account-token-clean-up-period", 365 * dayMs);
    const tracked = Date.parse(view.of(configMaps).get(`kube-system/${trackingConfigMap}`)?.data?.since ?? "");
    // Before uses were noted for that long, that none is noted says nothing.
    if (!(tracked + periodMs <= moment.nowMs)) return { ...nothingToDo, requeueAfterMs: dayMs };
    const steps = [...view.of(secrets).list()].flatMap((secret) => stepsFor(secret, view, moment.nowMs, periodMs));
    return { steps, requeueAfterMs: dayMs };
  },
};

function stepsFor(secret: Stored<Secret>, view: View, nowMs: number, periodMs: number): readonly Step[] {
  const { type, metadata } = secret;
  const { namespace = "", name, labels = {}, annotations = {}, creationTimestamp } = metadata;
  if (type !== legacyTokenType || Date.parse(creationTimestamp) > nowMs - periodMs) return [];
  if (labels[lastUsedLabel] !== undefined && Date.parse(labels[lastUsedLabel]) > nowMs - periodMs) return [];
  const account = view.of(serviceAccounts).get(`${namespace}/${annotations[accountNameAnnotation]}`);
  if (!account?.secrets?.some((reference) => reference.name === name) || isMounted(namespace, name, view)) return [];
  const since = labels[invalidSinceLabel];
  if (since === undefined) return [patch(secrets, secret, "merge", { metadata: { labels: { [invalidSinceLabel]: dateOf(nowMs) } } })];
  if (!(Date.parse(since) + periodMs <= nowMs)) return [];
  return [remove(secrets, secret, { preconditions: { resourceVersion: metadata.resourceVersion } })];
}

function isMounted(namespace: string, name: string, view: View): boolean {
  return [...view.of(pods).list()].some(
    ({ metadata, spec }) => metadata.namespace === namespace && (spec?.volumes ?? []).some(({ secret }) => secret?.secretName === name),
  );
}
