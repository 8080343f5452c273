// Makes the replica of a version in another bucket of this server, for the worker `replication`. A copy
// with the source's identity, owner, list and lock, which no request could ask for; no byte moves where
// the kind of encryption stays.

import { hasAclsDisabled } from "../../access/acl/effective-acl.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectRecord, VersionSettings } from "../../objects/records/object-record.ts";
import type { NewVersion, Written } from "../../objects/object-writes.ts";
import { replicaIdentityOf, replicaState } from "../../objects/replica.ts";
import { settleEncryption, type SettledEncryption } from "../encryption/encryption-settings.ts";
import { writeCopy } from "../object/write-copy.ts";
import type { OperationContext } from "../operation.ts";

export interface ReplicaRequest {
  readonly source: {
    readonly bucket: BucketRecord;
    readonly key: string;
    readonly record: ObjectRecord;
  };
  readonly targetBucketName: string;
  /** Absent: the source's. */
  readonly storageClass?: string | undefined;
  /** Of objects that are encrypted by a KMS key. */
  readonly kmsKeyId?: string | undefined;
  /** The replica belongs to the destination's owner. */
  readonly takesOwnership: boolean;
  readonly keepsTags: boolean;
}

/** Throws S3Error; BlobMissingError and BucketChangedError: look again at both sides. */
export async function replicateObject(
  request: ReplicaRequest,
  context: OperationContext,
): Promise<Written> {
  const { source, targetBucketName } = request;
  const { bucket, key, record } = source;
  const target = await context.store.buckets.get(targetBucketName);
  const version = newReplica(request, context);
  return writeCopy(
    {
      place: { bucketName: targetBucketName, key },
      conditions: {},
      source: { bucket, key, versionId: record.versionId, record, customerKey: {} },
      // What a customer's key protects is copied as it lies there: nobody here could open it.
      encryption:
        record.encryption?.kind === "SSE-C"
          ? "as it is"
          : await settleReplica(request, target, context),
      storageClass: classOf(request),
      describe: () => version,
    },
    context,
  );
}

/** An object under SSE-S3 stays so; one that was never encrypted gets what its new bucket gives. */
function settleReplica(
  { source, kmsKeyId }: ReplicaRequest,
  bucket: BucketRecord,
  context: OperationContext,
): Promise<SettledEncryption> {
  const { encryption } = source.record;
  const place = { bucket, key: source.key };
  if (encryption === undefined) return settleEncryption({}, place, context);
  if (!("keyArn" in encryption)) {
    return settleEncryption({ ServerSideEncryption: "AES256" }, place, context);
  }
  const { kind: ServerSideEncryption, context: SSEKMSEncryptionContext } = encryption;
  return settleEncryption(
    { ServerSideEncryption, SSEKMSKeyId: kmsKeyId, SSEKMSEncryptionContext },
    place,
    context,
  );
}

function newReplica(
  request: ReplicaRequest,
  context: OperationContext,
): Pick<NewVersion, "attributes" | "settle" | "replica" | "cause"> {
  const { record } = request.source;
  const { storageClass: _, tags, ...others } = record.attributes;
  const wanted = classOf(request);
  return {
    attributes: {
      ...others,
      // The usual class is not stored.
      ...(wanted === undefined || wanted === "STANDARD" ? {} : { storageClass: wanted }),
      ...(tags === undefined || !request.keepsTags ? {} : { tags }),
    },
    replica: replicaIdentityOf(record),
    cause: { ...context.cause("ObjectCreated:Put"), isReplication: true },
    settle: (bucket) => settingsOf(request, bucket),
  };
}

function classOf({ storageClass, source }: ReplicaRequest): string | undefined {
  return storageClass ?? source.record.attributes.storageClass;
}

/** By default a replica belongs to whom the source object does ("Changing the replica owner"). */
function settingsOf(
  { source, takesOwnership }: ReplicaRequest,
  bucket: BucketRecord,
): VersionSettings {
  const { record } = source;
  const lock = record.lock === undefined ? {} : { lock: record.lock };
  const kept = { ...lock, replication: replicaState };
  if (takesOwnership || hasAclsDisabled(bucket)) return kept;
  const owner = record.owner ?? { id: source.bucket.ownerId, name: source.bucket.ownerName };
  return {
    ...kept,
    ...(owner.id === bucket.ownerId ? {} : { owner }),
    ...(record.acl === undefined ? {} : { acl: record.acl }),
  };
}
