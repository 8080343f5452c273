// Which place a new version takes in its key's history: by the clock behind all that is there, or, as a
// replica, where its source stands.

import { S3Error } from "../model/errors.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import type { Sequence, VersionId } from "./identifiers.ts";
import { newVersionId, nextSequence, nullVersionId, parseVersionId } from "./identifiers.ts";
import { ReplicaExistsError, type ReplicaIdentity } from "./replica.ts";
import { keys } from "./records/keyspace.ts";
import { isDeleteMarker, type VersionRecord } from "./records/object-record.ts";
import type { KeyState, Versions } from "./versions.ts";

/** What a new version gets from its place in the key's history. */
export interface VersionIdentity {
  readonly sequence: Sequence;
  readonly versionId: VersionId;
  readonly lastModifiedMilliseconds: number;
}

export function identifyVersion(state: KeyState, nowMilliseconds: number): VersionIdentity {
  const head = state.current ?? state.marker;
  const sequence = nextSequence(nowMilliseconds, head && lastSequenceOf(head));
  return {
    sequence,
    versionId: state.bucket.versioning === "Enabled" ? newVersionId(sequence) : nullVersionId,
    lastModifiedMilliseconds: Math.floor(nowMilliseconds / 1000) * 1000,
  };
}

/** Throws ReplicaExistsError; S3Error where a replica cannot be. */
export async function identifyReplica(
  state: KeyState,
  { versionId, lastModifiedMilliseconds }: ReplicaIdentity,
  nowMilliseconds: number,
  { versions, transaction }: { readonly versions: Versions; readonly transaction: Transaction },
): Promise<VersionIdentity> {
  const { bucket, key } = state;
  if (bucket.versioning !== "Enabled") {
    throw new S3Error("InvalidRequest", {
      message: "Destination bucket must have versioning enabled.",
    });
  }
  if (versionId === undefined) {
    return { ...identifyVersion(state, nowMilliseconds), lastModifiedMilliseconds };
  }
  const sequence = parseVersionId(versionId);
  const existing = await versions.loadVersion(transaction, state, versionId);
  if (existing !== undefined) throw new ReplicaExistsError(bucket, existing);
  const isTaken =
    (state.current ?? state.marker)?.sequence === sequence ||
    (await transaction.get(keys.version(bucket.id, key, sequence))) !== undefined;
  if (!isTaken) return { sequence, versionId, lastModifiedMilliseconds };
  // Two servers have made versions of one key in the same microsecond.
  throw new S3Error("InvalidRequest", { message: "Another version has this place." });
}

/** Only a replica can be: it keeps the place of its source. */
export function isOlderThanHead({ current, marker }: KeyState, sequence: Sequence): boolean {
  const head = current ?? marker;
  return head !== undefined && sequence < head.sequence;
}

/** Of the last change of a version that was told to anybody. */
export function lastSequenceOf(record: VersionRecord): Sequence {
  return isDeleteMarker(record) ? record.sequence : (record.changeSequence ?? record.sequence);
}
