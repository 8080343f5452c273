// UploadPartCopy: a part that names bytes of an existing object. The bytes are read once, for the
// part's MD5 and checksum, unless the part is exactly what the source knows these of; none are moved.

import { createHash } from "node:crypto";
import { createChecksum } from "../../body/checksum.ts";
import type { ByteRange } from "../../body/range.ts";
import { S3Error } from "../../model/errors.ts";
import { partBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { sliceExtents } from "../../objects/extents.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { UploadRecord } from "../../objects/records/upload-record.ts";
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
  const { upload } = await context.store.uploads.get(place);
  // Judged before the answer may begin, so that what S3 refuses has its own status.
  const { record } = await findCopySource(source, input, context);
  parseCopyRange(input.CopySourceRange, record.sizeBytes);
  return new SlowReply(whenReplacedAgain(() => copyPart(input, source, upload, context)));
};

async function copyPart(
  input: Input,
  source: CopySourceName,
  upload: UploadRecord,
  context: OperationContext,
): Promise<Output> {
  const { store } = context;
  const found = await findCopySource(source, input, context);
  const range = parseCopyRange(input.CopySourceRange, found.record.sizeBytes);
  const digests = await digestRange(found.record, range, upload, context);
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const part = await store.uploads.putSharedPart(
    place,
    { number: input.PartNumber, ...digests },
    async (transaction) => {
      const record = await store.writes.loadSource(transaction, {
        place: { bucketName: source.bucketName, key: source.key },
        versionId: source.versionId,
        sequence: found.record.sequence,
      });
      const extents = await store.contents.extentsOf(record.content);
      return sliceExtents(extents, range.start, range.end);
    },
  );
  return {
    CopySourceVersionId: shownVersionId(found.bucket, found.record),
    CopyPartResult: {
      ETag: quoteEtag(part.etag),
      LastModified: new Date(part.lastModifiedMilliseconds),
      ...(upload.checksumAlgorithm === undefined ? {} : checksumMember(part.checksum)),
    },
  };
}

async function digestRange(
  record: ObjectRecord,
  range: ByteRange,
  upload: UploadRecord,
  { store, signal }: OperationContext,
): Promise<{
  readonly etag: string;
  readonly checksum: { readonly algorithm: string; readonly value: string };
}> {
  const algorithm = parseChecksumAlgorithm(upload.checksumAlgorithm) ?? "CRC64NVME";
  const known = record.checksum;
  const isWhole = range.start === 0 && range.end === record.sizeBytes;
  // The ETag of a single upload is the MD5 of its bytes, and its checksum is one of the whole.
  if (isWhole && !record.etag.includes("-") && known?.algorithm === algorithm) {
    return { etag: record.etag, checksum: { algorithm, value: known.value } };
  }
  const md5 = createHash("md5");
  const running = createChecksum(algorithm);
  const bytes = await store.contents.open(record.content, range.start, range.end);
  const chunks = bytes instanceof Uint8Array ? [bytes] : bytes;
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    md5.update(chunk);
    running.update(chunk);
  }
  const value = Buffer.from(running.digest()).toString("base64");
  return { etag: md5.digest("hex"), checksum: { algorithm, value } };
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
