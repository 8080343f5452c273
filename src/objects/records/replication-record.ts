// What is stored of a version's replication, inside its record.

/** How far a version has come on its way to one destination. */
export interface DestinationState {
  readonly status: "PENDING" | "COMPLETED" | "FAILED";
  /** What the destination calls the replica, where it could not keep the source's version id. */
  readonly versionId?: string;
}

export interface ReplicationState {
  /** Made by replication: it goes nowhere by itself. */
  readonly isReplica?: true;
  /** By ARN of the destination's bucket. */
  readonly destinations?: Readonly<Record<string, DestinationState>>;
}
