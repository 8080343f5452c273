// The steps of every copy of a whole object, whether a client asks for it or replication makes it on this
// server. Its bytes are named once more, and only where the kind of encryption changes are they read and
// sealed anew.

import { createChecksum, type ChecksumAlgorithm } from "../../body/checksum.ts";
import { hasAnnotations, type CopiedAnnotations } from "../../objects/annotations.ts";
import { readableContent } from "../../objects/archives.ts";
import type { BegunWrite, NewVersion, ObjectPlace, Written } from "../../objects/object-writes.ts";
import type { WriteConditions } from "../../objects/preconditions.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectRecord, StoredChecksum } from "../../objects/records/object-record.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import {
  changeOfSeals,
  copiedEtag,
  knownMd5,
  moveBytes,
  movesBytes,
  relocateForCopy,
  type CopySeals,
} from "../encryption/copied-content.ts";
import type { CustomerKeyMembers } from "../encryption/customer-key.ts";
import {
  encryptionFor,
  etagFor,
  type SettledEncryption,
} from "../encryption/encryption-settings.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { OperationContext } from "../operation.ts";
import { withAnnotations } from "./annotation-copies.ts";
import { parseChecksumAlgorithm } from "./checksum-members.ts";

export interface ObjectCopy {
  /** Where the copy comes. */
  readonly place: ObjectPlace;
  readonly conditions: WriteConditions;
  readonly source: CopiedVersion;
  /** "as it is": nobody here can open the bytes, and the copy is sealed as they are. */
  readonly encryption: SettledEncryption | "as it is";
  /** Of the copy. */
  readonly storageClass: string | undefined;
  /** Of a checksum that the source does not have. */
  readonly algorithm?: ChecksumAlgorithm | undefined;
  /**
   * Takes the source's annotations along, with checksums of this algorithm (`undefined`: with their own).
   * Absent: leaves them.
   */
  readonly annotations?: { readonly algorithm: ChecksumAlgorithm | undefined };
  /** What the copy is beside its bytes, by the source as it is when the copy is written. */
  readonly describe: (record: ObjectRecord) => Omit<NewVersion, keyof SealedDescription>;
}

export interface CopiedVersion {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** `undefined`: the current one, which must still be this. */
  readonly versionId: string | undefined;
  readonly record: ObjectRecord;
  readonly customerKey: CustomerKeyMembers;
}

/** Throws S3Error; BlobMissingError and BucketChangedError: look again at source and bucket. */
export async function writeCopy(copy: ObjectCopy, context: OperationContext): Promise<Written> {
  const { source, encryption } = copy;
  const { bucket, key, record, customerKey } = source;
  const { writes } = context.store;
  if (encryption === "as it is") {
    const begun = await writes.begin(copy.place, copy.conditions);
    return writeShared(copy, { begun, seals: "as they are", annotations: undefined }, context);
  }
  const sealed = { bucket, key, encryption: record.encryption };
  const from = await openObjectSeal(sealed, customerKey, context);
  const seals = { from, to: encryption.seal };
  const begun = await writes.begin(copy.place, copy.conditions);
  const write = (annotations: CopiedAnnotations | undefined): Promise<Written> =>
    movesBytes(record.encryption, seals.to)
      ? writeMoved(copy, { begun, seals, annotations }, context)
      : writeShared(copy, { begun, seals, annotations }, context);
  if (copy.annotations === undefined || !hasAnnotations(record)) return write(undefined);
  const { algorithm } = copy.annotations;
  return withAnnotations({ source, seals, algorithm }, context, write);
}

/** Names the source's bytes once more. */
async function writeShared(
  copy: ObjectCopy,
  { begun, seals, annotations }: CopyWrite<CopySeals | "as they are">,
  context: OperationContext,
): Promise<Written> {
  const { source, storageClass, algorithm } = copy;
  const { bucket, key, versionId, record } = source;
  const { sequence, encryption } = record;
  const from = seals === "as they are" ? undefined : seals.from;
  const computed = algorithm && (await computeChecksum(record, algorithm, from, context));
  const relocated = await relocateForCopy(record, { seals, storageClass }, context);
  return context.store.writes.copy(
    copy.place,
    begun,
    { place: { bucketName: bucket.name, key }, versionId, sequence, encryption, relocated },
    (seen) => {
      const described = sealedDescription(seen, seals);
      const checksum = computed ?? described.checksum;
      return newVersion(copy, seen, { ...described, checksum, annotations });
    },
    seals === "as they are" ? undefined : changeOfSeals(encryption, seals, context),
  );
}

/** Reads the source's bytes and seals them anew: the copy is then one as S3 makes it, without parts. */
async function writeMoved(
  copy: ObjectCopy,
  { begun, seals, annotations }: CopyWrite<CopySeals>,
  context: OperationContext,
): Promise<Written> {
  const { storageClass } = copy;
  const { record } = copy.source;
  const algorithm =
    copy.algorithm ?? parseChecksumAlgorithm(record.checksum?.algorithm) ?? "CRC64NVME";
  const range = { start: 0, end: record.sizeBytes };
  const moved = await moveBytes(record, range, algorithm, { seals, storageClass, context });
  const { received, md5Hex } = moved;
  const version = newVersion(copy, record, {
    etag: etagFor(seals.to, md5Hex),
    checksum: { ...moved.checksum, type: "FULL_OBJECT" },
    encryption: encryptionFor(seals.to, md5Hex),
    annotations,
  });
  return context.store.writes.put(copy.place, begun, { received, version });
}

interface CopyWrite<Seals> {
  readonly begun: BegunWrite;
  readonly seals: Seals;
  readonly annotations: CopiedAnnotations | undefined;
}

type SealedDescription = Pick<NewVersion, "etag" | "checksum" | "encryption" | "annotations">;

function sealedDescription(
  record: ObjectRecord,
  seals: CopySeals | "as they are",
): SealedDescription {
  const { checksum } = record;
  if (seals === "as they are") {
    return { etag: record.etag, checksum, encryption: record.encryption };
  }
  const md5Hex = knownMd5(record, seals.from);
  return {
    etag: copiedEtag(record, md5Hex, seals.to),
    checksum,
    encryption: encryptionFor(seals.to, md5Hex),
  };
}

function newVersion(
  { describe, encryption }: ObjectCopy,
  record: ObjectRecord,
  sealed: SealedDescription,
): NewVersion {
  const described = describe(record);
  if (encryption === "as it is") return { ...described, ...sealed };
  return {
    ...described,
    ...sealed,
    settle(bucket) {
      encryption.checkBucket(bucket);
      return described.settle?.(bucket) ?? {};
    },
  };
}

async function computeChecksum(
  record: ObjectRecord,
  algorithm: ChecksumAlgorithm,
  seal: ObjectSeal | undefined,
  { store, clock }: OperationContext,
): Promise<StoredChecksum> {
  const running = createChecksum(algorithm);
  const content = readableContent(record, clock.now());
  const bytes = await store.contents.open(content, 0, record.sizeBytes, seal);
  if (bytes instanceof Uint8Array) running.update(bytes);
  else for await (const chunk of bytes) running.update(chunk);
  const value = Buffer.from(running.digest()).toString("base64");
  return { algorithm, value, type: "FULL_OBJECT" };
}
