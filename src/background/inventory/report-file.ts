// One data file of a report while it is written: rows go in, encoded bytes gather in memory, at most as
// many as a file may have. Which format it has is the business of the files beside this one.

import type { ReportColumn, ReportRow } from "./report-columns.ts";

export interface ReportFile {
  /** Of what is encoded already. */
  readonly sizeBytes: number;
  /** Is done with the rows when it returns: what waits must not hold them. */
  write(rows: readonly ReportRow[]): void;
  /** Afterwards `sizeBytes` counts all that can be counted: where files end depends on no other thread. */
  settle(): Promise<void>;
  /** The whole file. */
  finish(): Promise<readonly Uint8Array[]>;
}

export interface ReportFormat {
  /** Of a data file's name. */
  readonly extension: string;
  readonly contentType: string;
  open(columns: readonly ReportColumn[]): ReportFile;
}
