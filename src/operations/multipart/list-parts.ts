// ListParts: the parts of an upload in progress.

import { S3Error } from "../../model/errors.ts";
import { queryInteger } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { pageLimit } from "../bucket/listing-arguments.ts";
import { checksumMember } from "../object/checksum-members.ts";
import { quoteEtag } from "../object/object-members.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["ListParts"]["input"];
type Output = OperationTypes["ListParts"]["output"];

export const listParts: Operation<Input, Output> = async (input, { store }) => {
  const limit = pageLimit(input.MaxParts, "max-parts");
  const marker = parsePartNumberMarker(input.PartNumberMarker);
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const { upload } = await store.uploads.get(place);
  const found = await store.uploads.listParts(input.UploadId, marker, limit + 1);
  const parts = found.slice(0, limit);
  return {
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

/** Throws S3Error InvalidArgument. */
export function parsePartNumberMarker(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  const marker = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (marker <= queryInteger) return marker;
  throw new S3Error("InvalidArgument", {
    message: "Provided part-number-marker not an integer or within integer range",
    fields: { ArgumentName: "part-number-marker", ArgumentValue: text },
  });
}
