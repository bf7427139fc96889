import type { Secret, ServiceAccount } from "../../protocol/kinds/generated";
import { keyOf, type Stored, splitKey } from "../../protocol/kinds/object";
import { accountNameAnnotation, accountUidAnnotation, legacyTokenToSign, legacyTokenType } from "../api-server/authentication/legacy-token";
import { assembleToken } from "../api-server/authentication/token";
import {
  type Controller,
  fail,
  get,
  index,
  nothingToDo,
  remove,
  requeue,
  type Step,
  secrets,
  serviceAccounts,
  sign,
  update,
  watch,
} from "../client";

const signingKey = "service-account";
const byAccount = "service-account";

/** Fills the Secrets that people make for a service account's token, and deletes them when the account has gone. */
export const serviceAccountTokenController: Controller = {
  name: "serviceaccount-token",
  watches: [
    watch(secrets, (secret) => (secret.type === legacyTokenType ? [keyOf(secret)] : [])),
    watch(serviceAccounts, (account, view) => view.of(secrets).byIndex(byAccount, keyOf(account)).map(keyOf)),
  ],
  indexes: [index(secrets, byAccount, (secret) => accountOf(secret))],
  reconcile(key, view, { settings }) {
    const secret = view.of(secrets).get(key);
    const [accountKey] = secret ? accountOf(secret) : [];
    if (!secret || accountKey === undefined || secret.metadata.deletionTimestamp !== undefined) return nothingToDo;
    const account = view.of(serviceAccounts).get(accountKey);
    if (!account) return { steps: [lookAgain(secret, accountKey)] };
    const uid = secret.metadata.annotations?.[accountUidAnnotation];
    if (uid && uid !== account.metadata.uid) return { steps: [remove(secrets, secret)] };
    return isFilled(secret, account, settings.rootCa) ? nothingToDo : { steps: [fill(secret, account, settings.rootCa)] };
  },
};

function accountOf({ type, metadata }: Stored<Secret>): readonly string[] {
  const name = metadata.annotations?.[accountNameAnnotation];
  return type === legacyTokenType && name ? [`${metadata.namespace}/${name}`] : [];
}

/** The cache may not have the account yet: only when the API says that there is none the Secret goes. */
function lookAgain(secret: Stored<Secret>, accountKey: string): Step {
  const { namespace = "", name } = splitKey(accountKey);
  return get(serviceAccounts, namespace, name, (result) => {
    if (result.ok) return [requeue(1_000)];
    return result.status.reason === "NotFound" ? [remove(secrets, secret)] : [];
  });
}

const encoded = (text: string) => Buffer.from(text).toString("base64");

function isFilled({ data, metadata }: Stored<Secret>, account: Stored<ServiceAccount>, rootCa: string): boolean {
  return (
    Boolean(data?.token) &&
    data?.["ca.crt"] === encoded(rootCa) &&
    data?.namespace === encoded(metadata.namespace ?? "") &&
    metadata.annotations?.[accountUidAnnotation] === account.metadata.uid
  );
}

function fill(secret: Stored<Secret>, account: Stored<ServiceAccount>, rootCa: string): Step {
  const { metadata } = secret;
  const { namespace = "", name } = metadata;
  const { name: accountName, uid } = account.metadata;
  const written = (token: string) =>
    update(secrets, {
      ...secret,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [accountUidAnnotation]: uid } },
      data: { ...secret.data, token, "ca.crt": encoded(rootCa), namespace: encoded(namespace) },
    });
  if (secret.data?.token) return written(secret.data.token);
  const bytes = legacyTokenToSign({ namespace, secret: name, account: accountName, accountUid: uid }, signingKey);
  return sign({ type: "sign", key: signingKey, bytes }, (result) =>
    result.ok ? [written(encoded(assembleToken(bytes, result.bytes)))] : [fail(`the token could not be signed: ${result.detail}`)],
  );
}
