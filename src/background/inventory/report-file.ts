// One data file of a report while it is written: rows go in, encoded bytes gather in memory, at most as
// many as a file may have. Which format it has is the business of the files beside this one.

import type { ReportColumn, ReportRow } from "./report-columns.ts";

export interface ReportFile {
  /** Of what is encoded already. */
  readonly sizeBytes: number;
  write(rows: readonly ReportRow[]): Promise<void>;
  /** The whole file. */
  finish(): Promise<readonly Uint8Array[]>;
}

export interface ReportFormat {
  /** Of a data file's name. */
  readonly extension: string;
  readonly contentType: string;
  open(columns: readonly ReportColumn[]): ReportFile;
}
