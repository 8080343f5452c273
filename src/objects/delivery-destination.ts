// Where reports about a bucket go: what inventory and analytics configurations may name as their
// destination.

import { S3Error } from "../model/errors.ts";

/** A general purpose bucket, or a directory bucket with its longer name. */
const bucketArn = /^arn:aws(?:-[a-z-]+)?:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/;
const namespacedArn = /^arn:aws(?:-[a-z-]+)?:s3:[^:]*:[^:]+:/;
const accountPattern = /^\d{12}$/;
const prefixBytes = 512;

/**
 * Throws S3Error. That an ARN with an account is told "Bucket ARN should not specify a namespace." was
 * seen on the service (aws/aws-cli#3611); the words for other ARNs are ours.
 */
export function checkDestination(destination: {
  readonly arn: string;
  readonly accountId: string | undefined;
  readonly prefix: string | undefined;
}): void {
  const { arn, accountId, prefix } = destination;
  if (namespacedArn.test(arn)) throw refusal("Bucket ARN should not specify a namespace.", arn);
  if (!bucketArn.test(arn)) throw refusal("Invalid bucket ARN.", arn);
  if (accountId !== undefined && !accountPattern.test(accountId)) {
    throw new S3Error("InvalidArgument", {
      message: "The account ID must have twelve digits",
      fields: { ArgumentName: "AccountId", ArgumentValue: accountId },
    });
  }
  if (prefix !== undefined && Buffer.byteLength(prefix) > prefixBytes) {
    throw new S3Error("InvalidArgument", {
      message: `The destination prefix may have ${prefixBytes} bytes`,
      fields: { ArgumentName: "Prefix", ArgumentValue: prefix },
    });
  }
}

/** The name in an ARN that was checked. */
export function bucketNameOfArn(arn: string): string {
  return arn.slice(arn.lastIndexOf(":") + 1);
}

/** What comes before the names of reports: "the delimiter is added" where the prefix has none. */
export function reportFolder(prefix: string | undefined, ...names: readonly string[]): string {
  const begin = prefix === undefined || prefix === "" ? [] : [prefix.replace(/\/$/, "")];
  return [...begin, ...names].join("/");
}

function refusal(message: string, arn: string): S3Error {
  return new S3Error("InvalidS3DestinationBucket", { message, fields: { BucketArn: arn } });
}
