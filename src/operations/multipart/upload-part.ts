// UploadPart: one part's bytes. A part of the same number is replaced.

import { digestPayload } from "../../body/object-digests.ts";
import { requireLength } from "../../body/request-payload.ts";
import { partBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import {
  checksumMember,
  parseChecksumAlgorithm,
  readChecksums,
} from "../object/checksum-members.ts";
import { checkLockIntegrity } from "../object/lock-settings.ts";
import { quoteEtag } from "../object/object-members.ts";
import { etagFor } from "../encryption/encryption-settings.ts";
import { openUploadSeal } from "../encryption/object-seals.ts";
import { showEncryption } from "../encryption/shown-encryption.ts";
import type { Operation } from "../operation.ts";
import { checkPartNumber } from "./upload-members.ts";

type Input = OperationTypes["UploadPart"]["input"];
type Output = OperationTypes["UploadPart"]["output"];

export const uploadPart: Operation<Input, Output> = async (input, context) => {
  const { store, payload } = context;
  checkPartNumber(input.PartNumber);
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const { bucket, upload } = await store.uploads.get(place);
  if (upload.settings?.lock !== undefined || bucket.defaultLock !== undefined) {
    checkLockIntegrity("Part", input, payload);
  }
  const encryption = upload.settings?.encryption;
  const seal = await openUploadSeal({ bucket, key: input.Key, encryption }, input, context);
  const lengthBytes = requireLength(payload);
  const quotaCheck = store.quotas.checkEarly(
    bucket,
    { objects: 0, bytes: lengthBytes },
    async () => {
      const number = input.PartNumber;
      const [part] = await store.uploads.listParts(upload.uploadId, number - 1, 1);
      return part?.number === number ? { objects: 0, bytes: part.sizeBytes } : undefined;
    },
  );
  if (quotaCheck !== undefined) await quotaCheck;
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
  const tier = store.tiers.of(upload.attributes.storageClass);
  const received = await store.contents.receive(digested.stream, lengthBytes, seal, tier);
  const { md5Hex = "", checksum } = digested.result();
  const part = await store.uploads.putPart(place, received, {
    number: input.PartNumber,
    etag: etagFor(seal, md5Hex),
    checksum,
  });
  // A checksum that only the server wanted is kept for the completion and not shown.
  const isAsked = uploadAlgorithm !== undefined || checksum?.algorithm !== "CRC64NVME";
  const wasSent = readChecksums(input).CRC64NVME !== undefined || payload.trailers.size > 0;
  return {
    ETag: quoteEtag(part.etag),
    ...(isAsked || wasSent ? checksumMember(part.checksum) : {}),
    ...showEncryption(encryption, input.SSECustomerKeyMD5),
  };
};
