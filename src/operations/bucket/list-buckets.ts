// ListBuckets: the caller's buckets by name, paged when asked.

import { S3Error } from "../../model/errors.ts";
import { listedBuckets } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";
import { decodeToken, encodeToken } from "./listing-arguments.ts";

type Input = OperationTypes["ListBuckets"]["input"];
type Output = OperationTypes["ListBuckets"]["output"];

export const listBuckets: Operation<Input, Output> = async (input, { store, caller }) => {
  if (caller.kind === "anonymous") throw new S3Error("AccessDenied");
  const { MaxBuckets: limit = listedBuckets, ContinuationToken: token, Prefix: prefix } = input;
  if (limit < 1 || limit > listedBuckets) {
    throw new S3Error("InvalidArgument", {
      message: `Argument max-buckets must be an integer between 1 and ${listedBuckets}`,
      fields: { ArgumentName: "max-buckets", ArgumentValue: limit },
    });
  }
  const page = await store.buckets.list({
    ownerId: caller.canonicalId,
    prefix: prefix ?? "",
    after: token === undefined ? undefined : decodeToken(token),
    limit,
    accepts: (bucket) => input.BucketRegion === undefined || bucket.region === input.BucketRegion,
  });
  // S3 names the region only in answers to requests with one of the newer parameters.
  const isPaged =
    input.MaxBuckets !== undefined ||
    token !== undefined ||
    prefix !== undefined ||
    input.BucketRegion !== undefined;
  return {
    Owner: { ID: caller.canonicalId, DisplayName: caller.displayName },
    Buckets: page.buckets.map((bucket) => ({
      Name: bucket.name,
      CreationDate: new Date(Math.floor(bucket.createdMilliseconds / 1000) * 1000),
      BucketRegion: isPaged ? bucket.region : undefined,
      BucketArn: `arn:aws:s3:::${bucket.name}`,
    })),
    Prefix: prefix,
    ContinuationToken: page.next === undefined ? undefined : encodeToken(page.next),
  };
};
