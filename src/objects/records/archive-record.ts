// What is stored of a version's tier beside its storage class: a restoration from an archive, and where
// Intelligent-Tiering has moved it.

import type { Content } from "./object-record.ts";

export type RestoreTier = "Expedited" | "Standard" | "Bulk";

/** A restoration that was asked for, or has ended in a copy that can be read for a while. */
export interface Restoration {
  readonly requestedMilliseconds: number;
  readonly tier: RestoreTier;
  /** When the bytes can be read, if a worker is there. */
  readonly dueMilliseconds: number;
  /** How long the copy lives. Absent: the version goes back to an access tier, and stays. */
  readonly days?: number;
  /** Absent while it is under way. From then on the copy is as good as gone. */
  readonly expiryMilliseconds?: number;
  /** The temporary copy. Absent where the archive lies beside it: then the bytes are read there. */
  readonly content?: Content;
}

/** Tiers of Intelligent-Tiering below that of frequent access. */
export type AccessTier =
  | "INFREQUENT_ACCESS"
  | "ARCHIVE_INSTANT_ACCESS"
  | "ARCHIVE_ACCESS"
  | "DEEP_ARCHIVE_ACCESS";

/** Of a version of the class INTELLIGENT_TIERING that was moved, or read after its first day. */
export interface TieringState {
  /** Absent: frequent access. */
  readonly tier?: AccessTier;
  /** Within a day. Absent: the creation. */
  readonly accessedMilliseconds?: number;
}

export interface ArchiveState {
  readonly restore?: Restoration;
  readonly tiering?: TieringState;
}
