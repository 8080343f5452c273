// Callers made of what is stored: the caller of an access key, and that of a session.

import { assert } from "../../base/assert.ts";
import type { Transaction } from "../../storage/key-value/transaction.ts";
import type { IdentifiedCaller, Principal, SessionFacts } from "../caller.ts";
import type { IdentityPolicies } from "../identity-policies.ts";
import type { CompiledPolicies } from "./compiled-policies.ts";
import { arnOf, findEntityById } from "./entities.ts";
import { identityKeys } from "./identity-keys.ts";
import { assumedRoleArn, federatedUserArn, rootArn } from "./identity-names.ts";
import {
  decodeAccount,
  type AccessKeyRecord,
  type AccountRecord,
  type RoleRecord,
  type Tag,
  type UserRecord,
} from "./identity-records.ts";
import type { SessionToken } from "./session-tokens.ts";

/** `undefined`: the account or user is gone. */
export async function findKeyCaller(
  transaction: Transaction,
  compiled: CompiledPolicies,
  key: AccessKeyRecord,
): Promise<IdentifiedCaller | undefined> {
  const account = await findAccount(transaction, key.accountId);
  if (account === undefined) return undefined;
  const identity = await findOwner(transaction, compiled, account, key.ownerId);
  if (identity === undefined) return undefined;
  const narrowing =
    key.service?.policy === undefined
      ? undefined
      : [compiled.compile(key.service.policy, { kind: "service-account", name: key.accessKeyId })];
  const policies =
    narrowing === undefined
      ? identity.policies
      : narrow(identity.policies ?? compiled.unlimited(), narrowing);
  return callerOf(account, key.accessKeyId, identity.principal, policies);
}

/** `undefined`: the account, role or user is gone, or the session was revoked. */
export async function findSessionCaller(
  transaction: Transaction,
  compiled: CompiledPolicies,
  token: SessionToken,
): Promise<IdentifiedCaller | undefined> {
  const account = await findAccount(transaction, token.accountId);
  if (account === undefined) return undefined;
  const revoked = await transaction.get(
    identityKeys.revokedSession(token.accountId, token.accessKeyId),
  );
  if (revoked !== undefined) return undefined;
  const identity = await findSessionIdentity(transaction, compiled, account, token);
  if (identity === undefined) return undefined;
  const policies =
    token.policies === undefined
      ? identity.policies
      : narrow(
          identity.policies ?? compiled.unlimited(),
          await compiled.ofSession(transaction, token.accountId, token.policies),
        );
  return callerOf(account, token.accessKeyId, identity.principal, policies);
}

interface Identity {
  readonly principal: Principal;
  /** Absent: an account's root. */
  readonly policies: IdentityPolicies | undefined;
}

async function findSessionIdentity(
  transaction: Transaction,
  compiled: CompiledPolicies,
  account: AccountRecord,
  token: SessionToken,
): Promise<Identity | undefined> {
  const session = sessionFactsOf(token);
  if (token.kind === "role-session") {
    const role = await findEntityById(transaction, account.accountId, token.principalId);
    if (role?.kind !== "role" || isRevoked(role, token)) return undefined;
    const principal = roleSessionPrincipal(role, token, session);
    return { principal, policies: await compiled.of(transaction, role) };
  }
  const owner = await findOwner(transaction, compiled, account, token.principalId);
  if (owner === undefined || isRevoked(owner.record, token)) return undefined;
  if (token.kind !== "federated-user") {
    return { principal: { ...owner.principal, session }, policies: owner.policies };
  }
  const name = token.sessionName;
  assert(name !== undefined, "a federated user has a name");
  return {
    principal: {
      kind: "federated-user",
      arn: federatedUserArn(account.accountId, name),
      userId: `${account.accountId}:${name}`,
      tags: mergeTags(owner.principal.tags ?? [], token.tags ?? []),
      session,
    },
    policies: owner.policies,
  };
}

/** The user with this id, or the account's root. */
async function findOwner(
  transaction: Transaction,
  compiled: CompiledPolicies,
  account: AccountRecord,
  ownerId: string,
): Promise<(Identity & { readonly record: UserRecord | AccountRecord }) | undefined> {
  const { accountId } = account;
  if (ownerId === accountId) {
    const principal: Principal = { kind: "root", arn: rootArn(accountId), userId: accountId };
    return { principal, policies: undefined, record: account };
  }
  const user = await findEntityById(transaction, accountId, ownerId);
  if (user?.kind !== "user") return undefined;
  return {
    principal: {
      kind: "user",
      arn: arnOf(user),
      userId: user.id,
      userName: user.name,
      tags: user.tags,
    },
    policies: await compiled.of(transaction, user),
    record: user,
  };
}

function roleSessionPrincipal(
  role: RoleRecord,
  token: SessionToken,
  session: SessionFacts,
): Principal {
  const { sessionName } = token;
  assert(sessionName !== undefined, "a role's session has a name");
  return {
    kind: "role-session",
    arn: assumedRoleArn(role.accountId, role.name, sessionName),
    userId: `${role.id}:${sessionName}`,
    roleArn: arnOf(role),
    tags: mergeTags(role.tags, token.tags ?? []),
    session,
  };
}

function sessionFactsOf(token: SessionToken): SessionFacts {
  const { issuedMilliseconds, expiresMilliseconds, mfaMilliseconds, sourceIdentity } = token;
  const { federatedKeys, transitiveTagKeys } = token;
  return {
    issuedMilliseconds,
    expiresMilliseconds,
    ...(mfaMilliseconds === undefined ? {} : { mfaMilliseconds }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    ...(federatedKeys === undefined ? {} : { federatedKeys }),
    ...(transitiveTagKeys === undefined ? {} : { transitiveTagKeys }),
  };
}

/** "Session tags override role tags with the same key", whatever its case. */
export function mergeTags(tags: readonly Tag[], over: readonly Tag[]): readonly Tag[] {
  if (over.length === 0) return tags;
  const replaced = new Set(over.map(([key]) => key.toLowerCase()));
  return [...tags.filter(([key]) => !replaced.has(key.toLowerCase())), ...over];
}

function isRevoked(
  record: { readonly sessionsRevokedMilliseconds?: number },
  token: SessionToken,
): boolean {
  const { sessionsRevokedMilliseconds: revoked } = record;
  return revoked !== undefined && token.issuedMilliseconds <= revoked;
}

function narrow(
  policies: IdentityPolicies,
  narrowing: IdentityPolicies["narrowing"][number],
): IdentityPolicies {
  return { ...policies, narrowing: [...policies.narrowing, narrowing] };
}

function callerOf(
  account: AccountRecord,
  accessKeyId: string,
  principal: Principal,
  policies: IdentityPolicies | undefined,
): IdentifiedCaller {
  const { accountId, canonicalId, displayName } = account;
  return {
    kind: "identified",
    accessKeyId,
    accountId,
    canonicalId,
    displayName,
    principal,
    ...(policies === undefined ? {} : { policies }),
  };
}

async function findAccount(
  transaction: Transaction,
  accountId: string,
): Promise<AccountRecord | undefined> {
  const value = await transaction.get(identityKeys.account(accountId));
  return value === undefined ? undefined : decodeAccount(value);
}
