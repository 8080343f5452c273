// What is stored of a quota: in the record of a bucket, or in the settings of an account for all of its
// buckets together.

/** Absent members are not bounded. Versions count each, and the parts of uploads in progress as bytes. */
export interface Quota {
  readonly bytes?: number;
  readonly objects?: number;
}
