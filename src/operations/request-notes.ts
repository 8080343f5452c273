// What an operation tells of itself beside its output, for the record of its request: only records of
// access are made of it. An operation fills in what it comes across, and looks for nothing.

import type { DeletedObject, DeleteError } from "../model/types.generated.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import type { CopySourceName } from "./object/copy-source.ts";

export interface RequestNotes {
  /** All bytes of the object in question, where neither request nor answer tells. */
  objectBytes?: number | undefined;
  source?: SourceNote;
  /** In the order of the request. */
  deletions?: readonly DeletionNote[];
  /** That is gone: nothing else says any more what it wanted. */
  deletedBucket?: BucketRecord;
}

/** What became of the read that a copy begins with. */
export type SourceNote = CopySourceName &
  (
    | { readonly sizeBytes: number }
    | { readonly refused: { readonly code: string; readonly status: number } }
  );

export type DeletionNote =
  | { readonly deleted: DeletedObject; readonly removedBytes: number | undefined }
  | { readonly failed: DeleteError; readonly status: number };
