// What is stored of a change of an object, until everybody who wants to know of it knows: enough to say
// what happened when the object itself is long gone.

import { decodeRecord } from "../../storage/record-codec.ts";
import type { BucketId, Sequence } from "../identifiers.ts";

/** Names of S3's events without their `s3:`, and changes that S3 makes no event of. */
export type ChangeEvent =
  | `ObjectCreated:${"Put" | "Post" | "Copy" | "CompleteMultipartUpload"}`
  | `ObjectRemoved:${"Delete" | "DeleteMarkerCreated"}`
  | `LifecycleExpiration:${"Delete" | "DeleteMarkerCreated"}`
  | "LifecycleTransition"
  | "IntelligentTiering"
  | `ObjectTagging:${"Put" | "Delete"}`
  | `ObjectAnnotation:${"Put" | "Delete"}`
  | "ObjectAcl:Put"
  | `ObjectRestore:${"Post" | "Completed" | "Delete"}`
  | `Replication:${
      | "OperationFailedReplication"
      | "OperationMissedThreshold"
      | "OperationReplicatedAfterThreshold"
      | "OperationNotTracked"}`
  | "TestEvent"
  // No events of S3's, but replicated.
  | `ObjectLock:${"Retention" | "LegalHold"}`
  | "ObjectEncryption:Put"
  | "ObjectReplica:Status";

/** Why a change happens: given by who makes it, and told to who is notified of it. */
export interface ChangeCause {
  readonly event: ChangeEvent;
  readonly timeMilliseconds: number;
  readonly requestId: string;
  /** `x-amz-id-2` of the request's answer. */
  readonly hostId: string;
  /** `AWS:AIDA…`, an account's id, `Anonymous`, or a service: `s3.amazonaws.com`. */
  readonly principalId: string;
  /** The account of whoever asked; absent of requests without a signature, and of the server's own. */
  readonly accountId?: string;
  /** `127.0.0.1` for the server's own. */
  readonly sourceAddress: string;
  /** Replication itself makes the change, here or from another server: it is not replicated again. */
  readonly isReplication?: true;
  /** Of the `ObjectAnnotation:` events: its name. */
  readonly annotation?: string;
  /** Of the `Replication:` events. */
  readonly replication?: ReplicationEventFacts;
}

/** What a `Replication:` event tells beside the change ("Event message structure", User Guide). */
export interface ReplicationEventFacts {
  readonly ruleId: string;
  /** ARN. */
  readonly destinationBucket: string;
  /** `OBJECT_PUT`. */
  readonly operation: string;
  /** When the change happened that is replicated. */
  readonly requestMilliseconds: number;
  readonly failureReason?: string;
  readonly thresholdMilliseconds?: number;
  /** How long it took. */
  readonly replicationMilliseconds?: number;
}

export interface ChangeRecord extends ChangeCause {
  readonly v: 1;
  readonly bucketName: string;
  readonly bucketId: BucketId;
  /** Canonical id. */
  readonly bucketOwnerId: string;
  readonly bucketOwnerAccountId: string;
  readonly key: string;
  /** Absent in buckets that never had versioning. */
  readonly versionId?: string;
  readonly versionSequence: Sequence;
  /** Absent of delete markers. */
  readonly sizeBytes?: number;
  readonly etag?: string;
  /** Hexadecimal, of equal length: greater for later changes of the key. */
  readonly sequencer: string;
  /** What the route adds for its consumer. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export function decodeChangeRecord(value: Uint8Array): ChangeRecord {
  return decodeRecord(value, 1) as ChangeRecord;
}
