// Data files in ORC, as far as a report needs it: a flat structure of texts, booleans, integers and
// timestamps, in stripes of direct encodings under ZLIB. No package writes ORC. (ORC Specification v1.)

import { deflateRawSync } from "node:zlib";
import { ColumnBatch } from "../column-batch.ts";
import type { ColumnKind, ReportColumn, ReportRow } from "../report-columns.ts";
import type { ReportFile, ReportFormat } from "../report-file.ts";
import { compressionOf } from "../piece-compression.ts";
import { encodeColumn } from "./column-streams.ts";
import { ProtobufMessage } from "./protobuf-message.ts";

export const orcFormat: ReportFormat = {
  extension: "orc",
  contentType: "application/octet-stream",
  open: (columns) => new OrcFile(columns),
};

/** Encoded in one go while requests wait: some 30 ms. */
const rowsOfStripe = 8192;
const compressionBlockBytes = 256 * 1024;
const magic = "ORC";

/** Numbers as the format has them. */
const compressionZlib = 1;
const encodingDirect = 0;
const kindStruct = 12;
const kinds: Readonly<Record<ColumnKind, number>> = {
  boolean: 0,
  bigint: 4,
  string: 7,
  timestamp: 9,
};
/** The version in which the format has its name. */
const fileVersion = [0, 12];
/** Of the writers that the specification lists, the version since which statistics are right. */
const writerVersion = 6;

interface Stripe {
  readonly offset: number;
  readonly dataBytes: number;
  readonly footerBytes: number;
  readonly rows: number;
}

class OrcFile implements ReportFile {
  readonly #batch: ColumnBatch;
  readonly #chunks: Buffer[] = [];
  readonly #stripes: Stripe[] = [];
  /** By column: how many values are there. */
  readonly #present: number[];
  #sizeBytes = 0;
  #rows = 0;

  constructor(columns: readonly ReportColumn[]) {
    this.#batch = new ColumnBatch(columns, rowsOfStripe);
    this.#present = columns.map(() => 0);
    this.#append(Buffer.from(magic, "latin1"));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  write(rows: readonly ReportRow[]): void {
    for (const row of rows) {
      this.#batch.add(row);
      if (this.#batch.rows === rowsOfStripe) this.#writeStripe();
    }
  }

  async settle(): Promise<void> {}

  async finish(): Promise<readonly Uint8Array[]> {
    if (this.#batch.rows > 0) this.#writeStripe();
    const contentBytes = this.#sizeBytes;
    const footer = compress(this.#footer(contentBytes).encode());
    this.#append(footer);
    const postscript = new ProtobufMessage()
      .integer(1, footer.byteLength)
      .integer(2, compressionZlib)
      .integer(3, compressionBlockBytes)
      .packed(4, fileVersion)
      .integer(5, 0)
      .integer(6, writerVersion)
      .text(8000, magic)
      .encode();
    this.#append(postscript);
    this.#append(Buffer.from([postscript.byteLength]));
    return this.#chunks;
  }

  #append(bytes: Buffer): void {
    this.#chunks.push(bytes);
    this.#sizeBytes += bytes.byteLength;
  }

  #writeStripe(): void {
    const { rows } = this.#batch;
    const offset = this.#sizeBytes;
    const streams: ProtobufMessage[] = [];
    for (const [index, values] of this.#batch.values.entries()) {
      this.#present[index] = (this.#present[index] as number) + values.count;
      for (const { kind, bytes } of encodeColumn(values)) {
        const compressed = compress(bytes);
        // Column 0 is the structure itself.
        const stream = new ProtobufMessage().integer(1, kind).integer(2, index + 1);
        streams.push(stream.integer(3, compressed.byteLength));
        this.#append(compressed);
      }
    }
    this.#batch.clear();
    const dataBytes = this.#sizeBytes - offset;
    const encoding = new ProtobufMessage().integer(1, encodingDirect);
    const footer = compress(
      new ProtobufMessage()
        .messages(1, streams)
        .messages(
          2,
          [undefined, ...this.#batch.columns].map(() => encoding),
        )
        .text(3, "UTC")
        .encode(),
    );
    this.#append(footer);
    this.#stripes.push({ offset, dataBytes, footerBytes: footer.byteLength, rows });
    this.#rows += rows;
  }

  #footer(contentBytes: number): ProtobufMessage {
    const { columns } = this.#batch;
    const structure = new ProtobufMessage().integer(1, kindStruct).packed(
      2,
      columns.map((_, index) => index + 1),
    );
    for (const { name } of columns) structure.text(3, name);
    const types = columns.map(({ kind }) => new ProtobufMessage().integer(1, kinds[kind]));
    const counts = [this.#rows, ...this.#present];
    return new ProtobufMessage()
      .integer(1, magic.length)
      .integer(2, contentBytes)
      .messages(
        3,
        this.#stripes.map(({ offset, dataBytes, footerBytes, rows }) =>
          new ProtobufMessage()
            .integer(1, offset)
            .integer(2, 0)
            .integer(3, dataBytes)
            .integer(4, footerBytes)
            .integer(5, rows),
        ),
      )
      .messages(4, [structure, ...types])
      .integer(6, this.#rows)
      .messages(
        7,
        counts.map((count) =>
          new ProtobufMessage().integer(1, count).integer(10, count === this.#rows ? 0 : 1),
        ),
      )
      .integer(8, 0);
  }
}

/** Blocks, each with three bytes of its length and whether it is kept as it was. */
function compress(bytes: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.byteLength; at += compressionBlockBytes) {
    const original = bytes.subarray(at, at + compressionBlockBytes);
    const deflated = deflateRawSync(original, compressionOf(original.byteLength));
    const isOriginal = deflated.byteLength >= original.byteLength;
    const block = isOriginal ? original : deflated;
    const head = Buffer.alloc(3);
    head.writeUIntLE(block.byteLength * 2 + (isOriginal ? 1 : 0), 0, 3);
    blocks.push(head, block);
  }
  return Buffer.concat(blocks);
}
