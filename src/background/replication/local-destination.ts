// A destination bucket on this server: no byte moves where the kind of encryption stays.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import { S3Error } from "../../model/errors.ts";
import { serverCause } from "../../objects/change-log.ts";
import { nullVersionId } from "../../objects/identifiers.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ChangeEvent } from "../../objects/records/change-record.ts";
import { isDeleteMarker, type ObjectRecord } from "../../objects/records/object-record.ts";
import { replicaIdentityOf } from "../../objects/replica.ts";
import { StorageFullError, StorageUnavailableError } from "../../storage/storage-errors.ts";
import type { MarkerWork, ReplicaDestination, ReplicaWork } from "./destination.ts";
import { DestinationAwayError, ReplicationRefusedError } from "./failure.ts";
import { demand, readPermissions, readsAnnotations } from "./replication-role.ts";

export class LocalDestination implements ReplicaDestination {
  readonly #store: ObjectStore;
  readonly #bucketName: string;

  constructor(store: ObjectStore, bucketName: string) {
    this.#store = store;
    this.#bucketName = bucketName;
  }

  async find({ source }: ReplicaWork, known: string | undefined): Promise<string | undefined> {
    const bucket = await this.#bucket();
    const { versionId } = source.record;
    const name = known ?? (versionId === nullVersionId ? undefined : versionId);
    if (name === undefined) return this.#findNullReplica(bucket, source.key, source.record);
    const record = await this.#store.versions.findAny(bucket, source.key, name);
    return record === undefined || isDeleteMarker(record) ? undefined : name;
  }

  async put(work: ReplicaWork): Promise<string> {
    const { source, role, rule, signal } = work;
    const { key, record } = source;
    const place = { bucketName: this.#bucketName, key };
    const bucket = await this.#bucket();
    checkBucket(bucket, record);
    const { keepsTags } = await readPermissions(role, source);
    await demand(role, "DstPutObjectNotPermitted", { ...place, action: "s3:ReplicateObject" });
    const writesTags =
      keepsTags &&
      record.attributes.tags !== undefined &&
      (await role.allows({ ...place, action: "s3:ReplicateTags" }));
    if (rule.destination.AccessControlTranslation !== undefined) {
      const action = "s3:ObjectOwnerOverrideToBucketOwner";
      await demand(role, "DstPutAclNotPermitted", { ...place, action });
    }
    const copy = { source, targetBucketName: bucket.name, rule, keepsTags: writesTags };
    const { versionId } = await asFailure(() => role.copy(copy, signal));
    await this.#replicateAnnotations(work, versionId);
    return versionId;
  }

  async update(work: ReplicaWork, versionId: string): Promise<void> {
    const { source, role } = work;
    const { key, record } = source;
    const place = { bucketName: this.#bucketName, key };
    await readPermissions(role, source);
    await demand(role, "DstPutObjectNotPermitted", { ...place, action: "s3:ReplicateObject" });
    const tagsDiffer = (replica: ObjectRecord): boolean =>
      !isDeepStrictEqual(replica.attributes.tags ?? [], record.attributes.tags ?? []);
    const mayTag = await role.allows({ ...place, action: "s3:ReplicateTags" });
    await asFailure(() =>
      this.#store.writes.changeVersion(
        place,
        versionId,
        replicationCause("ObjectTagging:Put", this.#store.clock),
        (replica) => {
          if (tagsDiffer(replica) && !mayTag) {
            throw new ReplicationRefusedError("DstPutTaggingNotPermitted");
          }
          return withFactsOf(record, replica);
        },
      ),
    );
    await this.#replicateAnnotations(work, versionId);
  }

  async putMarker({ key, marker, role }: MarkerWork): Promise<void> {
    const place = { bucketName: this.#bucketName, key };
    checkBucket(await this.#bucket(), undefined);
    await demand(role, "DstDelObjNotPermitted", { ...place, action: "s3:ReplicateDelete" });
    await asFailure(() =>
      this.#store.writes.delete(place, undefined, {
        cause: replicationCause("ObjectRemoved:Delete", this.#store.clock),
        replica: replicaIdentityOf(marker),
        ...(marker.owner === undefined ? {} : { deleter: marker.owner }),
      }),
    );
  }

  async #replicateAnnotations(
    { source, role, annotations, signal }: ReplicaWork,
    versionId: string,
  ): Promise<void> {
    if (!(await readsAnnotations(role, source, annotations))) return;
    const targetBucketName = this.#bucketName;
    const action = "s3:ReplicateObjectAnnotation";
    const mayWrite = await role.allows({ action, bucketName: targetBucketName, key: source.key });
    if (!mayWrite) return;
    const replica = { source, targetBucketName, versionId, changed: annotations };
    await asFailure(() => role.replicateAnnotations(replica, signal));
  }

  async #bucket(): Promise<BucketRecord> {
    const bucket = await this.#store.buckets.find(this.#bucketName);
    if (bucket === undefined) throw new ReplicationRefusedError("DstBucketNotFound");
    return bucket;
  }

  /** A null version cannot keep its id: its replica is known by its time and content. */
  async #findNullReplica(
    bucket: BucketRecord,
    key: string,
    { etag, sizeBytes, lastModifiedMilliseconds }: ObjectRecord,
  ): Promise<string | undefined> {
    const replica = await this.#store.versions.findIfPresent(bucket.name, key);
    const isSame =
      replica?.replication?.isReplica === true &&
      replica.etag === etag &&
      replica.sizeBytes === sizeBytes &&
      replica.lastModifiedMilliseconds === lastModifiedMilliseconds;
    return isSame ? replica.versionId : undefined;
  }
}

