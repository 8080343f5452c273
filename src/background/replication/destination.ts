// Where replicas go: one contract for buckets of this server and for those of others.

import type { ChangedAnnotations } from "../../objects/annotation-changes.ts";
import type { CompiledRule } from "../../objects/replication-rules.ts";
import type { DeleteMarkerRecord } from "../../objects/records/object-record.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ReplicationRole, SourceObject } from "./replication-role.ts";

export interface ReplicaWork {
  readonly source: SourceObject;
  readonly rule: CompiledRule;
  /** Of a replica that is made all go along. */
  readonly annotations: ChangedAnnotations;
  readonly role: ReplicationRole;
  readonly signal: AbortSignal;
}

export interface MarkerWork {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly marker: DeleteMarkerRecord;
  readonly role: ReplicationRole;
  readonly signal: AbortSignal;
}

/**
 * Everything may be done twice. Each throws ReplicationRefusedError and DestinationAwayError;
 * BlobMissingError when the source changed meanwhile.
 */
export interface ReplicaDestination {
  /**
   * What the destination calls the replica, when it has one. `known`: what it was called once, if it
   * ever was there.
   */
  find(work: ReplicaWork, known: string | undefined): Promise<string | undefined>;
  /** With its annotations. Answers what the destination calls the replica. */
  put(work: ReplicaWork): Promise<string>;
  /** Makes tags, access control list, lock and changed annotations of a replica those of its source. */
  update(work: ReplicaWork, versionId: string): Promise<void>;
  putMarker(work: MarkerWork): Promise<void>;
}
