// UploadPart: one part's bytes. A part of the same number is replaced.

import { digestPayload } from "../../body/object-digests.ts";
import { requireLength } from "../../body/request-payload.ts";
import { S3Error } from "../../model/errors.ts";
import { partBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import {
  checksumMember,
  parseChecksumAlgorithm,
  readChecksums,
} from "../object/checksum-members.ts";
import { quoteEtag } from "../object/object-members.ts";
import type { Operation } from "../operation.ts";
import { checkPartNumber } from "./upload-members.ts";

type Input = OperationTypes["UploadPart"]["input"];
type Output = OperationTypes["UploadPart"]["output"];

export const uploadPart: Operation<Input, Output> = async (input, { store, payload }) => {
  checkPartNumber(input.PartNumber);
  if (input.SSECustomerAlgorithm !== undefined || input.SSECustomerKey !== undefined) {
    throw new S3Error("InvalidRequest", {
      message:
        "The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.",
    });
  }
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const { upload } = await store.uploads.get(place);
  const lengthBytes = requireLength(payload);
  const uploadAlgorithm = parseChecksumAlgorithm(upload.checksumAlgorithm);
  const digested = digestPayload(payload, {
    contentMd5: input.ContentMD5,
    checksums: readChecksums(input),
    sdkAlgorithm: input.ChecksumAlgorithm,
    // The server cannot vouch for a COMPOSITE checksum: the client must send each part's.
    defaultAlgorithm:
      upload.checksumType === "COMPOSITE" ? undefined : (uploadAlgorithm ?? "CRC64NVME"),
    requiredAlgorithm: uploadAlgorithm,
    needsMd5: true,
    maximumBytes: partBytes.maximum,
  });
  const received = await store.contents.receive(digested.stream, lengthBytes);
  const { md5Hex = "", checksum } = digested.result();
  const part = await store.uploads.putPart(place, received, {
    number: input.PartNumber,
    etag: md5Hex,
    checksum,
  });
  // A checksum that only the server wanted is kept for the completion and not shown.
  const isAsked = uploadAlgorithm !== undefined || checksum?.algorithm !== "CRC64NVME";
  const wasSent = readChecksums(input).CRC64NVME !== undefined || payload.trailers.size > 0;
  return {
    ETag: quoteEtag(part.etag),
    ...(isAsked || wasSent ? checksumMember(part.checksum) : {}),
  };
};
