// The roles of replication configurations, made of identities and policies: S3 assumes a role when its
// trust policy names s3.amazonaws.com, and does with it what its policies allow.

import type { IdentifiedCaller } from "../access/caller.ts";
import { findNamedCaller, parsePrincipalArn } from "../access/identities/named-principals.ts";
import type { IdentityStore } from "../access/identities/identity-store.ts";
import { servicePrincipal } from "../access/policy/compile-principal.ts";
import { evaluatePolicies, type PolicyContext } from "../access/policy/evaluate.ts";
import { contextOf, type RequestFacts } from "../access/request-context.ts";
import { RequestAuthorization } from "../access/request-authorization.ts";
import type { RequestAccess } from "../access/request-access.ts";
import { findRole, parseRoleArn } from "../admin/sts/assume-role.ts";
import { trustPolicyOf } from "../admin/sts/role-trust.ts";
import type {
  LocalCopy,
  LocalReplica,
  ReplicationRole,
  ReplicationRoles,
  RoleDemand,
  SourceObject,
} from "../background/replication/replication-role.ts";
import type { TransientByteStream } from "../base/bytes.ts";
import { readableContent } from "../objects/archives.ts";
import type { AnnotationRecord } from "../objects/records/annotation-record.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import { openObjectSeal } from "../operations/encryption/object-seals.ts";
import type { OperationContext } from "../operations/operation.ts";
import { readAnnotation } from "../operations/object/annotation-copies.ts";
import { replicateAnnotations } from "../operations/replication/replicate-annotations.ts";
import { replicateObject } from "../operations/replication/replicate-object.ts";
import { createInternalContext } from "../protocol/internal-operations.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import { StoreFacts } from "../protocol/resource-facts.ts";

const service = "s3.amazonaws.com";

export function createReplicationRoles(
  identities: IdentityStore,
  dependencies: ContextDependencies,
): ReplicationRoles {
  return {
    async assume(roleArn, source) {
      const named = parsePrincipalArn(roleArn);
      if (named?.kind !== "role") return undefined;
      const role = await findRole(parseRoleArn(roleArn), roleArn, identities);
      const caller = await findNamedCaller(identities.database, named, {
        isMfaAuthenticated: false,
      });
      if (role === undefined || caller === undefined) return undefined;
      const facts = factsOf(caller, dependencies);
      const trust = evaluatePolicies([trustPolicyOf(role)], {
        action: "sts:AssumeRole",
        resource: roleArn,
        principal: servicePrincipal(service),
        context: sourceContext(facts, source),
      });
      if (trust.effect !== "Allow") return undefined;
      return new AssumedRole(caller, facts, dependencies);
    },
  };
}

class AssumedRole implements ReplicationRole {
  readonly #caller: IdentifiedCaller;
  readonly #facts: RequestFacts;
  readonly #dependencies: ContextDependencies;

  constructor(caller: IdentifiedCaller, facts: RequestFacts, dependencies: ContextDependencies) {
    this.#caller = caller;
    this.#facts = facts;
    this.#dependencies = dependencies;
  }

  allows(demand: RoleDemand): Promise<boolean> {
    return this.#authorization().allows(demand);
  }

  async copy(
    { source, targetBucketName, rule, keepsTags }: LocalCopy,
    signal: AbortSignal,
  ): Promise<{ readonly versionId: string }> {
    const { destination } = rule;
    const { record } = await replicateObject(
      {
        source,
        targetBucketName,
        keepsTags,
        storageClass: destination.StorageClass,
        kmsKeyId: destination.EncryptionConfiguration?.ReplicaKmsKeyID,
        takesOwnership: destination.AccessControlTranslation !== undefined,
      },
      this.#context(targetBucketName, signal),
    );
    return { versionId: record.versionId };
  }

  async open(
    { bucket, key, record }: SourceObject,
    { start, end }: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<TransientByteStream | Uint8Array> {
    const sealed = { bucket, key, encryption: record.encryption };
    const seal = await openObjectSeal(sealed, {}, this.#context(bucket.name, signal));
    const { store, clock } = this.#dependencies;
    return store.contents.open(readableContent(record, clock.now()), start, end, seal);
  }

  replicateAnnotations(replica: LocalReplica, signal: AbortSignal): Promise<void> {
    return replicateAnnotations(replica, this.#context(replica.targetBucketName, signal));
  }

  async openAnnotation(
    { bucket, key, record: { encryption } }: SourceObject,
    annotation: AnnotationRecord,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const context = this.#context(bucket.name, signal);
    const seal = await openObjectSeal({ bucket, key, encryption }, {}, context);
    return readAnnotation(annotation, seal, context);
  }

  #authorization(): RequestAuthorization {
    return new RequestAuthorization(this.#facts, new StoreFacts(this.#dependencies.store));
  }

  /** What the role may do with objects has been judged; what it may do with keys is judged here. */
  #context(bucketName: string, signal: AbortSignal): OperationContext {
    const authorization = this.#authorization();
    const access: RequestAccess = {
      demand: async () => {},
      allows: async () => true,
      demandKey: (demand) => authorization.demandKey(demand),
      demandPassRole: () => {},
      publicAccessBlockOf: (name) => authorization.publicAccessBlockOf(name),
      wouldAllow: async () => true,
      mayList: async () => true,
    };
    const input = { Bucket: bucketName };
    return createInternalContext(this.#dependencies, {
      input,
      caller: this.#caller,
      access,
      signal,
    });
  }
}

/** "The confused deputy problem" (IAM User Guide): whose bucket S3 acts for. */
function sourceContext(facts: RequestFacts, source: BucketRecord): PolicyContext {
  const context = contextOf(facts, {});
  return {
    get(key) {
      if (key === "aws:sourceaccount") return [source.ownerAccountId];
      if (key === "aws:sourcearn") return [`arn:aws:s3:::${source.name}`];
      return context.get(key);
    },
  };
}

function factsOf(
  caller: IdentifiedCaller,
  { clock, region }: Pick<ContextDependencies, "clock" | "region">,
): RequestFacts {
  return {
    caller,
    clock,
    region,
    headers: { get: () => undefined },
    query: () => undefined,
    remoteAddress: "127.0.0.1",
    isEncrypted: true,
    tlsVersion: "TLSv1.3",
    authentication: {
      form: "header",
      signatureVersion: "v4",
      signedMilliseconds: clock.now(),
    },
    requestTags: [],
  };
}
