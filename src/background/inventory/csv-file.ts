// Data files as S3 writes them in CSV: no head line, every value in quotation marks, keys URL-encoded,
// GZIP around it.

import { once } from "node:events";
import { createGzip, type Gzip } from "node:zlib";
import { compressionLevel } from "./piece-compression.ts";
import type { ColumnValue, ReportColumn, ReportRow } from "./report-columns.ts";
import type { ReportFile, ReportFormat } from "./report-file.ts";

export const csvFormat: ReportFormat = {
  extension: "csv.gz",
  contentType: "application/x-gzip",
  open: (columns) => new CsvFile(columns),
};

class CsvFile implements ReportFile {
  readonly #columns: readonly ReportColumn[];
  readonly #gzip: Gzip = createGzip({ level: compressionLevel, chunkSize: 64 * 1024 });
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;
  #written: Promise<void> | undefined;

  constructor(columns: readonly ReportColumn[]) {
    this.#columns = columns;
    this.#gzip.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#sizeBytes += chunk.byteLength;
    });
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  write(rows: readonly ReportRow[]): void {
    let text = "";
    for (const row of rows) text += formatRow(this.#columns, row);
    // As bytes: the text is made of pieces, which nobody is to hold while they are compressed.
    const bytes = Buffer.from(text, "utf8");
    this.#written = new Promise<void>((resolve, reject) => {
      this.#gzip.write(bytes, (error) => (error == null ? resolve() : reject(error)));
    });
  }

  async settle(): Promise<void> {
    await this.#written;
  }

  async finish(): Promise<readonly Uint8Array[]> {
    this.#gzip.end();
    await once(this.#gzip, "end");
    return this.#chunks;
  }
}

export function formatRow(columns: readonly ReportColumn[], row: ReportRow): string {
  let text = "";
  for (const column of columns) {
    text += text === "" ? '"' : ',"';
    const value = column.valueOf(row);
    text += column.field === "Key" ? encodeKey(row.key) : formatValue(column, value);
    text += '"';
  }
  return `${text}\n`;
}

function formatValue(column: ReportColumn, value: ColumnValue): string {
  if (value === undefined) return "";
  if (column.kind === "timestamp") return new Date(value as number).toISOString();
  // No name that S3 allows for buckets, classes and the like holds a quotation mark; owners' ids of
  // other servers might.
  return typeof value === "string" && value.includes('"')
    ? value.replaceAll('"', '""')
    : String(value);
}

const plainKey = /^[\w.~/-]*$/;

/**
 * "The key name is URL-encoded and must be decoded before you can use it." (Guide, ibid.) A space becomes
 * `%20`, which decoders of forms and of URLs both understand, and slashes stay.
 */
function encodeKey(key: string): string {
  if (plainKey.test(key)) return key;
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
