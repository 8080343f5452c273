// CompleteMultipartUpload: makes one object of parts. Judges the list of parts as S3 does; no bytes
// are read or moved, and a completion that is sent again gets its answer again.

import type { ChecksumAlgorithm } from "../../body/checksum.ts";
import { S3Error } from "../../model/errors.ts";
import { objectBytes, partBytes } from "../../model/limits.ts";
import type { CompletedPart, OperationTypes } from "../../model/types.generated.ts";
import type { AssembledObject } from "../../objects/multipart-uploads.ts";
import { checkWriteConditionForm } from "../../objects/preconditions.ts";
import type { PartRecord, UploadRecord } from "../../objects/records/upload-record.ts";
import { hasCustomerKey } from "../encryption/customer-key.ts";
import { checkUploadKey } from "../encryption/object-seals.ts";
import { showCompletedEncryption } from "../encryption/shown-encryption.ts";
import { checksumMember, readChecksums } from "../object/checksum-members.ts";
import { showExpiration } from "../object/lifecycle-members.ts";
import { quoteEtag, writtenVersionId } from "../object/object-members.ts";
import type { Operation } from "../operation.ts";
import { SlowReply } from "../operation.ts";
import { combineParts, multipartEtag } from "./combine-parts.ts";

type Input = OperationTypes["CompleteMultipartUpload"]["input"];
type Output = OperationTypes["CompleteMultipartUpload"]["output"];

export const completeMultipartUpload: Operation<Input, Output> = async (input, context) => {
  const conditions = { ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch };
  checkWriteConditionForm(conditions);
  const listed = input.MultipartUpload?.Parts ?? [];
  if (listed.length === 0) throw new S3Error("MalformedXML");
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const complete = async (): Promise<Output> => {
    const { bucket, record } = await context.store.uploads.complete(place, {
      cause: context.cause("ObjectCreated:CompleteMultipartUpload"),
      conditions,
      assemble(upload, parts) {
        // API: "required only when the object was created using a checksum algorithm".
        const encryption = upload.settings?.encryption;
        const needsKey = upload.checksumAlgorithm !== undefined;
        if (needsKey || hasCustomerKey(input)) checkUploadKey(encryption, input, context);
        return assemble(input, listed, upload, parts);
      },
    });
    context.notes.objectBytes = record.sizeBytes;
    const end = context.store.lifecycle.expirationOf(bucket, input.Key, record);
    return {
      Expiration: end && showExpiration(await end),
      Location: context.resourceUrl,
      Bucket: input.Bucket,
      Key: input.Key,
      ETag: quoteEtag(record.etag),
      VersionId: writtenVersionId(bucket, record),
      ...checksumMember(record.checksum),
      ChecksumType: record.checksum?.type,
      ...showCompletedEncryption(record.encryption),
    };
  };
  return new SlowReply(complete());
};

function assemble(
  input: Input,
  listed: readonly CompletedPart[],
  upload: UploadRecord,
  found: readonly PartRecord[],
): AssembledObject {
  checkOrder(input, listed, upload);
  const byNumber = new Map(found.map((part) => [part.number, part]));
  const parts = listed.map((each) => {
    const part = findPart(input, each, byNumber);
    checkPartChecksum(each, upload);
    return part;
  });
  checkSizes(input, parts);
  const checksum = combineParts(upload, parts);
  checkChecksum(input, upload, checksum);
  return { parts, etag: multipartEtag(parts), checksum };
}

function checkOrder(input: Input, listed: readonly CompletedPart[], upload: UploadRecord): void {
  let previous = 0;
  for (const { PartNumber: number } of listed) {
    if (number === undefined) throw new S3Error("MalformedXML");
    if (number <= previous) throw new S3Error("InvalidPartOrder", uploadField(input));
    // Reference, CompleteMultipartUpload: with checksums, part numbers run from 1 without a gap.
    if (upload.checksumAlgorithm !== undefined && number !== previous + 1) {
      throw new S3Error("InvalidPartOrder", uploadField(input));
    }
    previous = number;
  }
}

function findPart(
  input: Input,
  listed: CompletedPart,
  byNumber: ReadonlyMap<number, PartRecord>,
): PartRecord {
  const number = listed.PartNumber ?? 0;
  const part = byNumber.get(number);
  const etag = listed.ETag?.replaceAll('"', "");
  const fields = { UploadId: input.UploadId, PartNumber: number, ETag: etag ?? "" };
  if (part === undefined || part.etag !== etag) throw new S3Error("InvalidPart", { fields });
  for (const [algorithm, value] of Object.entries(readChecksums(listed))) {
    if (part.checksum?.algorithm !== algorithm || part.checksum.value !== value) {
      throw new S3Error("InvalidPart", { fields });
    }
  }
  return part;
}

/** S3 asks for it (github.com/apache/opendal/pull/4580); for FULL_OBJECT uploads the server's own values suffice. */
function checkPartChecksum(listed: CompletedPart, upload: UploadRecord): void {
  const algorithm = upload.checksumAlgorithm;
  if (algorithm === undefined || upload.checksumType !== "COMPOSITE") return;
  if (Object.keys(readChecksums(listed)).length > 0) return;
  throw new S3Error("InvalidRequest", {
    message: `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${listed.PartNumber} in the request.`,
  });
}

function checkSizes(input: Input, parts: readonly PartRecord[]): void {
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes >= partBytes.minimum) continue;
    throw new S3Error("EntityTooSmall", {
      fields: {
        ProposedSize: part.sizeBytes,
        MinSizeAllowed: partBytes.minimum,
        PartNumber: part.number,
        ETag: part.etag,
      },
    });
  }
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (sizeBytes > objectBytes) {
    throw new S3Error("EntityTooLarge", {
      fields: { ProposedSize: sizeBytes, MaxSizeAllowed: objectBytes },
    });
  }
  if (input.MpuObjectSize !== undefined && input.MpuObjectSize !== sizeBytes) {
    throw new S3Error("InvalidRequest", {
      message: `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${sizeBytes}`,
    });
  }
}

function checkChecksum(
  input: Input,
  upload: UploadRecord,
  checksum: AssembledObject["checksum"],
): void {
  const type = upload.checksumType ?? checksum?.type;
  if (input.ChecksumType !== undefined && type !== undefined && input.ChecksumType !== type) {
    throw new S3Error("InvalidRequest", {
      message: `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    });
  }
  for (const [algorithm, value] of Object.entries(readChecksums(input))) {
    if (checksum?.algorithm !== algorithm) {
      const expected = upload.checksumAlgorithm?.toLowerCase() ?? "null";
      throw new S3Error("InvalidRequest", {
        message: `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${algorithm.toLowerCase()}`,
      });
    }
    // Clients may leave the number of parts out of a composite value.
    if (value === checksum.value || value === checksum.value.replace(/-\d+$/, "")) continue;
    throw new S3Error("BadDigest", {
      message: `The ${algorithm.toLowerCase() as Lowercase<ChecksumAlgorithm>} you specified did not match the calculated checksum.`,
    });
  }
}

function uploadField(input: Input): { readonly fields: { readonly UploadId: string } } {
  return { fields: { UploadId: input.UploadId } };
}
