// Answers, for one request, whether its caller may do what it asks: gathers what the decision looks at
// (bucket, object, condition keys), no more than it needs, and decides. What a denial tells a stranger
// is nothing but "Access Denied"; its reason goes to the caller's own account and to the audit log.

import { S3Error } from "../model/errors.ts";
import type { Caller } from "./caller.ts";
import { decide } from "./decide.ts";
import type { BucketFacts, Decision, DecisionRequest, ObjectFacts } from "./decide.ts";
import { explainDenial } from "./denial.ts";
import { explainLayers, type LayerVerdict } from "./explain-layers.ts";
import type { CompiledPolicy } from "./policy/compile-policy.ts";
import type { PublicAccessBlock } from "../model/access-control-list.ts";
import { decideKeyAccess } from "./key-authorization.ts";
import { keyContextOf } from "./key-context.ts";
import type { AccessDemand, KeyDemand, RequestAccess } from "./request-access.ts";
import { isRequesterCharged } from "./requester-pays.ts";
import { contextOf } from "./request-context.ts";
import type { RequestFacts, SubjectFacts } from "./request-context.ts";

/** Where decisions find buckets and objects. */
export interface ResourceFacts {
  /** The same record for every call of one request. Throws S3Error NoSuchBucket. */
  bucket(name: string): Promise<BucketFacts & BucketExtras>;
  /** What the bucket blocks for the public, and its account now. Throws S3Error NoSuchBucket. */
  publicAccessBlock(name: string): Promise<PublicAccessBlock | undefined>;
  /** What is known of a bucket without a look: all but what its account blocks for the public. */
  known(name: string): (BucketFacts & BucketExtras) | undefined;
  /** `undefined`: there is no such object or version. */
  object(
    bucketName: string,
    key: string,
    versionId: string | undefined,
  ): Promise<ObjectFacts | undefined>;
}

interface BucketExtras {
  /** Absent: the bucket's owner pays. */
  readonly isRequesterPays?: boolean;
  /** Only when attribute-based access control is enabled on the bucket. */
  readonly tags?: readonly (readonly [key: string, value: string])[];
}

const policyActions: ReadonlySet<string> = new Set([
  "s3:GetBucketPolicy",
  "s3:PutBucketPolicy",
  "s3:DeleteBucketPolicy",
]);

export type Judged = Decision & { readonly action: string; readonly resource: string };

/** A decision with what led to it. */
export interface ExplainedDecision {
  readonly judged: Judged;
  readonly layers: readonly LayerVerdict[];
  /** It is denied, but the object is not there, and the caller may list: it gets a 404 instead. */
  readonly isAbsenceTold?: boolean;
  /** It is allowed, but the requester pays and has not said so: it gets a 403 all the same. */
  readonly isPaymentMissing?: boolean;
}

export class RequestAuthorization implements RequestAccess {
  readonly #caller: Caller;
  readonly #facts: RequestFacts;
  readonly #resources: ResourceFacts;
  #lastDecision: Judged | undefined;
  #isCharged = false;
  #plainlyAdmitted: AccessDemand | undefined;
  #listed: Set<string> | undefined;

  constructor(facts: RequestFacts, resources: ResourceFacts) {
    this.#caller = facts.caller;
    this.#facts = facts;
    this.#resources = resources;
  }

