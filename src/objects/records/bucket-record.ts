// What is stored of a bucket.

import type { AclGrants, PublicAccessBlock } from "../../model/access-control-list.ts";
import type { BucketId } from "../identifiers.ts";
import { decodeRecord } from "../../storage/record-codec.ts";
import type { LoggingSettings } from "./logging-record.ts";
import type { DefaultLock } from "./lock-record.ts";
import type { Quota } from "./quota-record.ts";

export type VersioningState = "Unversioned" | "Enabled" | "Suspended";
export type ObjectOwnership = "BucketOwnerEnforced" | "BucketOwnerPreferred" | "ObjectWriter";

/** How new objects are encrypted that ask for nothing else. */
export interface BucketEncryption {
  readonly algorithm: "AES256" | "aws:kms" | "aws:kms:dsse";
  /** As it was given: id, ARN or alias. Absent: the key that protects S3 objects where none is named. */
  readonly keyId?: string;
  readonly bucketKey?: boolean;
  /** Kinds that no new object may have; `NONE` where the client said that all may. */
  readonly blocked?: readonly ("NONE" | "SSE-C")[];
}

export interface BucketRecord {
  readonly v: 1;
  readonly id: BucketId;
  readonly name: string;
  readonly region: string;
  /** What the creator sent as LocationConstraint; absent where S3 answers an empty one. */
  readonly locationConstraint?: string;
  readonly createdMilliseconds: number;
  readonly ownerId: string;
  readonly ownerName: string;
  readonly ownerAccountId: string;
  readonly versioning: VersioningState;
  /** Absent: never configured, and not shown. */
  readonly mfaDelete?: "Enabled" | "Disabled";
  readonly objectLockEnabled: boolean;
  /** What new versions get; only where object lock is enabled. */
  readonly defaultLock?: DefaultLock;
  readonly objectOwnership: ObjectOwnership;
  /** Set by whoever asked for it; `false` after DeleteBucketOwnershipControls, when GET answers 404. */
  readonly hasOwnershipControls?: boolean;
  /** Absent: the owner has FULL_CONTROL and nobody else anything. */
  readonly acl?: AclGrants;
  readonly publicAccessBlock?: PublicAccessBlock;
  /** Transfer acceleration; absent: never configured. */
  readonly acceleration?: "Enabled" | "Suspended";
  /** Absent: the bucket's owner pays. */
  readonly requestPayer?: "Requester";
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly quota?: Quota;
  /** Whether the bucket's tags count in access decisions. Absent: no. */
  readonly isAbacEnabled?: boolean;
  /** Absent: requests are not written down. */
  readonly logging?: LoggingSettings;
  /** Ids of longer configurations by kind; see bucket-documents.ts. */
  readonly documents?: Readonly<Record<string, string>>;
  /** Absent: AES256, and nothing is blocked. */
  readonly encryption?: BucketEncryption;
  /**
   * Set while a deletion proves that the bucket is empty. It changes the record's revision, so every
   * write that began before fails its check; the first writer that comes after takes the mark away,
   * and the deletion then knows that it lost. Random, so that a deletion knows its own mark.
   */
  readonly deletionMark?: string;
}

export function decodeBucketRecord(value: Uint8Array): BucketRecord {
  return decodeRecord(value, 1) as BucketRecord;
}
