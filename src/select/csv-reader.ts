// Finds the records and fields of CSV in blocks of bytes. Fields stay bytes until somebody asks for one;
// a record that a block cuts in two waits for the next block.

import { isAscii } from "node:buffer";
import { S3Error } from "../model/errors.ts";
import { selectRecordBytes } from "../model/limits.ts";
import { CarriedBytes } from "./carried-bytes.ts";

export interface CsvForm {
  readonly fieldDelimiter: string;
  readonly recordDelimiter: string;
  /** One character; empty: nothing is quoted. */
  readonly quote: string;
  /** What makes the character behind it, inside of quotes, stand for itself. */
  readonly escape: string;
  /** With it at its start a record is left out; empty: none is. */
  readonly comment: string;
  readonly allowsQuotedRecordDelimiter: boolean;
}

const plain = 0;
const special = 1;
const carriageReturn = 0x0d;

/** The record that the reader stands on. Good until the next call of `next`. */
export class CsvReader {
  readonly #form: CsvForm;
  readonly #fieldDelimiter: Buffer;
  readonly #recordDelimiter: Buffer;
  readonly #quote: Buffer;
  readonly #escape: Buffer;
  readonly #comment: Buffer;
  readonly #isEscapeQuote: boolean;
  /** Of lines that end as text files do, a carriage return before the end is part of it. */
  readonly #isLineFeed: boolean;
  /** By byte: whether a delimiter or a quote may begin there. */
  readonly #kinds = new Uint8Array(256);
  readonly #carried = new CarriedBytes();
  #block: Buffer = Buffer.alloc(0);
  #isAscii = true;
  #isLast = false;
  /** Of the block's first byte in the object. */
  #blockOffset = 0;
  #position = 0;
  #recordStart = 0;
  #recordEnd = 0;
  /** Start, end, and whether it was quoted, of each field. */
  #fields = new Int32Array(3 * 64);
  #fieldCount = 0;
  #hasQuotes = false;
  #recordNumber = 0;

