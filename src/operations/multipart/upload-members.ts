// Small pieces that the multipart operations share.

import { canonicalIdOf, type Caller } from "../../access/caller.ts";
import { S3Error } from "../../model/errors.ts";
import { partNumbers } from "../../model/limits.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";

interface Person {
  readonly id: string;
  readonly name: string;
}

export function ownerOf(bucket: BucketRecord): Person {
  return { id: bucket.ownerId, name: bucket.ownerName };
}

export function initiatorOf(caller: Caller): Person {
  return { id: canonicalIdOf(caller), name: caller.kind === "anonymous" ? "" : caller.displayName };
}

/** Throws S3Error InvalidArgument. */
export function checkPartNumber(number: number): void {
  if (number >= partNumbers.minimum && number <= partNumbers.maximum) return;
  throw new S3Error("InvalidArgument", {
    message: "Part number must be an integer between 1 and 10000, inclusive",
    fields: { ArgumentName: "partNumber", ArgumentValue: number },
  });
}