  /** The last decision, for the audit log: a denial ends a request. */
  get lastDecision(): Judged | undefined {
    const plain = this.#plainlyAdmitted;
    if (this.#lastDecision !== undefined || plain === undefined) return this.#lastDecision;
    return { isAllowed: true, reason: "account-root", ...describe(plain) };
  }

  /** Whether the common case lets the request in, which is found out without a wait. */
  admitsPlainly(demand: AccessDemand): boolean {
    const bucket = this.#resources.known(demand.bucketName);
    if (bucket === undefined) return false;
    if (this.#ownsPlainly(bucket, isAboutObject(demand))) {
      this.#plainlyAdmitted = demand;
      return true;
    }
    return this.#admitsWithinAccount(demand, bucket);
  }

  /**
   * The same by policies, for callers of the owner's account where no access control lists count: what
   * the account blocks for the public, and who pays, makes no difference then. A denial is left to
   * `demand`.
   */
  #admitsWithinAccount(demand: AccessDemand, bucket: BucketFacts & BucketExtras): boolean {
    const caller = this.#caller;
    if (caller.kind !== "identified" || caller.accountId !== bucket.ownerAccountId) return false;
    if (bucket.hasAcls || this.#asksForTags(bucket.policy)) return false;
    const { action, resource } = describe(demand);
    const { ownerAccountId, tags: bucketTags } = bucket;
    const facts = { versionId: demand.versionId, ownerAccountId, bucketTags };
    const context = contextOf(this.#facts, facts);
    const subject = { bucket, object: undefined, acl: demand.acl };
    const decision = decide({ caller, action, resource, context, ...subject });
    if (decision.isAllowed) this.#lastDecision = { ...decision, action, resource };
    return decision.isAllowed;
  }

  async demand(demand: AccessDemand): Promise<void> {
    const judged = await this.judge(demand);
    if (judged.isAllowed) return this.#charge(demand.bucketName);
    if (await this.#mayKnowOfAbsence(demand)) return;
    throw this.#denied(judged);
  }

  /** Whether nothing but an access control list let the caller at the resource, an ARN. */
  needsAcl(resource: string): boolean {
    return this.#listed?.has(resource) === true;
  }

  /** Whether the caller has said that it pays, and does. */
  get isCharged(): boolean {
    return this.#isCharged;
  }

  /** Throws S3Error AccessDenied. */
  async #charge(bucketName: string): Promise<void> {
    const { isRequesterPays, ownerAccountId } = await this.#resources.bucket(bucketName);
    if (isRequesterPays !== true) return;
    const header = "x-amz-request-payer";
    const payer = this.#facts.headers.get(header) ?? this.#facts.query(header);
    const request = { caller: this.#caller, ownerAccountId, payer };
    if (isRequesterCharged(request)) this.#isCharged = true;
  }

  async allows(demand: AccessDemand): Promise<boolean> {
    return (await this.judge(demand)).isAllowed;
  }

  demandPassRole(roleArn: string): void {
    this.demandService("iam:PassRole", roleArn, { passedToService: "s3.amazonaws.com" });
  }

  /** For what is about the account rather than a bucket. Throws S3Error AccessDenied. */
  demandService(action: string, resource: string, facts: SubjectFacts = {}): void {
    const judged = { ...decide(this.#serviceQuestion(action, resource, facts)), action, resource };
    this.#lastDecision = judged;
    if (!judged.isAllowed || this.#caller.kind === "anonymous") throw this.#denied(judged);
  }

  /** For administrators: what is decided about a demand, as for a request, and what each side says. */
  async explain(demand: AccessDemand): Promise<ExplainedDecision> {
    const bucket = await this.#resources.bucket(demand.bucketName);
    const judged = await this.#judge(demand, bucket);
    const layers = explainLayers(await this.#question(demand, bucket));
    if (!judged.isAllowed) {
      return { judged, layers, isAbsenceTold: await this.#mayKnowOfAbsence(demand) };
    }
    try {
      await this.#charge(demand.bucketName);
      return { judged, layers };
    } catch (error) {
      if (error instanceof S3Error) return { judged, layers, isPaymentMissing: true };
      throw error;
    }
  }

  /** The same of what is about the account, or about another service. */
  explainService(action: string, resource: string): ExplainedDecision {
    const question = this.#serviceQuestion(action, resource);
    return { judged: { ...decide(question), action, resource }, layers: explainLayers(question) };
  }

  #serviceQuestion(action: string, resource: string, facts: SubjectFacts = {}): DecisionRequest {
    const subject = { bucket: undefined, object: undefined, acl: undefined };
    const context = contextOf(this.#facts, facts);
    return { caller: this.#caller, action, resource, context, ...subject };
  }

  demandKey({ action, key, encryptionContext }: KeyDemand): void {
    const caller = this.#caller;
    if (caller.kind === "anonymous") throw new S3Error("AccessDenied");
    const { accountId, keyArn } = key;
    const viaService = `s3.${this.#facts.region}.amazonaws.com`;
    const context = keyContextOf(this.#facts, { accountId, encryptionContext, viaService });
    const { isAllowed, message, reason } = decideKeyAccess({ caller, action, key, context });
    if (isAllowed) return;
    this.#lastDecision = { isAllowed, reason, action, resource: keyArn };
    throw new S3Error("AccessDenied", { message });
  }

  async publicAccessBlockOf(bucketName: string): Promise<PublicAccessBlock | undefined> {
    return await this.#resources.publicAccessBlock(bucketName);
  }

  async wouldAllow(policy: CompiledPolicy, demand: AccessDemand): Promise<boolean> {
    const bucket = await this.#resources.bucket(demand.bucketName);
    return (await this.#judge(demand, { ...bucket, policy })).isAllowed;
  }

  async judge(demand: AccessDemand): Promise<Judged> {
    const bucket = await this.#resources.bucket(demand.bucketName);
    const judged = await this.#judge(demand, bucket);
    if (this.#lastDecision?.isAllowed !== false) this.#lastDecision = judged;
    if (judged.reason === "access-control-list") (this.#listed ??= new Set()).add(judged.resource);
    return judged;
  }

  async #judge(
    demand: AccessDemand,
    bucket: Awaited<ReturnType<ResourceFacts["bucket"]>>,
  ): Promise<Judged> {
    const { action, resource } = describe(demand);
    if (this.#ownsPlainly(bucket, isAboutObject(demand)) || this.#isOwnersPolicy(action, bucket)) {
      return { isAllowed: true, reason: "account-root", action, resource };
    }
    const decision = decide(await this.#question(demand, bucket));
    return { ...decision, action, resource };
  }

  /** Everything that the decision about a demand looks at. */
  async #question(
    demand: AccessDemand,
    bucket: Awaited<ReturnType<ResourceFacts["bucket"]>>,
  ): Promise<DecisionRequest> {
    const { bucketName, key, versionId, acl } = demand;
    const { action, resource } = describe(demand);
    const looksAtObject = isAboutObject(demand) && bucket.hasAcls;
    const looksAtTags = key !== undefined && this.#asksForTags(bucket.policy);
    const object =
      key !== undefined && (looksAtObject || looksAtTags)
        ? await this.#resources.object(bucketName, key, versionId)
        : undefined;
    const context = contextOf(this.#facts, {
      versionId,
      ownerAccountId: bucket.ownerAccountId,
      objectTags: object?.tags,
      bucketTags: bucket.tags,
    });
    return { caller: this.#caller, action, resource, context, bucket, object, acl };
  }

  /** The common case, without a look at anything but the bucket: its owner's root, and no policy. */
  #ownsPlainly(bucket: BucketFacts, isAboutObject: boolean): boolean {
    const caller = this.#caller;
    return (
      bucket.policy === undefined &&
      caller.kind === "identified" &&
      caller.policies === undefined &&
      caller.accountId === bucket.ownerAccountId &&
      !(isAboutObject && bucket.hasAcls)
    );
  }

  /** The root of the owner's account cannot lock itself out of its bucket's policy. */
  #isOwnersPolicy(action: string, { ownerAccountId }: BucketFacts): boolean {
    const caller = this.#caller;
    return (
      policyActions.has(action) &&
      caller.kind === "identified" &&
      caller.policies === undefined &&
      caller.accountId === ownerAccountId
    );
  }

  #asksForTags(bucketPolicy: CompiledPolicy | undefined): boolean {
    const caller = this.#caller;
    const identity = caller.kind === "identified" ? caller.policies : undefined;
    const policies = [
      bucketPolicy,
      identity?.boundary,
      ...(identity?.identity ?? []),
      ...(identity?.narrowing.flat() ?? []),
    ];
    return policies.some((policy) => policy?.contextKeys.has("s3:existingobjecttag/") === true);
  }

  /**
   * Who may list a bucket may know that a key is not there: the operation runs and finds nothing (404);
   * for everybody else there is no difference between what is missing and what is not theirs (403).
   */
  async #mayKnowOfAbsence({ bucketName, key, versionId, acl }: AccessDemand): Promise<boolean> {
    if (key === undefined || acl?.of !== "object") return false;
    const isThere = await this.#resources.object(bucketName, key, versionId);
    return isThere === undefined && (await this.mayList(bucketName));
  }

  mayList(bucketName: string): Promise<boolean> {
    const acl = { of: "bucket", permission: "READ" } as const;
    return this.allows({ action: "s3:ListBucket", bucketName, acl });
  }

  #denied(judged: Judged): S3Error {
    this.#lastDecision = judged;
    return new S3Error("AccessDenied", { message: explainDenial(this.#caller, judged) });
  }
}

/** Whether it matters whose the object is. */
function isAboutObject({ key, acl }: AccessDemand): boolean {
  return key !== undefined && acl?.of === "object";
}

function describe({ action, bucketName, key }: AccessDemand): {
  readonly action: string;
  readonly resource: string;
} {
  const name = key === undefined ? bucketName : `${bucketName}/${key}`;
  return { action, resource: `arn:aws:s3:::${name}` };
}
