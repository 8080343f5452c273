// The x-amz-copy-source header: which version of which object a copy reads.

import { S3Error } from "../../model/errors.ts";
import type { CopyObjectInput } from "../../model/types.generated.ts";
import type { ReadConditions } from "../../objects/preconditions.ts";
import { checkCopySource } from "../../objects/preconditions.ts";
import { checkReadable } from "../../objects/archives.ts";
import type { FoundObject } from "../../objects/versions.ts";
import type { OperationContext } from "../operation.ts";

export interface CopySourceName {
  readonly bucketName: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

export type CopySourceConditions = Pick<
  CopyObjectInput,
  | "CopySourceIfMatch"
  | "CopySourceIfModifiedSince"
  | "CopySourceIfNoneMatch"
  | "CopySourceIfUnmodifiedSince"
>;

export interface CopySourceOwner {
  readonly ExpectedSourceBucketOwner?: string | undefined;
}

/**
 * `bucket/key`, optionally with a leading slash, URL-encoded, and optionally `?versionId=`.
 * Throws S3Error InvalidArgument.
 */
export function parseCopySource(header: string): CopySourceName {
  const question = header.lastIndexOf("?versionId=");
  const path = question < 0 ? header : header.slice(0, question);
  const versionText = question < 0 ? undefined : header.slice(question + "?versionId=".length);
  const decoded = decodePath(path, header).replace(/^\//, "");
  if (decoded.startsWith("arn:")) {
    throw new S3Error("NotImplemented", { fields: { Header: "x-amz-copy-source" } });
  }
  const slash = decoded.indexOf("/");
  if (slash <= 0 || slash === decoded.length - 1) {
    throw invalidSource(
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      header,
    );
  }
  const versionId = versionText === undefined ? undefined : decodePath(versionText, header);
  if (versionId === "") {
    throw invalidSource("Version id cannot be the empty string", header);
  }
  return { bucketName: decoded.slice(0, slash), key: decoded.slice(slash + 1), versionId };
}

/** As below; the record of the request is told how it went. */
export async function findCopySource(
  source: CopySourceName,
  input: CopySourceConditions & CopySourceOwner,
  context: OperationContext,
): Promise<FoundObject> {
  const { notes } = context;
  try {
    const found = await judgeCopySource(source, input, context);
    notes.source = { ...source, sizeBytes: found.record.sizeBytes };
    return found;
  } catch (error) {
    if (error instanceof S3Error) notes.source = { ...source, refused: error };
    throw error;
  }
}

/**
 * The source's version, judged by the copy's conditions. A source that is a delete marker does not
 * exist when it is current, and is refused when it is named. Throws S3Error.
 */
async function judgeCopySource(
  source: CopySourceName,
  input: CopySourceConditions & CopySourceOwner,
  { store, access, clock }: OperationContext,
): Promise<FoundObject> {
  const { bucketName, key, versionId } = source;
  await access.demand({
    action: versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion",
    bucketName,
    key,
    versionId,
    acl: { of: "object", permission: "READ" },
  });
  await checkSourceOwner(source, input.ExpectedSourceBucketOwner, store);
  const found = await store.versions
    .find(source.bucketName, source.key, source.versionId)
    .catch(async (error: unknown) => {
      await hideAbsence(error, bucketName, access);
      if (error instanceof S3Error && error.code === "MethodNotAllowed") {
        throw new S3Error("InvalidRequest", {
          message:
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        });
      }
      // The delete marker's headers belong to a read of the object, not to this answer.
      if (error instanceof S3Error) {
        throw new S3Error(error.code, { message: error.message, fields: error.fields });
      }
      throw error;
    });
  const conditions: ReadConditions = {
    ifMatch: input.CopySourceIfMatch,
    ifModifiedSince: input.CopySourceIfModifiedSince,
    ifNoneMatch: input.CopySourceIfNoneMatch,
    ifUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
  };
  checkCopySource(conditions, found.record);
  // Seen of the service: github.com/s3tools/s3cmd/pull/193. (ObjectNotInActiveTierError, of which the
  // model speaks, was not.)
  checkReadable(
    found.record,
    clock.now(),
    "Operation is not valid for the source object's storage class",
  );
  store.tiering.noteAccess({ bucketName, key }, found.record);
  return found;
}

/** As of any read: who may not list the source's bucket is not told what is missing in it. */
async function hideAbsence(
  error: unknown,
  bucketName: string,
  access: OperationContext["access"],
): Promise<void> {
  const isAbsence = error instanceof S3Error && error.code.startsWith("NoSuch");
  if (!isAbsence || error.code === "NoSuchBucket") return;
  if (!(await access.mayList(bucketName))) throw new S3Error("AccessDenied");
}

/** The source's counterpart of x-amz-expected-bucket-owner. Throws S3Error. */
async function checkSourceOwner(
  source: CopySourceName,
  expected: string | undefined,
  store: OperationContext["store"],
): Promise<void> {
  if (expected === undefined) return;
  if (!/^\d{12}$/.test(expected)) throw new S3Error("InvalidBucketOwnerAWSAccountID");
  const { ownerAccountId } = await store.buckets.get(source.bucketName);
  if (ownerAccountId !== expected) throw new S3Error("AccessDenied");
}

function decodePath(text: string, header: string): string {
  // A plus sign stands for a blank here, unlike in paths: keys that have one are not found unless it is
  // encoded (github.com/aws/aws-sdk-js/issues/1821), and s5cmd writes blanks so.
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw invalidSource("Invalid copy source encoding.", header);
  }
}

function invalidSource(message: string, header: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: "x-amz-copy-source", ArgumentValue: header },
  });
}
