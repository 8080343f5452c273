// What the actions of Holdfast's own administration are given, and how they find out whether their caller
// may: its own policies decide about `holdfast:<Action>`, and what lies in another account than the
// caller's is for principals of the server's root account alone.

import type { AccountId, IdentifiedCaller } from "../../access/caller.ts";
import type { Decision } from "../../access/decide.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import type { IdentityStore } from "../../access/identities/identity-store.ts";
import { rootArn } from "../../access/identities/identity-names.ts";
import type { Page, PageRequest } from "../../access/identities/identity-database.ts";
import type { ResourceFacts } from "../../access/request-authorization.ts";
import type { ServiceRequest } from "../../access/service-request.ts";
import { explainServiceDenial } from "../../access/denial.ts";
import { decideService, serviceContext } from "../../access/service-authorization.ts";
import type { CredentialLookup } from "../../access/signed-request.ts";
import type { Clock } from "../../base/clock.ts";
import type { Sealer } from "../../keys/sealer.ts";
import type { KmsKeys } from "../../keys/kms-keys.ts";
import type { ManagementActionName, ManagementInput } from "../../model/management-actions.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { JsonCall, JsonObject } from "../json/json-api.ts";
import { ManagementError } from "./management-error.ts";
import type { WorkerDirectory } from "./workers.ts";

export interface ManagementDependencies {
  readonly objects: ObjectStore;
  readonly identities: IdentityStore;
  readonly credentials: CredentialLookup;
  readonly keys: KmsKeys;
  readonly workers: WorkerDirectory;
  readonly clock: Clock;
  readonly region: string;
  /** Of the secrets of other servers. */
  readonly sealer: Sealer;
  /** What of a bucket waits for replication. */
  readonly replicationBacklog: (bucket: BucketRecord) => Promise<
    readonly {
      readonly bucketArn: string;
      readonly waiting: number;
      readonly refused: number;
      readonly oldestMilliseconds: number | undefined;
      readonly lastRefusal: string | undefined;
      readonly lastFailure: string | undefined;
    }[]
  >;
  /** What decisions look at of buckets and objects, found as requests find it. */
  readonly newResourceFacts: () => ResourceFacts;
}

/** What an action is about. */
export interface ManagementSubject {
  /** ARN, or `*`. */
  readonly resource: string;
  /** The account that it lies in, where that is known without a look at buckets. */
  readonly accountId?: string | undefined;
}

export interface ManagementAction<Name extends ManagementActionName> {
  /** For principals of the server's root account alone, whichever account it is about. */
  readonly isForRootAccount?: true;
  subject(
    input: ManagementInput<Name>,
    call: ManagementCall,
  ): ManagementSubject | Promise<ManagementSubject>;
  run(input: ManagementInput<Name>, call: ManagementCall): Promise<JsonObject>;
}

/** Some of the actions, as the files of this folder define them. */
export type ManagementActionTable<Name extends ManagementActionName = ManagementActionName> = {
  readonly [Each in Name]: ManagementAction<Each>;
};

export class ManagementCall {
  readonly dependencies: ManagementDependencies;
  readonly caller: IdentifiedCaller;
  readonly request: ServiceRequest;
  readonly #action: string;
  readonly #judged: JsonCall["judged"];
  /** Tells the audit log how much was done. */
  readonly did: JsonCall["did"];

  constructor(
    name: ManagementActionName,
    { caller, request, judged, did }: JsonCall,
    dependencies: ManagementDependencies,
  ) {
    this.dependencies = dependencies;
    this.caller = caller;
    this.request = request;
    this.#action = `holdfast:${name}`;
    this.#judged = judged;
    this.did = did;
  }

  get isOfRootAccount(): boolean {
    return this.caller.accountId === this.dependencies.objects.rootAccount.accountId;
  }

  /** The account that a request names, or the caller's own. */
  accountOf(input: { readonly AccountId?: string | undefined }): AccountId {
    return (input.AccountId ?? this.caller.accountId) as AccountId; // its pattern was checked
  }

  /** Throws ManagementError AccessDeniedException. */
  demand({ resource, accountId }: ManagementSubject): void {
    const { caller, request, dependencies } = this;
    const action = this.#action;
    const context = serviceContext(request, dependencies, { resourceAccount: accountId });
    const decision = decideService(caller, { action, resource, context });
    this.#judged({ ...decision, action, resource });
    if (decision.isAllowed) return;
    throw this.#denied(explainServiceDenial(caller, { action, resource }, decision));
  }

  /** Throws ManagementError AccessDeniedException for an account that is not the caller's business. */
  demandAccount(accountId: string, resource = rootArn(accountId)): void {
    if (accountId !== this.caller.accountId) this.demandRootAccount(resource);
  }

  demandRootAccount(resource: string): void {
    if (this.isOfRootAccount) return;
    const decision: Decision = { isAllowed: false, reason: "no-resource-permission" };
    this.#judged({ ...decision, action: this.#action, resource });
    const { arn } = this.caller.principal;
    throw this.#denied(
      `User: ${arn} is not authorized to perform: ${this.#action} on resource: ${resource} because only principals of the server's root account may do so`,
    );
  }

  /** For what makes or widens keys: who is narrowed could make itself a key that is not. */
  demandUnnarrowed(): void {
    if ((this.caller.policies?.narrowing ?? []).length === 0) return;
    const decision: Decision = { isAllowed: false, reason: "session-policy" };
    this.#judged({ ...decision, action: this.#action, resource: "*" });
    throw this.#denied(
      "A service account, or a session with a session policy, cannot make or change access keys.",
    );
  }

  /** A bucket that the caller may administer. Throws S3Error NoSuchBucket, ManagementError. */
  async getBucket(name: string): Promise<BucketRecord> {
    const bucket = await this.dependencies.objects.buckets.get(name);
    this.demandAccount(bucket.ownerAccountId, bucketArn(name));
    return bucket;
  }

  #denied(message: string): ManagementError {
    return new ManagementError("AccessDeniedException", message);
  }
}

export function bucketArn(name: string): string {
  return `arn:aws:s3:::${name}`;
}

/** The subject of what is about an account as a whole. */
export function accountSubject(
  input: { readonly AccountId?: string | undefined },
  call: ManagementCall,
): ManagementSubject {
  const accountId = call.accountOf(input);
  return { accountId, resource: rootArn(accountId) };
}

/**
 * The path of a user or role for its ARN; of one that is not there the usual path: whether it is there is
 * for those to know who may ask about it.
 */
export async function pathOf(entity: Promise<{ readonly path: string }>): Promise<string> {
  try {
    return (await entity).path;
  } catch (error) {
    if (error instanceof IdentityError && error.code === "NoSuchEntity") return "/";
    throw error;
  }
}

/** What every paged list begins with. */
export interface PagedInput {
  readonly NextToken?: string | undefined;
  readonly MaxItems?: number | undefined;
}

export function pageRequestOf({ NextToken, MaxItems }: PagedInput): PageRequest {
  return { marker: NextToken, maxItems: MaxItems };
}

export function nextToken({ marker }: Page<unknown>): { readonly NextToken?: string } {
  return marker === undefined ? {} : { NextToken: marker };
}

export function timeText(milliseconds: number): string;
export function timeText(milliseconds: number | undefined): string | undefined;
export function timeText(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
}
