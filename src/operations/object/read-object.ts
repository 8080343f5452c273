// What GetObject and HeadObject have in common: finding the version, judging the conditions, and
// working out which bytes the request means.

import type { ByteRange } from "../../body/range.ts";
import { formatContentRange, parseRange } from "../../body/range.ts";
import { S3Error } from "../../model/errors.ts";
import { partNumbers } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { BucketChangedError } from "../../objects/bucket-changed-error.ts";
import { judgeRead, matchesIfRange, preconditionFailed } from "../../objects/preconditions.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { FoundObject } from "../../objects/versions.ts";
import { BlobMissingError } from "../../storage/storage-errors.ts";
import { checkReadKey } from "../encryption/object-seals.ts";
import type { OperationContext } from "../operation.ts";
import { checksumMember } from "./checksum-members.ts";
import { showExpiration } from "./lifecycle-members.ts";
import { describeObject, quoteEtag, shownVersionId } from "./object-members.ts";
import { permittedMembers } from "./permitted-members.ts";

type Input = OperationTypes["GetObject"]["input"];
type Head = OperationTypes["HeadObject"]["output"];

/** The bytes that a request means, and the members of its answer that depend on them. */
export interface ObjectView {
  readonly found: FoundObject;
  readonly range: ByteRange;
  readonly status: number;
  readonly members: Head;
}

/** Throws S3Error: NoSuchKey and its kin, PreconditionFailed, NotModified, InvalidRange, … */
export async function viewObject(input: Input, context: OperationContext): Promise<ObjectView> {
  checkForm(input, context);
  const found = await context.objects.find(input.Bucket, input.Key, input.VersionId);
  judge(input, found, context);
  checkReadKey(found.record.encryption, input, context);
  const { bucket, record } = found;
  const permitted = permittedMembers(input, record, context);
  const described = describeObject(bucket, record, input, context.clock.now());
  let common = permitted === undefined ? described : { ...described, ...(await permitted) };
  // Of a named version nothing is announced, also where it is the current one (as localstack recorded).
  const end =
    input.VersionId === undefined
      ? context.store.lifecycle.expirationOf(bucket, input.Key, record)
      : undefined;
  if (end !== undefined) common = { ...common, Expiration: showExpiration(await end) };
  if (input.PartNumber !== undefined) return viewPart(input.PartNumber, found, common, context);
  const isRangeValid = input.IfRange === undefined || matchesIfRange(input.IfRange, record);
  const range = isRangeValid ? parseRange(input.Range, record.sizeBytes) : undefined;
  if (range !== undefined) {
    const ContentRange = formatContentRange(range, record.sizeBytes);
    const ContentLength = range.end - range.start;
    return { found, range, status: 206, members: { ...common, ContentRange, ContentLength } };
  }
  return {
    found,
    range: { start: 0, end: record.sizeBytes },
    status: 200,
    members: { ...common, ContentLength: record.sizeBytes, ...checksumOf(input, record) },
  };
}

/**
 * Runs a read again when the object was replaced between its record and its bytes, or a copy when its
 * target's bucket has other settings by the commit: the next look finds the new version. Bounded, because a blob that is really missing must become an error.
 */
export async function whenReplacedAgain<Result>(read: () => Promise<Result>): Promise<Result> {
  const attempts = 8;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read();
    } catch (error) {
      const isChanged = error instanceof BlobMissingError || error instanceof BucketChangedError;
      if (!isChanged || attempt === attempts) throw error;
    }
  }
}

function checkForm(input: Input, context: OperationContext): void {
  if (input.PartNumber !== undefined) {
    if (input.Range !== undefined) {
      throw new S3Error("InvalidRequest", {
        message: "Cannot specify both Range header and partNumber query parameter",
      });
    }
    if (input.PartNumber < partNumbers.minimum || input.PartNumber > partNumbers.maximum) {
      throw new S3Error("InvalidArgument", {
        message: "Part number must be an integer between 1 and 10000, inclusive",
        fields: { ArgumentName: "partNumber", ArgumentValue: input.PartNumber },
      });
    }
  }
  if (context.caller.kind !== "anonymous") return;
  const overrides =
    input.ResponseCacheControl ??
    input.ResponseContentDisposition ??
    input.ResponseContentEncoding ??
    input.ResponseContentLanguage ??
    input.ResponseContentType ??
    input.ResponseExpires;
  if (overrides === undefined) return;
  throw new S3Error("InvalidRequest", {
    message: "Request specific response headers cannot be used for anonymous GET requests.",
  });
}

function judge(input: Input, found: FoundObject, { notes }: OperationContext): void {
  const { bucket, record } = found;
  const verdict = judgeRead(
    {
      ifMatch: input.IfMatch,
      ifNoneMatch: input.IfNoneMatch,
      ifModifiedSince: input.IfModifiedSince,
      ifUnmodifiedSince: input.IfUnmodifiedSince,
    },
    record,
  );
  if (verdict === "proceed") return;
  if (verdict !== "not-modified") throw preconditionFailed(verdict.failed);
  notes.objectBytes = record.sizeBytes;
  const headers: Record<string, string> = {
    etag: quoteEtag(record.etag),
    "last-modified": new Date(record.lastModifiedMilliseconds).toUTCString(),
  };
  const versionId = shownVersionId(bucket, record);
  if (versionId !== undefined) headers["x-amz-version-id"] = versionId;
  const { cacheControl, expires } = record.attributes;
  if (cacheControl !== undefined) headers["cache-control"] = cacheControl;
  if (expires !== undefined) headers["expires"] = expires;
  throw new S3Error("NotModified", { headers });
}

async function viewPart(
  number: number,
  found: FoundObject,
  common: Head,
  context: OperationContext,
): Promise<ObjectView> {
  const { record } = found;
  const { content, sizeBytes } = record;
  if (!("layout" in content)) {
    if (number !== 1) throw invalidPartNumber(number, 1);
    const range = { start: 0, end: sizeBytes };
    const ContentRange = sizeBytes === 0 ? undefined : formatContentRange(range, sizeBytes);
    const members = { ...common, ContentRange, ContentLength: sizeBytes };
    return { found, range, status: sizeBytes === 0 ? 200 : 206, members };
  }
  const { parts } = await context.store.contents.layouts.get(content.layout);
  const index = number - 1;
  const part = parts[index];
  if (part === undefined) throw invalidPartNumber(number, parts.length);
  const start = parts.slice(0, index).reduce((sum, each) => sum + each.sizeBytes, 0);
  const range = { start, end: start + part.sizeBytes };
  const members: Head = {
    ...common,
    PartsCount: parts.length,
    ContentLength: part.sizeBytes,
    ContentRange: part.sizeBytes === 0 ? undefined : formatContentRange(range, sizeBytes),
    ...partChecksum(record, part.checksum),
  };
  return { found, range, status: 206, members };
}

function partChecksum(record: ObjectRecord, value: string | undefined): Head {
  if (value === undefined || record.checksum === undefined) return {};
  const { algorithm, type } = record.checksum;
  return { ...checksumMember({ algorithm, value }), ChecksumType: type };
}

/** Only for a whole object: S3 sends no checksum with a range, for it would not fit the bytes. */
function checksumOf(input: Input, record: ObjectRecord): Head {
  if (input.ChecksumMode?.toUpperCase() !== "ENABLED" || record.checksum === undefined) return {};
  return { ...checksumMember(record.checksum), ChecksumType: record.checksum.type };
}

function invalidPartNumber(requested: number, actual: number): S3Error {
  return new S3Error("InvalidPartNumber", {
    fields: { PartNumberRequested: requested, ActualPartCount: actual },
  });
}
