// The decision about one action of one caller: how identity policies, boundary, session, bucket policy
// and access control lists combine. Pure. After "How Amazon S3 authorizes a request" (User Guide) and
// "Policy evaluation logic" (IAM User Guide): an explicit deny wins; inside the owner's account either
// side may allow; across accounts both must; nobody is let in by silence.

import type { AclGrants, AclPermission, PublicAccessBlock } from "../model/access-control-list.ts";
import { aclAllows } from "./acl/acl-evaluation.ts";
import type { Caller, IdentifiedCaller } from "./caller.ts";
import { judgeIdentity, policyPrincipal } from "./identity-judgement.ts";
import type { IdentityJudgement } from "./identity-judgement.ts";
import type { CompiledPolicy } from "./policy/compile-policy.ts";
import { evaluatePolicies } from "./policy/evaluate.ts";
import type { PolicyContext, PolicyVerdict } from "./policy/evaluate.ts";

/** What decisions look at of a bucket. */
export interface BucketFacts {
  readonly name: string;
  readonly ownerAccountId: string;
  /** Canonical id. */
  readonly ownerId: string;
  /** Whether access control lists count: not where the bucket's owner owns everything. */
  readonly hasAcls: boolean;
  readonly acl: AclGrants | undefined;
  readonly policy: CompiledPolicy | undefined;
  /** Whether `policy` lets in everybody; see policy/public-policy.ts. */
  readonly isPolicyPublic: boolean;
  /** Of the bucket and of its account together. */
  readonly publicAccessBlock: PublicAccessBlock | undefined;
}

/** What decisions look at of an object. */
export interface ObjectFacts {
  /** Canonical id; the bucket's owner unless somebody else wrote it and kept it. */
  readonly ownerId: string;
  readonly acl: AclGrants | undefined;
  readonly tags: readonly (readonly [key: string, value: string])[];
}

export interface DecisionRequest {
  readonly caller: Caller;
  readonly action: string;
  /** ARN; `*` for what is about no resource. */
  readonly resource: string;
  readonly context: PolicyContext;
  /** Absent for what is about the service. */
  readonly bucket: BucketFacts | undefined;
  /** Absent when the action is about the bucket, or the object is not there. */
  readonly object: ObjectFacts | undefined;
  /** The permission of an access control list that gives the action. */
  readonly acl:
    | { readonly of: "bucket" | "object"; readonly permission: AclPermission }
    | undefined;
}

export interface Decision {
  readonly isAllowed: boolean;
  readonly reason: DecisionReason;
  /** The statement that decided. */
  readonly statement?: PolicyVerdict["statement"];
}

export type DecisionReason =
  | "account-root"
  | "identity-policy"
  | "bucket-policy"
  | "key-policy"
  | "access-control-list"
  | "explicit-deny"
  | "no-identity-policy"
  | "permissions-boundary"
  | "session-policy"
  /** Nothing on the side of the resource lets in a caller of another account, or an anonymous one. */
  | "no-resource-permission"
  /** The bucket policy would, if Block Public Access did not restrict it. */
  | "restricted-public-bucket"
  /** The object belongs to another account than the bucket. */
  | "foreign-object";

export function decide(request: DecisionRequest): Decision {
  const { caller } = request;
  const verdict = bucketVerdict(request);
  const identity = caller.kind === "anonymous" ? undefined : judgeIdentity(caller, request);
  const denial = verdict.effect === "Deny" ? verdict.statement : identity?.deny;
  if (denial !== undefined) {
    return { isAllowed: false, reason: "explicit-deny", statement: denial };
  }
  const { bucket } = request;
  if (identity === undefined || caller.kind === "anonymous")
    return decideByResource(request, verdict);
  if (bucket === undefined) return decideByIdentity(identity);
  if (isForeignObject(request)) return decideForeignObject(request, identity);
  if (caller.accountId !== bucket.ownerAccountId) {
    const byResource = decideByResource(request, verdict);
    return byResource.isAllowed && !isAllowedByIdentity(identity)
      ? decideByIdentity(identity)
      : byResource;
  }
  const byIdentity = decideByIdentity(identity);
  if (byIdentity.isAllowed || !givesInAccount(verdict, caller, identity)) return byIdentity;
  return { isAllowed: true, reason: "bucket-policy", statement: verdict.statement };
}