  constructor(form: CsvForm) {
    this.#form = form;
    this.#fieldDelimiter = Buffer.from(form.fieldDelimiter);
    this.#recordDelimiter = Buffer.from(form.recordDelimiter);
    this.#quote = Buffer.from(form.quote);
    this.#escape = Buffer.from(form.escape);
    this.#comment = Buffer.from(form.comment);
    this.#isEscapeQuote = form.escape === form.quote;
    this.#isLineFeed = form.recordDelimiter === "\n";
    this.#kinds[this.#fieldDelimiter[0] as number] = special;
    this.#kinds[this.#recordDelimiter[0] as number] = special;
    if (this.#quote[0] !== undefined) this.#kinds[this.#quote[0]] = special;
  }

  /** Where the record begins in the object. */
  get recordOffset(): number {
    return this.#blockOffset + this.#recordStart;
  }

  /** Another one for each record. */
  get recordNumber(): number {
    return this.#recordNumber;
  }

  get fieldCount(): number {
    return this.#fieldCount;
  }

  /** Where the first block that comes begins in the object. */
  beginAt(offset: number): void {
    this.#blockOffset = offset;
  }

  /** Hands over the record's bytes without its delimiter; `false` where there is a quote in it. */
  copyUnquoted(take: (block: Buffer, start: number, end: number) => void): boolean {
    if (this.#hasQuotes) return false;
    take(this.#block, this.#recordStart, this.#recordEnd);
    return true;
  }

  /** Takes a block, whose memory is read until `release`. The last one may be empty. */
  push(block: Buffer, isLast: boolean): void {
    const rest = this.#block.subarray(this.#position);
    this.#blockOffset += this.#position;
    this.#block = this.#carried.join(rest, block);
    this.#isAscii = isAscii(this.#block);
    this.#isLast = isLast;
    this.#position = 0;
  }

  /** Copies what the next block continues: the memory of this one is free. */
  release(): void {
    this.#blockOffset += this.#position;
    this.#block = this.#carried.keep(this.#block.subarray(this.#position));
    this.#position = 0;
  }

  /** Goes to the next record; `false`: another block is needed, or there is none. */
  next(): boolean {
    for (;;) {
      const block = this.#block;
      const start = this.#position;
      if (start >= block.length) return false;
      this.#recordStart = start;
      this.#recordNumber += 1;
      if (this.#comment.length > 0 && startsWith(block, start, this.#comment)) {
        if (!this.#skipRecord(start)) return false;
        continue;
      }
      if (!this.#scan(start)) return false;
      if (this.#recordEnd - start > selectRecordBytes) throw new S3Error("OverMaxRecordSize");
      // Empty lines are no records.
      if (this.#fieldCount > 1 || this.#recordEnd > start) return true;
    }
  }

  /** `undefined` past the record's last field. */
  field(index: number): string | undefined {
    if (index >= this.#fieldCount) return undefined;
    const start = this.#fields[3 * index] as number;
    const end = this.#fields[3 * index + 1] as number;
    if (this.#fields[3 * index + 2] === 0) return this.#text(start, end);
    return this.#unescaped(start, end);
  }

  #text(start: number, end: number): string {
    return this.#block.toString(this.#isAscii ? "latin1" : "utf8", start, end);
  }

  #unescaped(start: number, end: number): string {
    const text = this.#text(start, end);
    const { escape } = this.#form;
    if (escape === "" || !text.includes(escape)) return text;
    let result = "";
    let position = 0;
    for (;;) {
      const found = text.indexOf(escape, position);
      const next = found + escape.length;
      if (found < 0 || next >= text.length) return result + text.slice(position);
      const character = String.fromCodePoint(text.codePointAt(next) as number);
      result += text.slice(position, found) + character;
      position = next + character.length;
    }
  }

  #skipRecord(start: number): boolean {
    const end = this.#block.indexOf(this.#recordDelimiter, start);
    if (end < 0 && !this.#isLast) return false;
    this.#position = end < 0 ? this.#block.length : end + this.#recordDelimiter.length;
    return true;
  }

  /** Takes the record at `start` apart. `false`: its end is not in the block. */
  #scan(start: number): boolean {
    const block = this.#block;
    const { length } = block;
    const kinds = this.#kinds;
    const quote = this.#quote[0] ?? -1;
    this.#fieldCount = 0;
    this.#hasQuotes = false;
    let fieldStart = start;
    for (;;) {
      if (block[fieldStart] === quote && startsWith(block, fieldStart, this.#quote)) {
        const end = this.#scanQuoted(fieldStart + this.#quote.length);
        if (end < 0) return false;
        fieldStart = end;
        if (fieldStart > length) return true;
        continue;
      }
      let position = fieldStart;
      for (;;) {
        while (position < length && kinds[block[position] as number] === plain) position += 1;
        const delimiter = position < length ? this.#delimiterAt(position) : endOfBlock;
        if (delimiter === cutDelimiter || (delimiter === endOfBlock && !this.#isLast)) return false;
        if (delimiter === noDelimiter) {
          if (block[position] === quote) this.#hasQuotes = true;
          position += 1;
          continue;
        }
        if (delimiter === endOfField) {
          this.#addField(fieldStart, position, 0);
          fieldStart = position + this.#fieldDelimiter.length;
          break;
        }
        this.#endRecord(fieldStart, position, delimiter);
        return true;
      }
    }
  }

  #endRecord(fieldStart: number, position: number, delimiter: number): void {
    const hasReturn =
      this.#isLineFeed && position > fieldStart && this.#block[position - 1] === carriageReturn;
    const end = hasReturn ? position - 1 : position;
    this.#addField(fieldStart, end, 0);
    this.#recordEnd = end;
    this.#position = delimiter === endOfBlock ? position : position + this.#recordDelimiter.length;
  }

  /**
   * A quoted field whose content begins at `start`. The start of the next field; past the block's end when
   * the record ends with this one; -1: it is not whole.
   */
  #scanQuoted(start: number): number {
    const block = this.#block;
    this.#hasQuotes = true;
    const end = this.#closingQuote(start);
    if (end < 0) return -1;
    let position = end + this.#quote.length;
    if (this.#isLineFeed && block[position] === carriageReturn && block[position + 1] === 0x0a) {
      position += 1;
    }
    const delimiter = position < block.length ? this.#delimiterAt(position) : endOfBlock;
    if (delimiter === cutDelimiter || (delimiter === endOfBlock && !this.#isLast)) return -1;
    if (delimiter === noDelimiter) {
      const isReturnAtEnd = this.#isLineFeed && block[position] === carriageReturn;
      if (!isReturnAtEnd || position + 1 < block.length) throw new S3Error("CSVUnescapedQuote");
      if (!this.#isLast) return -1;
      position += 1;
    }
    this.#addField(start, end, 1);
    if (delimiter === endOfField) return position + this.#fieldDelimiter.length;
    this.#recordEnd = position;
    this.#position =
      delimiter === endOfRecord ? position + this.#recordDelimiter.length : block.length;
    return block.length + 1;
  }

  #closingQuote(start: number): number {
    const block = this.#block;
    const quote = this.#quote;
    const escape = this.#escape;
    const allowsDelimiter = this.#form.allowsQuotedRecordDelimiter;
    const delimiterStart = this.#recordDelimiter[0] as number;
    for (let position = start; position < block.length; position += 1) {
      const byte = block[position];
      if (byte === escape[0] && !this.#isEscapeQuote && startsWith(block, position, escape)) {
        position += escape.length - 1 + characterBytes(block[position + escape.length]);
      } else if (byte === quote[0] && startsWith(block, position, quote)) {
        const after = position + quote.length;
        if (!this.#isEscapeQuote) return position;
        if (after >= block.length && !this.#isLast) return -1;
        if (!startsWith(block, after, quote)) return position;
        position = after + quote.length - 1;
      } else if (
        byte === delimiterStart &&
        !allowsDelimiter &&
        startsWith(block, position, this.#recordDelimiter)
      ) {
        throw new S3Error("CSVEscapingRecordDelimiter");
      }
    }
    if (this.#isLast) throw new S3Error("CSVUnescapedQuote");
    return -1;
  }

  #delimiterAt(position: number): number {
    const block = this.#block;
    if (startsWith(block, position, this.#recordDelimiter)) return endOfRecord;
    if (startsWith(block, position, this.#fieldDelimiter)) return endOfField;
    const rest = block.length - position;
    if (this.#isLast || rest >= this.#recordDelimiter.length) {
      if (this.#isLast || rest >= this.#fieldDelimiter.length) return noDelimiter;
    }
    return cutDelimiter;
  }

  #addField(start: number, end: number, isQuoted: number): void {
    const place = 3 * this.#fieldCount;
    if (place === this.#fields.length) {
      const larger = new Int32Array(2 * place);
      larger.set(this.#fields);
      this.#fields = larger;
    }
    this.#fields[place] = start;
    this.#fields[place + 1] = end;
    this.#fields[place + 2] = isQuoted;
    this.#fieldCount += 1;
  }
}

const noDelimiter = 0;
const endOfField = 1;
const endOfRecord = 2;
/** The block ends, perhaps inside of a delimiter. */
const cutDelimiter = 3;
const endOfBlock = 4;

function startsWith(block: Buffer, position: number, text: Buffer): boolean {
  if (position + text.length > block.length) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (block[position + index] !== text[index]) return false;
  }
  return true;
}

/** Of the UTF-8 character that begins with this byte. */
function characterBytes(first: number | undefined): number {
  if (first === undefined || first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
