// What each layer of authorization says about one request, in words for administrators: the evidence for
// a decision. It asks the same functions that `decide` combines, and decides nothing itself.

import {
  bucketVerdict,
  isForeignObject,
  isGivenByAcl,
  type Decision,
  type DecisionReason,
  type DecisionRequest,
} from "./decide.ts";
import { judgeIdentity, type IdentityJudgement } from "./identity-judgement.ts";
import type { PolicyVerdict } from "./policy/evaluate.ts";

export interface LayerVerdict {
  readonly layer: Layer;
  /** `none`: there is no such layer for this request. */
  readonly verdict: "allow" | "deny" | "silent" | "none";
  readonly words: string;
  readonly statement?: Statement | undefined;
}

export type Layer =
  | "identity-policies"
  | "permissions-boundary"
  | "session-policies"
  | "bucket-policy"
  | "key-policy"
  | "access-control-list"
  | "block-public-access"
  | "object-ownership";

export type Statement = NonNullable<PolicyVerdict["statement"]>;

type Verdict = Omit<LayerVerdict, "layer">;

export function explainLayers(request: DecisionRequest): readonly LayerVerdict[] {
  return [
    ...explainCallerLayers(request),
    { layer: "bucket-policy", ...explainBucketPolicy(request) },
    { layer: "access-control-list", ...explainAcl(request) },
    { layer: "block-public-access", ...explainPublicAccessBlock(request) },
    { layer: "object-ownership", ...explainOwnership(request) },
  ];
}

/** The layers on the side of the caller, which every service has. */
export function explainCallerLayers(request: CallerRequest): readonly LayerVerdict[] {
  const { caller } = request;
  const identity = caller.kind === "anonymous" ? undefined : judgeIdentity(caller, request);
  return [
    { layer: "identity-policies", ...explainIdentity(identity) },
    { layer: "permissions-boundary", ...explainBoundary(request, identity) },
    { layer: "session-policies", ...explainSession(request, identity) },
  ];
}

type CallerRequest = Pick<DecisionRequest, "caller" | "action" | "resource" | "context">;

/** The policy of a KMS key: without its word nobody may use the key. */
export function explainKeyPolicy({
  effect,
  statement,
  principalMatch,
}: PolicyVerdict): LayerVerdict {
  const layer = "key-policy";
  if (statement === undefined) {
    return { layer, ...deny("no statement of it is about this caller and request") };
  }
  if (effect === "Deny") return { layer, ...denied(statement) };
  const isHandedOn = principalMatch === "account";
  return isHandedOn
    ? {
        layer,
        ...silent(`${describeStatement(statement)} leaves it to the account's own policies`),
      }
    : { layer, ...allow(`${describeStatement(statement)} allows it`, statement) };
}

/** `statement "NoReading" of the bucket policy`. */
export function describeStatement({ source, sid, index }: Statement): string {
  const name = sid === undefined ? `number ${index + 1}` : JSON.stringify(sid);
  const kind = policyTitles[source.kind];
  return kind.endsWith(" policy") && source.name === kind
    ? `statement ${name} of the ${kind}`
    : `statement ${name} of the ${kind} ${source.name}`;
}

const policyTitles: Readonly<Record<Statement["source"]["kind"], string>> = {
  bucket: "bucket policy",
  key: "key policy",
  trust: "trust policy",
  identity: "identity policy",
  group: "group policy",
  boundary: "permissions boundary",
  session: "session policy",
  "service-account": "policy of the service account",
};

const allow = (words: string, statement?: Statement): Verdict => ({
  verdict: "allow",
  words,
  statement,
});
const deny = (words: string, statement?: Statement): Verdict => ({
  verdict: "deny",
  words,
  statement,
});
const silent = (words: string): Verdict => ({ verdict: "silent", words });
const none = (words: string): Verdict => ({ verdict: "none", words });

function denied(statement: Statement): Verdict {
  return deny(`${describeStatement(statement)} denies it`, statement);
}

/** The explicit denial, if it stands in a policy of these kinds. */
function denialOf(
  identity: IdentityJudgement,
  kinds: readonly Statement["source"]["kind"][],
): Verdict | undefined {
  const { deny: statement } = identity;
  return statement !== undefined && kinds.includes(statement.source.kind)
    ? denied(statement)
    : undefined;
}

function explainIdentity(identity: IdentityJudgement | undefined): Verdict {
  if (identity === undefined) return none("an anonymous caller has no policies");
  if (identity.isRoot) return allow("the root of an account may do all that its account may");
  const denial = denialOf(identity, ["identity", "group"]);
  if (denial !== undefined) return denial;
  const { allow: statement } = identity;
  if (statement === undefined) return silent("no statement of its policies allows it");
  return allow(`${describeStatement(statement)} allows it`, statement);
}

function explainBoundary(
  { caller }: CallerRequest,
  identity: IdentityJudgement | undefined,
): Verdict {
  const policies = caller.kind === "identified" ? caller.policies : undefined;
  if (identity === undefined || policies?.boundary === undefined) return none("there is none");
  const { name } = policies.boundary.source;
  return (
    denialOf(identity, ["boundary"]) ??
    (identity.isWithinBoundary
      ? allow(`the boundary ${name} leaves room for it`)
      : deny(`the boundary ${name} does not allow it`))
  );
}

