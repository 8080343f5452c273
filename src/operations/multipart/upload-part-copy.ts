// UploadPartCopy: a part that names bytes of an existing object. The bytes are read once, for the
// part's MD5 and checksum, unless the part is exactly what the source knows these of; none are moved,
// unless encryption needs it.

import { createHash } from "node:crypto";
import { createChecksum } from "../../body/checksum.ts";
import type { ByteRange } from "../../body/range.ts";
import { S3Error } from "../../model/errors.ts";
import { partBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { readableContent } from "../../objects/archives.ts";
import { sliceExtents } from "../../objects/extents.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { PartRecord, UploadRecord } from "../../objects/records/upload-record.ts";
import type { FoundObject } from "../../objects/versions.ts";
import {
  changeOfSeals,
  knownMd5,
  moveBytes,
  movesBytes,
  type CopySeals,
} from "../encryption/copied-content.ts";
import { sourceCustomerKey } from "../encryption/customer-key.ts";
import { etagFor } from "../encryption/encryption-settings.ts";
import {
  checkReadKey,
  checkUploadKey,
  openObjectSeal,
  openUploadSeal,
} from "../encryption/object-seals.ts";
import { showEncryption } from "../encryption/shown-encryption.ts";
import { checksumMember, parseChecksumAlgorithm } from "../object/checksum-members.ts";
import type { CopySourceName } from "../object/copy-source.ts";
import { findCopySource, parseCopySource } from "../object/copy-source.ts";
import { quoteEtag, shownVersionId } from "../object/object-members.ts";
import { whenReplacedAgain } from "../object/read-object.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { SlowReply } from "../operation.ts";
import { checkPartNumber } from "./upload-members.ts";

type Input = OperationTypes["UploadPartCopy"]["input"];
type Output = OperationTypes["UploadPartCopy"]["output"];

export const uploadPartCopy: Operation<Input, Output> = async (input, context) => {
  checkPartNumber(input.PartNumber);
  const source = parseCopySource(input.CopySource);
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const { bucket, upload } = await context.store.uploads.get(place);
  // Judged before the answer may begin, so that what S3 refuses has its own status.
  const { record } = await findCopySource(source, input, context);
  checkReadKey(record.encryption, sourceCustomerKey(input), context);
  checkUploadKey(upload.settings?.encryption, input, context);
  parseCopyRange(input.CopySourceRange, record.sizeBytes);
  const request = { input, source, bucket, upload };
  return new SlowReply(whenReplacedAgain(() => copyPart(request, context)));
};

interface PartCopyRequest {
  readonly input: Input;
  readonly source: CopySourceName;
  readonly bucket: BucketRecord;
  readonly upload: UploadRecord;
}

async function copyPart(request: PartCopyRequest, context: OperationContext): Promise<Output> {
  const { input, source, bucket, upload } = request;
  const found = await findCopySource(source, input, context);
  const range = parseCopyRange(input.CopySourceRange, found.record.sizeBytes);
  context.notes.objectBytes = range.end - range.start;
  const from = await openObjectSeal(
    { bucket: found.bucket, key: source.key, encryption: found.record.encryption },
    sourceCustomerKey(input),
    context,
  );
  const { encryption } = upload.settings ?? {};
  const sealOfUpload = await openUploadSeal({ bucket, key: input.Key, encryption }, input, context);
  // An upload that began before the server encrypted has none; its parts are sealed all the same.
  const to = sealOfUpload ?? context.store.contents.defaultSeal;
  const copied = { ...request, found, range, seals: { from, to } };
  const tier = context.store.tiers.of(upload.attributes.storageClass);
  const seals = { from: from ?? context.store.contents.defaultSeal, to };
  const isThere = await context.store.relocations.isAt(found.record.content, tier, seals);
  const isMoved = !isThere || movesBytes(found.record.encryption, to);
  const write = isMoved ? writeMoved : writeShared;
  const part = await write(copied, context);
  return {
    CopySourceVersionId: shownVersionId(found.bucket, found.record),
    CopyPartResult: {
      ETag: quoteEtag(part.etag),
      LastModified: new Date(part.lastModifiedMilliseconds),
      ...(upload.checksumAlgorithm === undefined ? {} : checksumMember(part.checksum)),
    },
    ...showEncryption(encryption, input.SSECustomerKeyMD5),
  };
}

interface PartCopy extends PartCopyRequest {
  readonly found: FoundObject;
  readonly range: ByteRange;
  readonly seals: CopySeals;
}

async function writeShared(copy: PartCopy, context: OperationContext): Promise<PartRecord> {
  const { input, source, found, range, seals } = copy;
  const { store } = context;
  const { sequence, encryption } = found.record;
  const { md5Hex, checksum } = await digestRange(copy, context);
  return store.uploads.putSharedPart(
    { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId },
    { number: input.PartNumber, etag: etagFor(seals.to, md5Hex), checksum },
    async (transaction) => {
      const { record } = await store.versions.getSource(transaction, {
        place: { bucketName: source.bucketName, key: source.key },
        versionId: source.versionId,
        sequence,
        encryption,
      });
      const extents = await store.contents.extentsOf(record.content);
      return sliceExtents(extents, range.start, range.end);
    },
    changeOfSeals(encryption, seals, context),
  );
}

async function writeMoved(copy: PartCopy, context: OperationContext): Promise<PartRecord> {
  const { input, upload, found, range, seals } = copy;
  const algorithm = parseChecksumAlgorithm(upload.checksumAlgorithm) ?? "CRC64NVME";
  const { storageClass } = upload.attributes;
  const moved = await moveBytes(found.record, range, algorithm, { seals, storageClass, context });
  const { received, md5Hex, checksum } = moved;
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const part = { number: input.PartNumber, etag: etagFor(seals.to, md5Hex), checksum };
  return context.store.uploads.putPart(place, received, part);
}

async function digestRange(
  { found: { record }, range, upload, seals }: PartCopy,
  { store, clock, signal }: OperationContext,
): Promise<{
  readonly md5Hex: string;
  readonly checksum: { readonly algorithm: string; readonly value: string };
}> {
  const algorithm = parseChecksumAlgorithm(upload.checksumAlgorithm) ?? "CRC64NVME";
  const known = record.checksum;
  const isWhole = range.start === 0 && range.end === record.sizeBytes;
  const knownDigest = isWhole ? knownMd5(record, seals.from) : undefined;
  // The MD5 of a single upload is known, and its checksum is one of the whole.
  if (knownDigest !== undefined && known?.algorithm === algorithm) {
    return { md5Hex: knownDigest, checksum: { algorithm, value: known.value } };
  }
  const md5 = createHash("md5");
  const running = createChecksum(algorithm);
  const content = readableContent(record, clock.now());
  const bytes = await store.contents.open(content, range.start, range.end, seals.from);
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    md5.update(chunk);
    running.update(chunk);
  }
  const value = Buffer.from(running.digest()).toString("base64");
  return { md5Hex: md5.digest("hex"), checksum: { algorithm, value } };
}

const copyRangePattern = /^bytes=(\d+)-(\d+)$/;

/** Only `bytes=first-last`, inside the source. Throws S3Error InvalidArgument, InvalidRequest. */
function parseCopyRange(header: string | undefined, sizeBytes: number): ByteRange {
  if (header === undefined) {
    if (sizeBytes > partBytes.maximum) throw tooLarge();
    return { start: 0, end: sizeBytes };
  }
  const match = copyRangePattern.exec(header);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]) + 1;
  if (match === null || end <= start) {
    throw new S3Error("InvalidArgument", {
      message:
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
    });
  }
  if (end > sizeBytes) {
    throw new S3Error("InvalidArgument", {
      message: `Range specified is not valid for source object of size: ${sizeBytes}`,
      fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
    });
  }
  if (end - start > partBytes.maximum) throw tooLarge();
  return { start, end };
}

function tooLarge(): S3Error {
  return new S3Error("InvalidRequest", {
    message: `The specified copy source is larger than the maximum allowable size for a copy source: ${partBytes.maximum}`,
  });
}
