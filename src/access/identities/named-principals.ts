// Callers by their name: what a root, user, role or session would be if it asked now. Made by the same
// code that makes the callers of requests, for explanations alone: nobody has signed.

import type { IdentifiedCaller } from "../caller.ts";
import { CompiledPolicies } from "./compiled-policies.ts";
import { arnOf, findEntity } from "./entities.ts";
import type { IdentityDatabase } from "./identity-database.ts";
import { decodeAccessKey } from "./identity-records.ts";
import { identityKeys } from "./identity-keys.ts";
import { findKeyCaller, findSessionCaller } from "./principals.ts";
import type { SessionToken } from "./session-tokens.ts";
import type { AccountId } from "../caller.ts";

export interface NamedPrincipal {
  readonly accountId: AccountId;
  readonly kind: "root" | "user" | "role" | "role-session";
  /** As the ARN names it: the whole ARN of a user or role, the role's name of a session. */
  readonly arn: string;
  readonly name: string;
  readonly sessionName?: string;
}

export interface SessionOptions {
  /** A checked document. */
  readonly sessionPolicy?: string | undefined;
  readonly isMfaAuthenticated: boolean;
}

/** `undefined` for what is no ARN of somebody who can ask. */
export function parsePrincipalArn(arn: string): NamedPrincipal | undefined {
  const match =
    /^arn:aws:(iam|sts)::(\d{12}):(root|user|role|assumed-role)(?:\/(.+))?$/.exec(arn) ?? [];
  const [, service, account, kind, path] = match;
  if (account === undefined) return undefined;
  const accountId = account as AccountId; // twelve digits
  if (kind === "root") {
    return path === undefined && service === "iam" ? { accountId, kind, arn, name: "" } : undefined;
  }
  const parts = path?.split("/") ?? [];
  if (kind === "assumed-role") {
    const [name, sessionName] = parts;
    if (service !== "sts" || parts.length !== 2 || !name || !sessionName) return undefined;
    return { accountId, kind: "role-session", arn, name, sessionName };
  }
  const name = parts.at(-1);
  if (service !== "iam" || !name) return undefined;
  return { accountId, kind: kind as "user" | "role", arn, name };
}

/** `undefined`: there is nobody of this name. */
export async function findNamedCaller(
  database: IdentityDatabase,
  principal: NamedPrincipal,
  options: SessionOptions,
): Promise<IdentifiedCaller | undefined> {
  const { accountId, kind } = principal;
  const owner = await findOwner(database, principal);
  if (owner === undefined) return undefined;
  const isRole = kind === "role" || kind === "role-session";
  if (!isRole && options.sessionPolicy === undefined && !options.isMfaAuthenticated) {
    return database.run((transaction) =>
      findKeyCaller(transaction, new CompiledPolicies(), {
        v: 1,
        accessKeyId: "",
        accountId,
        ownerId: owner.id,
        status: "Active",
        createdMilliseconds: 0,
        sealedSecret: "",
      }),
    );
  }
  const token = sessionOf(database, owner.id, principal, options);
  return database.run((transaction) =>
    findSessionCaller(transaction, new CompiledPolicies(), token),
  );
}

/** The caller that a key would be if it worked: also of an inactive or expired one. */
export async function findCallerOfKey(
  database: IdentityDatabase,
  accessKeyId: string,
): Promise<IdentifiedCaller | undefined> {
  return database.run(async (transaction) => {
    const value = await transaction.get(identityKeys.accessKey(accessKeyId));
    if (value === undefined) return undefined;
    return findKeyCaller(transaction, new CompiledPolicies(), decodeAccessKey(value));
  });
}

async function findOwner(
  database: IdentityDatabase,
  { accountId, kind, arn, name }: NamedPrincipal,
): Promise<{ readonly id: string } | undefined> {
  if (kind === "root") return { id: accountId };
  return database.run(async (transaction) => {
    const entityKind = kind === "user" ? "user" : "role";
    const entity = await findEntity(transaction, entityKind, accountId, name);
    if (entity === undefined) return undefined;
    // Another path or another case is another ARN; of sessions the ARN holds no path.
    const isSame = kind === "role-session" ? entity.name === name : arnOf(entity) === arn;
    return isSame ? { id: entity.id } : undefined;
  });
}

/** A session that is asked for now. */
function sessionOf(
  { clock }: IdentityDatabase,
  principalId: string,
  { accountId, kind, sessionName = "explained" }: NamedPrincipal,
  { sessionPolicy, isMfaAuthenticated }: SessionOptions,
): SessionToken {
  // Later than a revocation at this very moment.
  const issuedMilliseconds = clock.now() + 1;
  return {
    v: 1,
    accessKeyId: "",
    secret: "",
    accountId,
    kind: kind === "role" ? "role-session" : kind,
    principalId,
    ...(kind === "role" || kind === "role-session" ? { sessionName } : {}),
    issuedMilliseconds,
    expiresMilliseconds: issuedMilliseconds + 3_600_000,
    ...(isMfaAuthenticated ? { mfaMilliseconds: issuedMilliseconds } : {}),
    ...(sessionPolicy === undefined ? {} : { policies: { document: sessionPolicy } }),
  };
}
