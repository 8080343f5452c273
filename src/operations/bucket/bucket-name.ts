// The rules of bucket names (Guide, "General purpose bucket naming rules").

import { isIP } from "node:net";
import { S3Error } from "../../model/errors.ts";
import { bucketNameCharacters } from "../../model/limits.ts";

const namePattern = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])$/;
const reservedPrefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
const reservedSuffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/** Throws S3Error InvalidBucketName. Only creation asks: other operations say NoSuchBucket. */
export function checkNewBucketName(name: string): void {
  const { minimum, maximum } = bucketNameCharacters;
  const isValid =
    name.length >= minimum &&
    name.length <= maximum &&
    namePattern.test(name) &&
    !name.includes("..") &&
    isIP(name) === 0 &&
    !reservedPrefixes.some((prefix) => name.startsWith(prefix)) &&
    !reservedSuffixes.some((suffix) => name.endsWith(suffix));
  if (!isValid) throw new S3Error("InvalidBucketName", { fields: { BucketName: name } });
}
