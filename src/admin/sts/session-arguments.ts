// What callers ask of a session: policies that narrow it, tags, a duration. Checked before anything is
// issued.

import { deflateRawSync } from "node:zlib";
import type { AccountId, IdentifiedCaller } from "../../access/caller.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import type { Tag as StoredTag } from "../../access/identities/identity-records.ts";
import type { IdentityStore } from "../../access/identities/identity-store.ts";
import { checkPolicyDocument } from "../../access/identities/policy-checks.ts";
import { isPolicyThere } from "../../access/identities/policy-places.ts";
import type { SessionPolicies } from "../../access/identities/session-tokens.ts";
import { checkTags } from "../../access/identities/tags.ts";
import { sessionPolicyCharacters } from "../../access/policy/policy-limits.ts";
import type { PolicyDescriptorType, Tag } from "../../model/sts.generated.ts";
import { validationError } from "../query/query-error.ts";

export interface PolicyArguments {
  readonly Policy?: string | undefined;
  readonly PolicyArns?: readonly PolicyDescriptorType[] | undefined;
}

/** "You can provide up to 10 managed policy ARNs." */
const maximumPolicyArns = 10;

/**
 * `undefined`: nothing narrows the session. Throws IdentityError MalformedPolicyDocument,
 * ValidationError.
 */
export async function readSessionPolicies(
  { Policy, PolicyArns = [] }: PolicyArguments,
  accountId: AccountId,
  identities: IdentityStore,
): Promise<SessionPolicies | undefined> {
  if (Policy === undefined && PolicyArns.length === 0) return undefined;
  if (Policy !== undefined) checkPolicyDocument(Policy, "session", "policy");
  if (PolicyArns.length > maximumPolicyArns) {
    throw validationError(
      `1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to ${maximumPolicyArns}`,
    );
  }
  const arns = PolicyArns.map(({ arn }) => arn ?? "");
  // "The plaintext that you use for both inline and managed session policies can't exceed 2,048
  // characters."
  const characters = (Policy ?? "").length + arns.join("").length;
  if (characters > sessionPolicyCharacters) {
    throw validationError(
      `1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to ${sessionPolicyCharacters}`,
    );
  }
  for (const arn of arns) {
    const isThere = await identities.database.run((transaction) =>
      isPolicyThere(transaction, accountId, arn),
    );
    if (!isThere) throw validationError(`The policy ${arn} does not exist or is not attachable.`);
  }
  return {
    ...(Policy === undefined ? {} : { document: Policy }),
    ...(arns.length === 0 ? {} : { arns }),
  };
}

export interface SessionTags {
  /** Those of the request, and those that the caller's own session passes on. */
  readonly all: readonly StoredTag[];
  readonly requested: readonly StoredTag[];
  readonly transitiveKeys: readonly string[];
}

/** Throws IdentityError InvalidInput, ValidationError. */
export function readSessionTags(
  tags: readonly Tag[] | undefined,
  transitiveTagKeys: readonly string[] | undefined,
  caller: IdentifiedCaller | undefined,
): SessionTags {
  const requested = checkTags((tags ?? []).map(({ Key, Value }) => [Key, Value] as const));
  const wanted = new Set(requested.map(([key]) => key.toLowerCase()));
  for (const key of transitiveTagKeys ?? []) {
    if (wanted.has(key.toLowerCase())) continue;
    throw validationError(
      "The specified transitive tag key must be included in the requested tags.",
    );
  }
  const inheritedKeys = caller?.principal.session?.transitiveTagKeys ?? [];
  for (const key of inheritedKeys) {
    if (!wanted.has(key.toLowerCase())) continue;
    throw new IdentityError(
      "ValidationError",
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    );
  }
  const isInherited = new Set(inheritedKeys.map((key) => key.toLowerCase()));
  const inherited = (caller?.principal.tags ?? []).filter(([key]) =>
    isInherited.has(key.toLowerCase()),
  );
  return {
    all: checkTags([...inherited, ...requested]),
    requested,
    transitiveKeys: [...inheritedKeys, ...(transitiveTagKeys ?? [])],
  };
}

/** Our bound on what a session carries, packed; STS has one that it does not name either. */
const packedBytes = 4096;

/**
 * How much of the room for policies and tags a session takes, in percent; `undefined` for one without.
 * Throws IdentityError PackedPolicyTooLarge.
 */
export function packedPolicySize(
  policies: SessionPolicies | undefined,
  tags: readonly StoredTag[],
): number | undefined {
  if (policies === undefined && tags.length === 0) return undefined;
  const packed = deflateRawSync(JSON.stringify([policies ?? {}, tags])).byteLength;
  const percent = Math.ceil((100 * packed) / packedBytes);
  if (percent <= 100) return percent;
  throw new IdentityError(
    "PackedPolicyTooLarge",
    `Packed size of session tags and session policies consumes ${percent}% of allotted space.`,
  );
}