/** Of what this worker does to a replica: it goes nowhere from there. */
export function replicationCause(event: ChangeEvent, clock: Clock) {
  return { ...serverCause(event, clock), isReplication: true as const };
}

/** The replica with the tags, list and lock that its source has now. */
function withFactsOf(source: ObjectRecord, replica: ObjectRecord): ObjectRecord {
  const { acl: _, lock: __, attributes, ...others } = replica;
  const { tags: ___, ...kept } = attributes;
  const { tags } = source.attributes;
  // Under another owner the source's list means nothing.
  const keepsAcl = isDeepStrictEqual(source.owner, replica.owner);
  const acl = keepsAcl ? source.acl : replica.acl;
  const changed: ObjectRecord = {
    ...others,
    attributes: { ...kept, ...(tags === undefined ? {} : { tags }) },
    ...(acl === undefined ? {} : { acl }),
    ...(source.lock === undefined ? {} : { lock: source.lock }),
  };
  return isDeepStrictEqual(changed, replica) ? replica : changed;
}

function checkBucket(bucket: BucketRecord, record: ObjectRecord | undefined): void {
  if (bucket.versioning !== "Enabled") throw new ReplicationRefusedError("DstBucketUnversioned");
  if (record?.lock !== undefined && !bucket.objectLockEnabled) {
    throw new ReplicationRefusedError("DstBucketObjectLockConfigMissing");
  }
}

/** What the object layer throws, as a failure of replication. */
async function asFailure<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StorageFullError || error instanceof StorageUnavailableError) {
      throw new DestinationAwayError("the store takes nothing at the moment", { cause: error });
    }
    if (!(error instanceof S3Error)) throw error;
    switch (error.code) {
      case "NoSuchBucket":
        throw new ReplicationRefusedError("DstBucketNotFound", undefined, { cause: error });
      case "NoSuchKey":
      case "NoSuchVersion":
        throw new ReplicationRefusedError("DstObjectHardDeleted", undefined, { cause: error });
      case "InvalidObjectState":
        throw new ReplicationRefusedError("SrcObjectNotEligible", undefined, { cause: error });
      case "AccessDenied":
        // The role has been judged before: what remains is the use of KMS keys.
        throw new ReplicationRefusedError("SrcKmsKeyNotPermitted", error.message, { cause: error });
      default: {
        const isOfKey = error.code.startsWith("KMS.");
        const reason = isOfKey ? "DstKmsKeyInvalidState" : "DstPutObjectNotPermitted";
        throw new ReplicationRefusedError(reason, error.code, { cause: error });
      }
    }
  }
}
