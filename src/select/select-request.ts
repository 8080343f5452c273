// What a selection is asked to do, after its request was judged: pure data.

import type { CsvForm } from "./csv-reader.ts";
import type { CsvOutputForm } from "./record-writers.ts";
import type { Query } from "./syntax.ts";

/** The object's bytes as they were stored by the client. Each chunk is good until the next is asked for. */
export interface ObjectBytes {
  readonly sizeBytes: number;
  readonly open: (start: number, end: number) => Promise<AsyncIterable<Uint8Array>>;
}

export type Compression = "none" | "gzip" | "bzip2";
export type HeaderUse = "use" | "ignore" | "none";

export type InputForm =
  | {
      readonly kind: "csv";
      readonly form: CsvForm;
      readonly header: HeaderUse;
      readonly compression: Compression;
    }
  | { readonly kind: "json-document" | "json-lines"; readonly compression: Compression }
  | { readonly kind: "parquet" };

export type OutputForm =
  | ({ readonly kind: "csv" } & CsvOutputForm)
  | { readonly kind: "json"; readonly recordDelimiter: string };

/** Records that begin at `start` or behind it, and before `end`. */
export interface ScanRange {
  readonly start: number;
  readonly end: number;
}

export interface SelectRequest {
  readonly query: Query;
  readonly input: InputForm;
  readonly output: OutputForm;
  readonly range: ScanRange | undefined;
  readonly reportsProgress: boolean;
}
