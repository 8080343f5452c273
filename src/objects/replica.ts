// What a replica keeps of the version that it was made of, beside what every copy keeps.

import type { VersionId } from "./identifiers.ts";
import { nullVersionId, parseVersionId } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ReplicationState } from "./records/replication-record.ts";
import type { VersionRecord } from "./records/object-record.ts";

export interface ReplicaIdentity {
  /** Its place in the key's history is in it. Absent: the null version's replica gets an id of its own. */
  readonly versionId?: VersionId;
  readonly lastModifiedMilliseconds: number;
}

export const replicaState: ReplicationState = { isReplica: true };

/** What a replica's identity is as a header of requests between servers: JSON as Base64. */
export function formatReplicaIdentity(identity: ReplicaIdentity): string {
  return Buffer.from(JSON.stringify(identity), "utf8").toString("base64url");
}

/** Of a request that changes a replica and makes none. */
export const replicaChange = "change";

/** `undefined` for what no server wrote. */
export function parseReplicaIdentity(text: string): ReplicaIdentity | undefined {
  try {
    const value = JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as unknown;
    if (typeof value !== "object" || value === null) return undefined;
    const { versionId, lastModifiedMilliseconds: time } = { ...value } as Record<string, unknown>;
    if (typeof time !== "number" || !Number.isSafeInteger(time) || time < 0) return undefined;
    if (versionId === undefined) return { lastModifiedMilliseconds: time };
    if (typeof versionId !== "string") return undefined;
    parseVersionId(versionId); // throws for what no server ever made
    return { versionId: versionId as VersionId, lastModifiedMilliseconds: time };
  } catch {
    return undefined;
  }
}

export function replicaIdentityOf(record: VersionRecord): ReplicaIdentity {
  const { versionId, lastModifiedMilliseconds } = record;
  return versionId === nullVersionId
    ? { lastModifiedMilliseconds }
    : { versionId, lastModifiedMilliseconds };
}

/** The version is there already: what was to be written is let go, and the write has succeeded. */
export class ReplicaExistsError extends Error {
  override readonly name = "ReplicaExistsError";
  readonly bucket: BucketRecord;
  readonly record: VersionRecord;

  constructor(bucket: BucketRecord, record: VersionRecord) {
    super("the replica exists");
    this.bucket = bucket;
    this.record = record;
  }
}
