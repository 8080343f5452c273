// PutObjectAnnotation: a named text beside the bytes of a version, sealed as they are. It makes no version
// and leaves ETag and Last-Modified of the object.

import { isUtf8 } from "node:buffer";
import { digestPayload } from "../../body/object-digests.ts";
import { requireLength } from "../../body/request-payload.ts";
import { assert } from "../../base/assert.ts";
import { gatherBytes } from "../../base/bytes.ts";
import { S3Error } from "../../model/errors.ts";
import { annotationBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { checkObjectMatch } from "../../objects/preconditions.ts";
import type { Operation } from "../operation.ts";
import { annotationEncryption } from "./annotation-members.ts";
import { checkAnnotationName } from "./annotation-name.ts";
import { checksumMember, readChecksums } from "./checksum-members.ts";
import { quoteEtag, shownVersionId } from "./object-members.ts";
import { checkAnnotated, writeAnnotation } from "./write-annotation.ts";

type Input = OperationTypes["PutObjectAnnotation"]["input"];
type Output = OperationTypes["PutObjectAnnotation"]["output"];

export const putObjectAnnotation: Operation<Input, Output> = async (input, context) => {
  const { objects, payload } = context;
  const { Bucket: bucketName, Key: key, VersionId: versionId, AnnotationName: name } = input;
  checkAnnotationName(name);
  const lengthBytes = requireLength(payload);
  const digested = digestPayload(payload, {
    contentMd5: input.ContentMD5,
    checksums: readChecksums(input),
    sdkAlgorithm: input.ChecksumAlgorithm,
    defaultAlgorithm: "CRC64NVME",
    needsMd5: true,
    maximumBytes: annotationBytes,
  });
  if (lengthBytes === 0) throw new S3Error("EntityTooSmall", { fields: { MinSizeAllowed: 1 } });
  const writing = {
    place: { bucketName, key },
    versionId,
    name,
    cause: context.cause("ObjectAnnotation:Put"),
    judge: (record: { readonly etag: string }) => checkObjectMatch(input.ObjectIfMatch, record),
  };
  checkAnnotated(writing, (await objects.find(bucketName, key, versionId)).record);
  // Bounded by `annotationBytes`; only a whole text can be told to be one.
  const text = await gatherBytes(digested.stream, lengthBytes);
  assert(text.byteLength === lengthBytes, "a body that ended without an error is complete");
  if (!isUtf8(text)) throw new S3Error("UnsupportedMediaType");
  const { md5Hex = "", checksum: computed } = digested.result();
  assert(computed !== undefined, "every annotation has a checksum");
  const checksum = { ...computed, type: "FULL_OBJECT" as const };
  const { written, etag } = await writeAnnotation(
    { ...writing, text, md5Hex, checksum, lastModifiedMilliseconds: context.clock.now() },
    context,
  );
  return {
    Key: key,
    AnnotationName: name,
    ObjectVersionId: shownVersionId(written.bucket, written.record),
    ETag: quoteEtag(etag),
    ...checksumMember(checksum),
    ChecksumType: checksum.type,
    ServerSideEncryption: annotationEncryption(written.record.encryption),
  };
};
