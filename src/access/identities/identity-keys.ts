// The only file that builds or takes apart the keys under which identities are stored. Names of
// users, groups, roles and policies are unique whatever their case: keys hold them in lower case.

import { assert } from "../../base/assert.ts";
import type { KeyRange } from "../../storage/key-value/tuple.ts";
import { decodeTuple, encodeTuple, prefixRange } from "../../storage/key-value/tuple.ts";

/** The first part of every key: 40 to 59. Numbers are stored: never change or re-use one. */
const space = {
  account: 40,
  /** canonical id → account id */
  accountByCanonicalId: 41,
  /** e-mail address in lower case, account id → nothing */
  accountByEmail: 42,
  /** account → changes with every change to the account's identities */
  revision: 43,
  user: 44,
  group: 45,
  role: 46,
  policy: 47,
  /** account, policy id, number of the version */
  policyVersion: 48,
  /** account, unique id of a user, group or role → its name */
  entityName: 49,
  /** access key id, of all accounts */
  accessKey: 50,
  /** account, id of the owner, access key id → nothing */
  ownedAccessKey: 51,
  /** access key id or role id → when it was used last */
  lastUsed: 52,
  /** account, group id, user id → nothing */
  membership: 53,
  oidcProvider: 54,
  mfaDevice: 55,
  /** account, policy ARN, `attached` or `boundary`, id of the entity → nothing */
  attachment: 56,
  /** alias, of all accounts → account id */
  alias: 57,
  /** account, access key id of a session */
  revokedSession: 58,
} as const;

export type AttachmentUse = "attached" | "boundary";

const fold = (name: string): string => name.toLowerCase();

export const identityKeys = {
  account: (accountId: string) => encodeTuple([space.account, accountId]),
  accountByCanonicalId: (id: string) => encodeTuple([space.accountByCanonicalId, id]),
  accountByEmail: (email: string, accountId: string) =>
    encodeTuple([space.accountByEmail, fold(email), accountId]),
  revision: (accountId: string) => encodeTuple([space.revision, accountId]),
  user: (accountId: string, name: string) => encodeTuple([space.user, accountId, fold(name)]),
  group: (accountId: string, name: string) => encodeTuple([space.group, accountId, fold(name)]),
  role: (accountId: string, name: string) => encodeTuple([space.role, accountId, fold(name)]),
  policy: (accountId: string, name: string) => encodeTuple([space.policy, accountId, fold(name)]),
  policyVersion: (accountId: string, policyId: string, number: number) =>
    encodeTuple([space.policyVersion, accountId, policyId, number]),
  entityName: (accountId: string, id: string) => encodeTuple([space.entityName, accountId, id]),
  accessKey: (accessKeyId: string) => encodeTuple([space.accessKey, accessKeyId]),
  ownedAccessKey: (accountId: string, ownerId: string, accessKeyId: string) =>
    encodeTuple([space.ownedAccessKey, accountId, ownerId, accessKeyId]),
  lastUsed: (id: string) => encodeTuple([space.lastUsed, id]),
  membership: (accountId: string, groupId: string, userId: string) =>
    encodeTuple([space.membership, accountId, groupId, userId]),
  oidcProvider: (accountId: string, url: string) =>
    encodeTuple([space.oidcProvider, accountId, url]),
  mfaDevice: (accountId: string, name: string) =>
    encodeTuple([space.mfaDevice, accountId, fold(name)]),
  attachment: (accountId: string, policyArn: string, use: AttachmentUse, entityId: string) =>
    encodeTuple([space.attachment, accountId, policyArn, use, entityId]),
  alias: (alias: string) => encodeTuple([space.alias, alias]),
  revokedSession: (accountId: string, accessKeyId: string) =>
    encodeTuple([space.revokedSession, accountId, accessKeyId]),
};

/** The keyspaces that lists go through by name. */
export type NamedSpace = "user" | "group" | "role" | "policy" | "mfaDevice" | "oidcProvider";

export const identityRanges = {
  accounts: (after: string | undefined): KeyRange => from([space.account], after),
  accountsByEmail: (email: string) => prefixRange([space.accountByEmail, fold(email)]),
  /** In order of the name, after `after`. */
  named: (kind: NamedSpace, accountId: string, after: string | undefined): KeyRange =>
    from([space[kind], accountId], after),
  policyVersions: (accountId: string, policyId: string) =>
    prefixRange([space.policyVersion, accountId, policyId]),
  ownedAccessKeys: (accountId: string, ownerId: string) =>
    prefixRange([space.ownedAccessKey, accountId, ownerId]),
  accessKeysOfAccount: (accountId: string) => prefixRange([space.ownedAccessKey, accountId]),
  members: (accountId: string, groupId: string) =>
    prefixRange([space.membership, accountId, groupId]),
  attachments: (accountId: string, policyArn: string, use: AttachmentUse) =>
    prefixRange([space.attachment, accountId, policyArn, use]),
  revokedSessions: (accountId: string) => prefixRange([space.revokedSession, accountId]),
};

/** The last part of a key: a name in lower case, or an id. */
export function lastPartOf(key: Uint8Array): string {
  const part = decodeTuple(key).at(-1);
  assert(part instanceof Uint8Array, "key part is not a byte string");
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("utf8");
}

function from(parts: readonly (string | number)[], after: string | undefined): KeyRange {
  const whole = prefixRange(parts);
  return after === undefined
    ? whole
    : { start: prefixRange([...parts, after]).end, end: whole.end };
}
