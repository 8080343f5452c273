import type { BucketRecord } from "./records/bucket-record.ts";

/** What was settled before the transaction does not hold for the bucket as it is there. */
export class BucketChangedError extends Error {
  override readonly name = "BucketChangedError";
  readonly bucket: BucketRecord;

  constructor(bucket: BucketRecord) {
    super("the bucket's settings have changed");
    this.bucket = bucket;
  }
}