/**
 * An allow of a public policy counts for nobody outside the owner's account where Block Public Access
 * restricts it ("RestrictPublicBuckets", User Guide). A bucket policy is silent about objects that
 * belong to other accounts; its denials hold.
 */
export function bucketVerdict(
  request: DecisionRequest,
): PolicyVerdict & { readonly isRestricted?: true } {
  const { bucket, caller, action, resource, context } = request;
  if (bucket?.policy === undefined) return { effect: "None" };
  const principal = caller.kind === "anonymous" ? "anonymous" : policyPrincipal(caller);
  const verdict = evaluatePolicies([bucket.policy], { action, resource, principal, context });
  if (verdict.effect !== "Allow") return verdict;
  if (isForeignObject(request)) return { effect: "None" };
  const isStranger = caller.kind === "anonymous" || caller.accountId !== bucket.ownerAccountId;
  const isRestricted =
    isStranger && bucket.isPolicyPublic && bucket.publicAccessBlock?.restrictPublicBuckets === true;
  return isRestricted ? { effect: "None", isRestricted: true } : verdict;
}

function decideByIdentity(identity: IdentityJudgement): Decision {
  const { allow, isRoot, isWithinBoundary, isWithinSession } = identity;
  if (isRoot) return { isAllowed: true, reason: "account-root" };
  if (allow === undefined) return { isAllowed: false, reason: "no-identity-policy" };
  if (!isWithinBoundary) return { isAllowed: false, reason: "permissions-boundary" };
  if (!isWithinSession) return { isAllowed: false, reason: "session-policy" };
  return { isAllowed: true, reason: "identity-policy", statement: allow };
}

export function isAllowedByIdentity(identity: IdentityJudgement): boolean {
  return decideByIdentity(identity).isAllowed;
}

function decideByResource(
  request: DecisionRequest,
  verdict: ReturnType<typeof bucketVerdict>,
): Decision {
  if (verdict.effect === "Allow") {
    return { isAllowed: true, reason: "bucket-policy", statement: verdict.statement };
  }
  if (isGivenByAcl(request)) return { isAllowed: true, reason: "access-control-list" };
  return {
    isAllowed: false,
    reason: verdict.isRestricted === true ? "restricted-public-bucket" : "no-resource-permission",
  };
}

/**
 * Inside the account a bucket policy gives by itself to whom it names; naming the account only hands
 * the question to the identity's own policies ("Resource-based policies", IAM User Guide: a user or a
 * session that is named itself is not held back by what its boundary or session policy leaves out).
 */
export function givesInAccount(
  verdict: PolicyVerdict,
  caller: IdentifiedCaller,
  { isWithinBoundary, isWithinSession }: IdentityJudgement,
): boolean {
  if (verdict.effect !== "Allow") return false;
  switch (verdict.principalMatch) {
    case "principal":
      return caller.principal.kind === "role-session" || isWithinSession;
    case "role":
    case "anyone":
      return isWithinBoundary && isWithinSession;
    default:
      return false;
  }
}

/**
 * Objects that another account wrote and kept, where the bucket has access control lists. It is their
 * owner's business who reads them and their lists; everything else about them (deletion, tags, locks)
 * is the bucket's ("By default, the bucket owner has this permission", PutObjectTagging).
 */
export function isForeignObject({ bucket, object, acl }: DecisionRequest): boolean {
  if (bucket === undefined || object === undefined || !bucket.hasAcls) return false;
  return acl?.of === "object" && object.ownerId !== bucket.ownerId;
}

/** Its owner's account decides, and its access control list; the bucket's owner is one of many. */
function decideForeignObject(request: DecisionRequest, identity: IdentityJudgement): Decision {
  if (!isGivenByAcl(request)) return { isAllowed: false, reason: "foreign-object" };
  return isAllowedByIdentity(identity)
    ? { isAllowed: true, reason: "access-control-list" }
    : decideByIdentity(identity);
}

export function isGivenByAcl(
  { bucket, object, acl, caller }: DecisionRequest,
  ignorePublic = bucket?.publicAccessBlock?.ignorePublicAcls === true,
): boolean {
  if (acl === undefined || bucket?.hasAcls !== true) return false;
  const subject = acl.of === "bucket" ? bucket : object;
  if (subject === undefined) return false;
  return aclAllows(subject.acl, subject.ownerId, caller, acl.permission, { ignorePublic }).allowed;
}