function explainSession(
  { caller }: CallerRequest,
  identity: IdentityJudgement | undefined,
): Verdict {
  const narrowing = caller.kind === "identified" ? (caller.policies?.narrowing ?? []) : [];
  if (identity === undefined || narrowing.length === 0) {
    return none("no session policy and no policy of a service account narrows it");
  }
  return (
    denialOf(identity, ["session", "service-account"]) ??
    (identity.isWithinSession
      ? allow("what narrows the session or service account allows it")
      : deny("what narrows the session or service account does not allow it"))
  );
}

function explainBucketPolicy(request: DecisionRequest): Verdict {
  const { bucket, caller } = request;
  if (bucket === undefined) return none("it is about no bucket");
  if (bucket.policy === undefined) return none("the bucket has no policy");
  const { effect, statement, principalMatch, isRestricted } = bucketVerdict(request);
  if (effect === "Deny" && statement !== undefined) return denied(statement);
  if (isRestricted === true) {
    return silent(
      "it would allow this, but Block Public Access (RestrictPublicBuckets) holds it back",
    );
  }
  if (effect !== "Allow" || statement === undefined) {
    return isForeignObject(request)
      ? silent("it does not speak for objects that other accounts own")
      : silent("no statement of it is about this caller and request");
  }
  const isHandedOn =
    principalMatch === "account" &&
    caller.kind === "identified" &&
    caller.accountId === bucket.ownerAccountId;
  return isHandedOn
    ? silent(
        `${describeStatement(statement)} names the caller's account, which leaves it to the caller's own policies`,
      )
    : allow(`${describeStatement(statement)} allows it`, statement);
}

function explainAcl(request: DecisionRequest): Verdict {
  const { bucket, object, acl } = request;
  if (bucket === undefined) return none("it is about no bucket");
  if (!bucket.hasAcls) return none("lists do not count: the bucket's owner owns everything in it");
  if (acl === undefined) return none("no list gives this action");
  const place = acl.of === "bucket" ? "the bucket's list" : "the object's list";
  if (acl.of === "object" && object === undefined) return none("the object is not there");
  if (isGivenByAcl(request)) return allow(`${place} grants ${acl.permission}`);
  return isGivenByAcl(request, false)
    ? silent(
        `${place} grants ${acl.permission}, but Block Public Access (IgnorePublicAcls) holds it back`,
      )
    : silent(`${place} does not grant ${acl.permission}`);
}

function explainPublicAccessBlock(request: DecisionRequest): Verdict {
  const { bucket } = request;
  const block = bucket?.publicAccessBlock;
  if (bucket === undefined) return none("it is about no bucket");
  if (block === undefined) return none("nothing is blocked, neither on the bucket nor its account");
  if (bucketVerdict(request).isRestricted === true) {
    return deny("RestrictPublicBuckets: a public policy lets in nobody from outside the account");
  }
  const ignores = block.ignorePublicAcls && !isGivenByAcl(request);
  return ignores && isGivenByAcl(request, false)
    ? deny("IgnorePublicAcls: grants to everybody count as if they were not there")
    : silent("it holds back nothing that would let this caller in");
}

function explainOwnership(request: DecisionRequest): Verdict {
  const { bucket, object, caller } = request;
  if (bucket === undefined) return none("it is about no bucket");
  if (isForeignObject(request)) {
    return isGivenByAcl(request)
      ? silent("the object belongs to another account than the bucket, and its list decides")
      : deny("the object belongs to another account than the bucket, and its list does not let in");
  }
  const isOwn = caller.kind === "identified" && caller.accountId === bucket.ownerAccountId;
  const whose = isOwn ? "the caller's account owns the bucket" : "another account owns the bucket";
  const belongs = object === undefined ? "" : ", and the bucket's owner the object";
  return isOwn
    ? silent(`${whose}${belongs}: either side may allow`)
    : silent(
        caller.kind === "anonymous"
          ? `${whose}${belongs}: its side must allow`
          : `${whose}${belongs}: both sides must allow`,
      );
}

/** The reason of a decision as a sentence. */
export function describeReason({
  reason,
  statement,
}: Pick<Decision, "reason" | "statement">): string {
  const words = reasons[reason];
  return statement === undefined ? `${words}.` : `${words}: ${describeStatement(statement)}.`;
}

const reasons: Readonly<Record<DecisionReason, string>> = {
  "account-root": "Allowed to the root of the account",
  "identity-policy": "Allowed by a policy of the caller",
  "bucket-policy": "Allowed by the bucket policy",
  "key-policy": "Allowed by the policy of the KMS key",
  "access-control-list": "Allowed by an access control list",
  "explicit-deny": "Denied explicitly",
  "no-identity-policy": "Denied because no policy of the caller allows it",
  "permissions-boundary": "Denied because the permissions boundary does not allow it",
  "session-policy":
    "Denied because a session policy, or that of the service account, does not allow it",
  "no-resource-permission":
    "Denied because neither a bucket policy nor an access control list lets in this caller",
  "restricted-public-bucket":
    "Denied because Block Public Access restricts the public bucket policy to the bucket's account",
  "foreign-object":
    "Denied because the object belongs to another account, whose access control list does not allow it",
};
