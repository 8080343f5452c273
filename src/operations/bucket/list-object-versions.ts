// ListObjectVersions: versions and delete markers, newest first within a key.

import { foreignOwner } from "../../access/acl/effective-acl.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes, RestoreStatus, VersionEntry } from "../../model/types.generated.ts";
import { parseVersionId, nullVersionId } from "../../objects/identifiers.ts";
import type { Sequence } from "../../objects/identifiers.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { isDeleteMarker, type ObjectRecord } from "../../objects/records/object-record.ts";
import type { ListedVersion, VersionItem } from "../../objects/version-listing.ts";
import { listVersions } from "../../objects/version-listing.ts";
import { quoteEtag } from "../object/object-members.ts";
import { restoreStatus } from "../object/restore-members.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { given, pageLimit } from "./listing-arguments.ts";
import { nameEncoder } from "./url-encoding.ts";

type Input = OperationTypes["ListObjectVersions"]["input"];
type Output = OperationTypes["ListObjectVersions"]["output"];

export const listObjectVersions: Operation<Input, Output> = async (input, context) => {
  const encode = nameEncoder(input.EncodingType);
  const limit = pageLimit(input.MaxKeys, "max-keys");
  const keyMarker = given(input.KeyMarker);
  const versionMarker = given(input.VersionIdMarker);
  if (versionMarker !== undefined && keyMarker === undefined) {
    throw new S3Error("InvalidArgument", {
      message: "A version-id marker cannot be specified without a key marker.",
      fields: { ArgumentName: "version-id-marker", ArgumentValue: versionMarker },
    });
  }
  const { store } = context;
  const bucket = await store.buckets.get(input.Bucket);
  const afterSequence =
    keyMarker === undefined || versionMarker === undefined
      ? undefined
      : await sequenceOf(bucket, keyMarker, versionMarker, context);
  const delimiter = given(input.Delimiter);
  const page = await listVersions(store.keyValueStore, {
    bucketId: bucket.id,
    prefix: input.Prefix ?? "",
    delimiter,
    afterKey: keyMarker,
    afterSequence,
    limit,
  });
  const now = context.clock.now();
  const statusOf = (record: ObjectRecord) =>
    restoreStatus(record, now, input.OptionalObjectAttributes);
  const last = page.isTruncated ? page.items.at(-1) : undefined;
  return {
    Name: bucket.name,
    Prefix: encode(input.Prefix ?? ""),
    KeyMarker: encode(input.KeyMarker ?? ""),
    VersionIdMarker: input.VersionIdMarker ?? "",
    NextKeyMarker: last === undefined ? undefined : encode(nameOf(last)),
    NextVersionIdMarker: last !== undefined && "record" in last ? last.record.versionId : undefined,
    MaxKeys: limit,
    Delimiter: encode(delimiter),
    EncodingType: given(input.EncodingType),
    IsTruncated: page.isTruncated,
    Entries: page.items.flatMap((item) =>
      "record" in item ? [describeVersion(item, bucket, encode(item.key), statusOf)] : [],
    ),
    CommonPrefixes: page.items.flatMap((item) =>
      "commonPrefix" in item ? [{ Prefix: encode(item.commonPrefix) }] : [],
    ),
  };
};

/** Where a version stands among those of its key; a null version must be looked up. */
async function sequenceOf(
  bucket: BucketRecord,
  key: string,
  versionId: string,
  { store }: OperationContext,
): Promise<Sequence | undefined> {
  if (versionId !== nullVersionId) return parseVersionId(versionId);
  return store.versions.findNullSequence(bucket, key);
}

function describeVersion(
  item: ListedVersion,
  bucket: BucketRecord,
  key: string,
  statusOf: (record: ObjectRecord) => RestoreStatus | undefined,
): VersionEntry {
  const { record, isLatest } = item;
  const owner = foreignOwner(bucket, record);
  const shared = {
    Key: key,
    VersionId: record.versionId,
    IsLatest: isLatest,
    LastModified: new Date(record.lastModifiedMilliseconds),
    Owner: {
      DisplayName: owner?.name ?? bucket.ownerName,
      ID: owner?.id ?? bucket.ownerId,
    },
  };
  if (isDeleteMarker(record)) return { DeleteMarker: shared };
  return {
    Version: {
      ...shared,
      ETag: quoteEtag(record.etag),
      ChecksumAlgorithm: record.checksum === undefined ? undefined : [record.checksum.algorithm],
      ChecksumType: record.checksum?.type,
      Size: record.sizeBytes,
      StorageClass: record.attributes.storageClass ?? "STANDARD",
      RestoreStatus: statusOf(record),
    },
  };
}

function nameOf(item: VersionItem): string {
  return "record" in item ? item.key : item.commonPrefix;
}
