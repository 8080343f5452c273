// ListMultipartUploads: uploads in progress by key, then by time of initiation.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { sequenceOfUploadId } from "../../objects/identifiers.ts";
import type { UploadItem } from "../../objects/upload-listing.ts";
import { listUploads } from "../../objects/upload-listing.ts";
import { given, pageLimit } from "../bucket/listing-arguments.ts";
import { nameEncoder } from "../bucket/url-encoding.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["ListMultipartUploads"]["input"];
type Output = OperationTypes["ListMultipartUploads"]["output"];

export const listMultipartUploads: Operation<Input, Output> = async (input, { store }) => {
  const encode = nameEncoder(input.EncodingType);
  const limit = pageLimit(input.MaxUploads, "max-uploads");
  const keyMarker = given(input.KeyMarker);
  const uploadMarker = given(input.UploadIdMarker);
  const bucket = await store.buckets.get(input.Bucket);
  const delimiter = given(input.Delimiter);
  const page = await listUploads(store.keyValueStore, {
    bucketId: bucket.id,
    prefix: input.Prefix ?? "",
    delimiter,
    afterKey: keyMarker,
    // Reference: without a key marker, the upload id marker is ignored.
    afterUpload: keyMarker === undefined ? undefined : parseUploadMarker(uploadMarker),
    limit,
  });
  const last = page.items.at(-1);
  return {
    Bucket: bucket.name,
    KeyMarker: encode(input.KeyMarker ?? ""),
    UploadIdMarker: input.UploadIdMarker ?? "",
    NextKeyMarker: page.isTruncated && last !== undefined ? encode(nameOf(last)) : undefined,
    NextUploadIdMarker:
      page.isTruncated && last !== undefined && "upload" in last ? last.upload.uploadId : undefined,
    Delimiter: encode(delimiter),
    Prefix: encode(input.Prefix ?? ""),
    MaxUploads: limit,
    EncodingType: given(input.EncodingType),
    IsTruncated: page.isTruncated,
    Uploads: page.items.flatMap((item) =>
      "upload" in item ? [describeUpload(item, encode(item.key))] : [],
    ),
    CommonPrefixes: page.items.flatMap((item) =>
      "commonPrefix" in item ? [{ Prefix: encode(item.commonPrefix) }] : [],
    ),
  };
};

function describeUpload(
  { upload }: Extract<UploadItem, { upload: unknown }>,
  key: string,
): NonNullable<Output["Uploads"]>[number] {
  return {
    Key: key,
    UploadId: upload.uploadId,
    Initiator: { ID: upload.initiator.id, DisplayName: upload.initiator.name },
    Owner: { ID: upload.owner.id, DisplayName: upload.owner.name },
    StorageClass: upload.attributes.storageClass ?? "STANDARD",
    Initiated: new Date(upload.initiatedMilliseconds),
    ChecksumAlgorithm: upload.checksumAlgorithm,
    ChecksumType: upload.checksumType,
  };
}

function parseUploadMarker(
  marker: string | undefined,
): { readonly sequence: number; readonly uploadId: string } | undefined {
  if (marker === undefined) return undefined;
  const sequence = sequenceOfUploadId(marker);
  if (sequence !== undefined) return { sequence, uploadId: marker };
  throw new S3Error("InvalidArgument", {
    message: "Invalid uploadId marker",
    fields: { ArgumentName: "upload-id-marker", ArgumentValue: marker },
  });
}

function nameOf(item: UploadItem): string {
  return "upload" in item ? item.key : item.commonPrefix;
}
