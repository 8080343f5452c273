// Data files in Parquet, by hyparquet-writer: a row group at a time, so that what is not encoded yet stays
// small.

import { gzipSync } from "node:zlib";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { ColumnBatch } from "./column-batch.ts";
import type { ColumnKind, ColumnValue, ReportColumn, ReportRow } from "./report-columns.ts";
import type { ReportFile, ReportFormat } from "./report-file.ts";

/** Encoded in one go while requests wait: some 30 ms. */
const rowsOfGroup = 8192;
const compressionLevel = 1;

export const parquetFormat: ReportFormat = {
  extension: "parquet",
  contentType: "application/octet-stream",
  open: (columns) => new ParquetFile(columns),
};

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];
type SchemaElement = Schema[number];

class ParquetFile implements ReportFile {
  readonly #bytes = new ByteWriter(1024 * 1024);
  readonly #writer: ParquetWriter;
  readonly #batch: ColumnBatch;

  constructor(columns: readonly ReportColumn[]) {
    this.#batch = new ColumnBatch(columns);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [{ name: "s3.inventory", num_children: columns.length }, ...columns.map(toElement)],
      codec: "GZIP",
      compressors: { GZIP: (bytes: Uint8Array) => gzipSync(bytes, { level: compressionLevel }) },
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
    return [this.#bytes.getBytes()];
  }

  #writeGroup(): void {
    const rowGroupSize = this.#batch.rows;
    void this.#writer.write({
      rowGroupSize,
      columnData: this.#batch.take().map(({ column, values }) => ({
        name: column.name,
        data: column.kind === "bigint" ? values.map(toBigInt) : values,
      })),
    });
  }
}

function toBigInt(value: ColumnValue): bigint | undefined {
  return value === undefined ? undefined : BigInt(value);
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
