// Makes the replica of a version in another bucket of this server, for the worker `replication`. A copy
// with the source's identity, owner, list and lock, which no request could ask for; no byte moves where
// the kind of encryption stays.

import { hasAclsDisabled } from "../../access/acl/effective-acl.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectRecord, VersionSettings } from "../../objects/records/object-record.ts";
import { readableContent } from "../../objects/archives.ts";
import type { CopySource, NewVersion, Written } from "../../objects/object-writes.ts";
import { replicaIdentityOf, replicaState } from "../../objects/replica.ts";
import {
  changeOfSeals,
  copiedEtag,
  knownMd5,
  moveBytes,
  movesBytes,
  relocateForCopy,
  type CopySeals,
} from "../encryption/copied-content.ts";
import {
  encryptionFor,
  etagFor,
  settleEncryption,
  type SettledEncryption,
} from "../encryption/encryption-settings.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import { parseChecksumAlgorithm } from "../object/checksum-members.ts";
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
  const { store } = context;
  const { encryption } = source.record;
  const target = await store.buckets.get(targetBucketName);
  // What a customer's key protects is copied as it lies there: nobody here could open it.
  if (encryption?.kind === "SSE-C") return copyAsItIs(request, context);
  const settled = await settleReplica(request, target, context);
  const sealed = { bucket: source.bucket, key: source.key, encryption };
  const from = await openObjectSeal(sealed, {}, context);
  const seals = { from, to: settled.seal };
  const write = movesBytes(encryption, seals.to) ? writeMoved : writeShared;
  return write({ ...request, settled, seals }, context);
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

interface SettledReplica extends ReplicaRequest {
  readonly settled: SettledEncryption;
  readonly seals: CopySeals;
}

async function copyAsItIs(request: ReplicaRequest, context: OperationContext): Promise<Written> {
  const { record } = request.source;
  const { relocations, tiers } = context.store;
  const content = readableContent(record, context.clock.now());
  const tier = tiers.of(classOf(request));
  const relocated = (await relocations.isAt(record.content, tier, "as they are"))
    ? undefined
    : await relocations.copy(content, tier, "as they are", context.signal);
  const { etag, checksum, encryption } = record;
  return copy(request, context, () => ({ etag, checksum, encryption }), { relocated });
}

async function writeShared(request: SettledReplica, context: OperationContext): Promise<Written> {
  const { source, seals, settled } = request;
  const placed = { seals, storageClass: classOf(request) };
  const relocated = await relocateForCopy(source.record, placed, context);
  const change = changeOfSeals(source.record.encryption, seals, context);
  const describe = (record: ObjectRecord): Described => {
    const md5Hex = knownMd5(record, seals.from);
    return {
      etag: copiedEtag(record, md5Hex, seals.to),
      checksum: record.checksum,
      encryption: encryptionFor(seals.to, md5Hex),
    };
  };
  const { checkBucket } = settled;
  return copy(request, context, describe, { change, checkBucket, relocated });
}

async function writeMoved(request: SettledReplica, context: OperationContext): Promise<Written> {
  const { source, seals, settled } = request;
  const { record } = source;
  const algorithm = parseChecksumAlgorithm(record.checksum?.algorithm) ?? "CRC64NVME";
  const range = { start: 0, end: record.sizeBytes };
  const storageClass = classOf(request);
  const moved = await moveBytes(record, range, algorithm, { seals, storageClass, context });
  const place = { bucketName: request.targetBucketName, key: source.key };
  const version = {
    ...common(request, context, settled.checkBucket),
    etag: etagFor(seals.to, moved.md5Hex),
    checksum: { ...moved.checksum, type: "FULL_OBJECT" as const },
    encryption: encryptionFor(seals.to, moved.md5Hex),
  };
  const begun = await context.store.writes.begin(place, {});
  return context.store.writes.put(place, begun, { received: moved.received, version });
}

type Described = Pick<NewVersion, "etag" | "checksum" | "encryption">;

async function copy(
  request: ReplicaRequest,
  context: OperationContext,
  describe: (record: ObjectRecord) => Described,
  options: {
    readonly change?: ReturnType<typeof changeOfSeals>;
    readonly checkBucket?: SettledEncryption["checkBucket"];
    readonly relocated: CopySource["relocated"];
  },
): Promise<Written> {
  const { source, targetBucketName } = request;
  const { writes } = context.store;
  const { sequence, versionId, encryption } = source.record;
  const place = { bucketName: targetBucketName, key: source.key };
  return writes.copy(
    place,
    await writes.begin(place, {}),
    {
      place: { bucketName: source.bucket.name, key: source.key },
      versionId,
      sequence,
      encryption,
      relocated: options.relocated,
    },
    (record) => ({ ...common(request, context, options.checkBucket), ...describe(record) }),
    options.change,
  );
}

function common(
  request: ReplicaRequest,
  context: OperationContext,
  checkBucket: SettledEncryption["checkBucket"] = () => {},
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
    settle(bucket) {
      checkBucket(bucket);
      return settingsOf(request, bucket);
    },
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
