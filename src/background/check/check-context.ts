// What every step of a check works with.

import type { BucketId } from "../../objects/identifiers.ts";
import type { BlobStore } from "../../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../../storage/key-value/key-value-store.ts";
import type { CheckReport } from "./finding.ts";
import type { CheckProgress } from "./progress.ts";

export interface CheckContext {
  readonly store: Pick<KeyValueStore, "read">;
  readonly blobs: Pick<BlobStore, "open" | "list">;
  readonly signal: AbortSignal;
  readonly report: CheckReport;
  readonly progress: CheckProgress;
  /** Names of the buckets that existed when the check began, and of those found since. */
  readonly bucketNames: Map<BucketId, string>;
}
