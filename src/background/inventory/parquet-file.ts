// Data files in Parquet, by hyparquet-writer: a row group at a time, so that what is not encoded yet stays
// small.

import { gzipSync } from "node:zlib";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { ColumnBatch, type ColumnValues } from "./column-batch.ts";
import { compressionOf } from "./piece-compression.ts";
import type { ColumnKind, ReportColumn, ReportRow } from "./report-columns.ts";
import type { ReportFile, ReportFormat } from "./report-file.ts";

/** Encoded in one go while requests wait, and for that long values again: some 8 ms, and half a megabyte. */
const rowsOfGroup = 2048;

export const parquetFormat: ReportFormat = {
  extension: "parquet",
  contentType: "application/octet-stream",
  open: (columns) => new ParquetFile(columns),
};

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];
type SchemaElement = Schema[number];

class ParquetFile implements ReportFile {
  readonly #bytes = new ByteWriter(1024 * 1024);
  readonly #chunks: Buffer[] = [];
  readonly #writer: ParquetWriter;
  readonly #batch: ColumnBatch;

  constructor(columns: readonly ReportColumn[]) {
    this.#batch = new ColumnBatch(columns, rowsOfGroup);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [{ name: "s3.inventory", num_children: columns.length }, ...columns.map(toElement)],
      codec: "GZIP",
      compressors: {
        GZIP: (bytes: Uint8Array) => gzipSync(bytes, compressionOf(bytes.byteLength)),
      },
      createdBy: "holdfast",
    });
  }

  get sizeBytes(): number {
    return this.#bytes.offset;
  }

  write(rows: readonly ReportRow[]): void {
    for (const row of rows) {
      this.#batch.add(row);
      if (this.#batch.rows === rowsOfGroup) this.#writeGroup();
    }
  }

  async settle(): Promise<void> {}

  async finish(): Promise<readonly Uint8Array[]> {
    if (this.#batch.rows > 0) this.#writeGroup();
    await this.#writer.finish();
    this.#takeBytes();
    return this.#chunks;
  }

  #writeGroup(): void {
    void this.#writer.write({
      rowGroupSize: this.#batch.rows,
      columnData: this.#batch.values.map((values, index) => ({
        name: (this.#batch.columns[index] as ReportColumn).name, // one for each column
        // One column after the other: no more than one is there at a time.
        get data() {
          return dataOf(values);
        },
      })),
    });
    this.#batch.clear();
    this.#takeBytes();
  }

  /** So that the room that the writer makes does not double until it holds the whole file. */
  #takeBytes(): void {
    this.#chunks.push(Buffer.from(this.#bytes.getBytes()));
    this.#bytes.index = 0;
  }
}

type Datum = string | boolean | number | bigint | undefined;

/** The values of a column, as the package wants them: of each row one. */
function dataOf(values: ColumnValues): Datum[] {
  const { kind, numbers, text, lengths } = values;
  let at = 0;
  let begin = 0;
  return Array.from(values.present, (isPresent): Datum => {
    if (isPresent === 0) return undefined;
    const index = at++;
    if (kind === "string") {
      const end = begin + (lengths[index] as number);
      const value = text.toString("utf8", begin, end);
      begin = end;
      return value;
    }
    const number = numbers[index] as number;
    if (kind === "boolean") return number === 1;
    return kind === "bigint" ? BigInt(number) : number;
  });
}

const types: Readonly<Record<ColumnKind, Pick<SchemaElement, "type" | "converted_type">>> = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  boolean: { type: "BOOLEAN" },
  bigint: { type: "INT64" },
  timestamp: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
};

function toElement({ name, kind, isRequired }: ReportColumn): SchemaElement {
  return {
    name,
    repetition_type: isRequired === true ? "REQUIRED" : "OPTIONAL",
    ...types[kind],
  };
}
