// The lines of JSON LINES in blocks of bytes: each holds whole values, and a path is followed in each.

import { S3Error } from "../model/errors.ts";
import { selectRecordBytes } from "../model/limits.ts";
import { CarriedBytes } from "./carried-bytes.ts";
import { JsonParser } from "./json-parser.ts";
import { expand } from "./paths.ts";
import type { SourceStep } from "./syntax.ts";
import type { Value } from "./values.ts";

const lineFeed = 0x0a;

export class JsonLinesReader {
  readonly #steps: readonly SourceStep[];
  readonly #carried = new CarriedBytes();
  #block: Buffer = Buffer.alloc(0);
  #isLast = false;
  #blockOffset: number;
  #position = 0;
  #lineStart = 0;
  /** What the line still has to give. */
  #values: readonly Value[] = [];
  #next = 0;

  constructor(steps: readonly SourceStep[], firstOffset = 0) {
    this.#steps = steps;
    this.#blockOffset = firstOffset;
  }

  get value(): Value {
    return this.#values[this.#next - 1];
  }

  /** Where the line of the value begins in the object. */
  get recordOffset(): number {
    return this.#blockOffset + this.#lineStart;
  }

  push(block: Buffer, isLast: boolean): void {
    const rest = this.#block.subarray(this.#position);
    this.#blockOffset += this.#position;
    this.#block = this.#carried.join(rest, block);
    this.#isLast = isLast;
    this.#position = 0;
  }

  release(): void {
    this.#blockOffset += this.#position;
    this.#block = this.#carried.keep(this.#block.subarray(this.#position));
    this.#position = 0;
  }

  next(): boolean {
    while (this.#next >= this.#values.length) {
      const start = this.#position;
      if (start >= this.#block.length) return false;
      let end = this.#block.indexOf(lineFeed, start);
      if (end < 0) {
        if (!this.#isLast) return false;
        end = this.#block.length;
      }
      if (end - start > selectRecordBytes) throw new S3Error("OverMaxRecordSize");
      this.#position = end + 1;
      this.#lineStart = start;
      this.#values = this.#valuesOf(this.#block.toString("utf8", start, end));
      this.#next = 0;
    }
    this.#next += 1;
    return true;
  }

  #valuesOf(line: string): readonly Value[] {
    const parser = new JsonParser(line);
    const values: Value[] = [];
    while (!parser.isAtEnd) values.push(...expand(parser.value(), this.#steps));
    return values;
  }
}
