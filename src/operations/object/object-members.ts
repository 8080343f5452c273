// What GetObject and HeadObject say of a version, and small pieces that other outputs share.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { VersionId } from "../../objects/identifiers.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import { replicationStatusOf } from "../../objects/replication-rules.ts";
import { showEncryption } from "../encryption/shown-encryption.ts";
import { describeArchive } from "./restore-members.ts";
import { defaultContentType } from "./upload-attributes.ts";

type Head = OperationTypes["HeadObject"]["output"];

export interface OverrideMembers {
  readonly ResponseCacheControl?: string | undefined;
  readonly ResponseContentDisposition?: string | undefined;
  readonly ResponseContentEncoding?: string | undefined;
  readonly ResponseContentLanguage?: string | undefined;
  readonly ResponseContentType?: string | undefined;
  readonly ResponseExpires?: string | undefined;
  /** Shown of an object with a customer's key, whose MD5 is not stored. */
  readonly SSECustomerKeyMD5?: string | undefined;
}

export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}

/** Version ids are shown as soon as a bucket has had versioning, never before. */
export function shownVersionId(
  bucket: BucketRecord,
  record: { readonly versionId: VersionId },
): string | undefined {
  return bucket.versioning === "Unversioned" ? undefined : record.versionId;
}

/**
 * What a write answers. S3 names the version that it made and says nothing of the null version that a
 * suspended bucket keeps, though reads do (github.com/versity/versitygw/issues/2164 and 2165).
 */
export function writtenVersionId(
  bucket: BucketRecord,
  record: { readonly versionId: VersionId },
): string | undefined {
  return bucket.versioning === "Enabled" ? record.versionId : undefined;
}

/** STANDARD is the class that S3 does not mention in headers. */
export function describeObject(
  bucket: BucketRecord,
  record: ObjectRecord,
  overrides: OverrideMembers,
  nowMilliseconds: number,
): Head {
  const { attributes } = record;
  return {
    AcceptRanges: "bytes",
    LastModified: new Date(record.lastModifiedMilliseconds),
    ETag: quoteEtag(record.etag),
    VersionId: shownVersionId(bucket, record),
    CacheControl: overrides.ResponseCacheControl ?? attributes.cacheControl,
    ContentDisposition: overrides.ResponseContentDisposition ?? attributes.contentDisposition,
    ContentEncoding: overrides.ResponseContentEncoding ?? attributes.contentEncoding,
    ContentLanguage: overrides.ResponseContentLanguage ?? attributes.contentLanguage,
    ContentType: overrides.ResponseContentType ?? attributes.contentType ?? defaultContentType,
    Expires: overrides.ResponseExpires ?? attributes.expires,
    WebsiteRedirectLocation: attributes.websiteRedirectLocation,
    Metadata: attributes.userMetadata,
    StorageClass: attributes.storageClass,
    ReplicationStatus: replicationStatusOf(record.replication),
    ...(attributes.storageClass === undefined ? {} : describeArchive(record, nowMilliseconds)),
    ...showEncryption(record.encryption, overrides.SSECustomerKeyMD5),
  };
}
