// Headers that S3 refuses where they mean nothing, instead of ignoring them.

import { S3Error } from "../model/errors.ts";
import type { OperationName } from "../model/types.generated.ts";

const header = "x-amz-server-side-encryption";

/**
 * How an object is encrypted is said when it is written, and for one with parts when its upload begins.
 * API, GetObject and HeadObject: "you'll get an HTTP 400 Bad Request error"; seen of UploadPart with
 * this message.
 */
const operations: ReadonlySet<OperationName> = new Set([
  "GetObject",
  "HeadObject",
  "GetObjectAttributes",
  "UploadPart",
  "UploadPartCopy",
  "CompleteMultipartUpload",
]);

/** Throws S3Error InvalidArgument, UnsupportedRangeHeader. */
export function checkMisplacedHeaders(
  operation: OperationName,
  headers: { get(name: string): string | undefined },
): void {
  // API, SelectObjectContent: a range is a ScanRange of its document.
  if (operation === "SelectObjectContent" && headers.get("range") !== undefined) {
    throw new S3Error("UnsupportedRangeHeader");
  }
  const value = headers.get(header);
  if (value === undefined || !operations.has(operation)) return;
  throw new S3Error("InvalidArgument", {
    message: `${header} header is not supported for this operation.`,
    fields: { ArgumentName: header, ArgumentValue: value },
  });
}
