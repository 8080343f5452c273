// ListParts: the parts of an upload in progress.

import type { OperationTypes } from "../../model/types.generated.ts";
import { pageLimit, parsePartNumberMarker } from "../bucket/listing-arguments.ts";
import { checksumMember } from "../object/checksum-members.ts";
import { showAbortion } from "../object/lifecycle-members.ts";
import { quoteEtag } from "../object/object-members.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["ListParts"]["input"];
type Output = OperationTypes["ListParts"]["output"];

export const listParts: Operation<Input, Output> = async (input, { store }) => {
  const limit = pageLimit(input.MaxParts, "max-parts");
  const marker = parsePartNumberMarker(input.PartNumberMarker);
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const { bucket, upload } = await store.uploads.get(place);
  const found = await store.uploads.listParts(input.UploadId, marker, limit + 1);
  const parts = found.slice(0, limit);
  const end = store.lifecycle.abortionOf(bucket, input.Key, upload);
  return {
    ...(end && showAbortion(await end)),
    Bucket: input.Bucket,
    Key: input.Key,
    UploadId: input.UploadId,
    Initiator: { ID: upload.initiator.id, DisplayName: upload.initiator.name },
    Owner: { ID: upload.owner.id, DisplayName: upload.owner.name },
    StorageClass: upload.attributes.storageClass ?? "STANDARD",
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(parts.at(-1)?.number ?? 0),
    MaxParts: limit,
    IsTruncated: found.length > limit && limit > 0,
    ChecksumAlgorithm: upload.checksumAlgorithm,
    ChecksumType: upload.checksumType,
    Parts: parts.map((part) => ({
      PartNumber: part.number,
      LastModified: new Date(part.lastModifiedMilliseconds),
      ETag: quoteEtag(part.etag),
      Size: part.sizeBytes,
      ...(upload.checksumAlgorithm === undefined ? {} : checksumMember(part.checksum)),
    })),
  };
};
