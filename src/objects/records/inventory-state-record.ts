// What is stored of the reports of one inventory configuration: the one under way, as far as it is safe in
// its destination, and how the last one ended.

import { decodeRecord } from "../../storage/record-codec.ts";
import type { Sequence } from "../identifiers.ts";

/** A data file as a manifest names it. */
export interface ReportFileRecord {
  readonly key: string;
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly md5: string;
}

export interface ReportRun {
  readonly reportId: string;
  /** The configuration that the report is of: another one begins anew. */
  readonly documentId: string;
  readonly startedMilliseconds: number;
  readonly files: readonly ReportFileRecord[];
  readonly rows: number;
  /** The last row of the last file. Absent: no file is complete yet. */
  readonly after?: { readonly afterKey: string; readonly afterSequence?: Sequence };
  /** Everything is in the files; what is missing is the manifest. */
  readonly isWalked?: true;
}

export interface FinishedReport {
  readonly startedMilliseconds: number;
  readonly finishedMilliseconds: number;
  readonly destinationBucket: string;
  readonly manifestKey: string;
  readonly files: number;
  readonly rows: number;
}

export interface InventoryStateRecord {
  readonly v: 1;
  readonly bucketName: string;
  /** The day (days since the epoch, UTC) of the last report that was due, or on which the configuration came. */
  readonly day: number;
  /** Whether there was a report that was due. */
  readonly hasReported?: true;
  readonly run?: ReportRun;
  readonly last?: FinishedReport;
  /** Why the report under way failed, and when it is tried again. */
  readonly failure?: {
    readonly message: string;
    readonly atMilliseconds: number;
    readonly againMilliseconds: number;
  };
}

export function decodeInventoryState(value: Uint8Array): InventoryStateRecord {
  return decodeRecord(value, 1) as InventoryStateRecord;
}
