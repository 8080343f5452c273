// ListObjects and ListObjectsV2: pages of current objects and common prefixes.

import { foreignOwner } from "../../access/acl/effective-acl.ts";
import type { ListedObject, OperationTypes, Owner } from "../../model/types.generated.ts";
import type { ListItem } from "../../objects/listing.ts";
import { listCurrent } from "../../objects/listing.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { quoteEtag } from "../object/object-members.ts";
import { restoreStatus } from "../object/restore-members.ts";
import type { Operation } from "../operation.ts";
import { decodeToken, encodeToken, given, pageLimit } from "./listing-arguments.ts";
import { nameEncoder } from "./url-encoding.ts";

type InputV1 = OperationTypes["ListObjects"]["input"];
type OutputV1 = OperationTypes["ListObjects"]["output"];
type InputV2 = OperationTypes["ListObjectsV2"]["input"];
type OutputV2 = OperationTypes["ListObjectsV2"]["output"];
type Encode = ReturnType<typeof nameEncoder>;

export const listObjects: Operation<InputV1, OutputV1> = async (input, { store, clock }) => {
  const encode = nameEncoder(input.EncodingType);
  const limit = pageLimit(input.MaxKeys, "max-keys");
  const bucket = await store.buckets.get(input.Bucket);
  const delimiter = given(input.Delimiter);
  const page = await listCurrent(store.keyValueStore, {
    bucketId: bucket.id,
    prefix: input.Prefix ?? "",
    delimiter,
    after: given(input.Marker),
    limit,
  });
  return {
    Name: bucket.name,
    Prefix: encode(input.Prefix ?? ""),
    Marker: encode(input.Marker ?? ""),
    // S3 gives it only with a delimiter; without one, clients go on after the last key.
    NextMarker: delimiter === undefined ? undefined : encode(page.next),
    MaxKeys: limit,
    Delimiter: encode(delimiter),
    EncodingType: given(input.EncodingType),
    IsTruncated: page.next !== undefined,
    ...describeItems(page.items, bucket, encode, {
      withOwner: true,
      optional: input.OptionalObjectAttributes,
      nowMilliseconds: clock.now(),
    }),
  };
};

export const listObjectsV2: Operation<InputV2, OutputV2> = async (input, { store, clock }) => {
  const encode = nameEncoder(input.EncodingType);
  const limit = pageLimit(input.MaxKeys, "max-keys");
  const token = input.ContinuationToken;
  const after = token === undefined ? given(input.StartAfter) : decodeToken(token);
  const bucket = await store.buckets.get(input.Bucket);
  const delimiter = given(input.Delimiter);
  const page = await listCurrent(store.keyValueStore, {
    bucketId: bucket.id,
    prefix: input.Prefix ?? "",
    delimiter,
    after,
    limit,
  });
  return {
    Name: bucket.name,
    Prefix: encode(input.Prefix ?? ""),
    StartAfter: encode(given(input.StartAfter)),
    ContinuationToken: token,
    NextContinuationToken: page.next === undefined ? undefined : encodeToken(page.next),
    KeyCount: page.items.length,
    MaxKeys: limit,
    Delimiter: encode(delimiter),
    EncodingType: given(input.EncodingType),
    IsTruncated: page.next !== undefined,
    ...describeItems(page.items, bucket, encode, {
      withOwner: input.FetchOwner === true,
      optional: input.OptionalObjectAttributes,
      nowMilliseconds: clock.now(),
    }),
  };
};

interface Shown {
  readonly withOwner: boolean;
  readonly optional: readonly string[] | undefined;
  readonly nowMilliseconds: number;
}

function describeItems(
  items: readonly ListItem[],
  bucket: BucketRecord,
  encode: Encode,
  { withOwner, optional, nowMilliseconds }: Shown,
): Pick<OutputV1, "Contents" | "CommonPrefixes"> {
  const bucketOwner: Owner = { DisplayName: bucket.ownerName, ID: bucket.ownerId };
  const Contents: ListedObject[] = [];
  const CommonPrefixes: { readonly Prefix: string }[] = [];
  for (const item of items) {
    if ("commonPrefix" in item) {
      CommonPrefixes.push({ Prefix: encode(item.commonPrefix) });
      continue;
    }
    const { record } = item;
    const foreign = foreignOwner(bucket, record);
    const owner =
      foreign === undefined ? bucketOwner : { DisplayName: foreign.name, ID: foreign.id };
    Contents.push({
      Key: encode(item.key),
      LastModified: new Date(record.lastModifiedMilliseconds),
      ETag: quoteEtag(record.etag),
      ChecksumAlgorithm: record.checksum === undefined ? undefined : [record.checksum.algorithm],
      ChecksumType: record.checksum?.type,
      Size: record.sizeBytes,
      StorageClass: record.attributes.storageClass ?? "STANDARD",
      Owner: withOwner ? owner : undefined,
      RestoreStatus: restoreStatus(record, nowMilliseconds, optional),
    });
  }
  return { Contents, CommonPrefixes };
}
