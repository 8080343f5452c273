// What a change becomes in the change log. A row is made in the commit that a client waits for, so that
// what all rows of a bucket have in common is written as JSON once.

import type { ObjectChange } from "./change-log.ts";
import type { Sequence } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeRecord } from "./records/change-record.ts";
import type { VersionRecord } from "./records/object-record.ts";

type BucketFacts = Pick<
  ChangeRecord,
  "bucketName" | "bucketId" | "bucketOwnerId" | "bucketOwnerAccountId"
>;

/** As it is stored: what is `undefined` is absent there. */
type OwnFacts = {
  readonly [Name in Exclude<keyof ChangeRecord, keyof BucketFacts | "details">]:
    | ChangeRecord[Name]
    | undefined;
} & { readonly v: 1 };

// Records of buckets and configurations are replaced, never changed.
const bucketTexts = new WeakMap<BucketRecord, string>();
const detailTexts = new WeakMap<object, string>();

/** The bytes of a `ChangeRecord`. */
export function encodeChange(
  change: Omit<ObjectChange, "record">,
  record: VersionRecord,
  details: ChangeRecord["details"],
): Uint8Array {
  const { bucket } = change;
  const own = JSON.stringify(ownFactsOf(change, record)).slice(1, -1);
  const common = keptText(bucketTexts, bucket, factsOfBucket).slice(1, -1);
  const last =
    details === undefined ? "" : `,"details":${keptText(detailTexts, details, (facts) => facts)}`;
  return Buffer.from(`{${own},${common}${last}}`, "utf8");
}

function keptText<Owner extends object>(
  texts: WeakMap<Owner, string>,
  owner: Owner,
  factsOf: (owner: Owner) => object,
): string {
  let text = texts.get(owner);
  if (text === undefined) {
    text = JSON.stringify(factsOf(owner));
    texts.set(owner, text);
  }
  return text;
}

function factsOfBucket({ name, id, ownerId, ownerAccountId }: BucketRecord): BucketFacts {
  return {
    bucketName: name,
    bucketId: id,
    bucketOwnerId: ownerId,
    bucketOwnerAccountId: ownerAccountId,
  };
}

/** One literal without spreads. */
function ownFactsOf(
  { bucket, key, cause, sequence }: Omit<ObjectChange, "record">,
  record: VersionRecord,
): OwnFacts {
  const hasContent = "sizeBytes" in record;
  return {
    v: 1,
    event: cause.event,
    timeMilliseconds: cause.timeMilliseconds,
    requestId: cause.requestId,
    hostId: cause.hostId,
    principalId: cause.principalId,
    accountId: cause.accountId,
    sourceAddress: cause.sourceAddress,
    isReplication: cause.isReplication,
    annotation: cause.annotation,
    replication: cause.replication,
    key,
    versionId: bucket.versioning === "Unversioned" ? undefined : record.versionId,
    versionSequence: record.sequence,
    sizeBytes: hasContent ? record.sizeBytes : undefined,
    etag: hasContent ? record.etag : undefined,
    // The documentation's examples have 16 to 18 digits; within a key they compare as texts.
    sequencer: hexadecimalOf(sequence),
  };
}

const digitsOfPart = 5;
const part = 16 ** digitsOfPart;

/** In 18 digits. By parts: a number of this size takes ten times as long as three small ones. */
function hexadecimalOf(sequence: Sequence): string {
  const upper = Math.floor(sequence / part);
  const high = Math.floor(upper / part);
  const middle = (upper - high * part).toString(16).padStart(digitsOfPart, "0");
  const low = (sequence - upper * part).toString(16).padStart(digitsOfPart, "0");
  return `${high.toString(16)}${middle}${low}`.toUpperCase().padStart(18, "0");
}
