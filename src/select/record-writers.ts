// Writes the records of a result, as CSV or JSON, into a buffer that is taken away when there is enough.

import { S3Error } from "../model/errors.ts";
import { selectRecordBytes } from "../model/limits.ts";
import { Decimal } from "./decimal.ts";
import { Float, formatScalar, isList, Structure, type Value } from "./values.ts";

export interface CsvOutputForm {
  readonly fieldDelimiter: string;
  readonly recordDelimiter: string;
  readonly quote: string;
  readonly escape: string;
  readonly alwaysQuotes: boolean;
}

export interface RecordWriter {
  /** What was written and not taken. */
  readonly sizeBytes: number;
  add(name: string, value: Value): void;
  /** Ends the record. Throws S3Error OverMaxRecordSize. */
  end(): void;
  take(): Buffer;
}

const firstCapacity = 64 * 1024;

class OutputBuffer {
  #bytes = Buffer.allocUnsafe(firstCapacity);
  #length = 0;

  get sizeBytes(): number {
    return this.#length;
  }

  text(text: string): void {
    this.#reserve(3 * text.length);
    const written = this.#bytes.write(text, this.#length, "utf8");
    this.#length += written;
    if (written > selectRecordBytes) throw new S3Error("OverMaxRecordSize");
  }

  bytes(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.#length += bytes.copy(this.#bytes, this.#length, start, end);
  }

  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#length = 0;
    return taken;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export class CsvWriter implements RecordWriter {
  readonly #form: CsvOutputForm;
  /** By character: whether a text with it may need quotes. Those beyond ASCII are looked at as one. */
  readonly #special = new Uint8Array(129);
  readonly #needsQuotes: RegExp;
  readonly #recordDelimiter: Buffer;
  readonly #output = new OutputBuffer();
  #record = "";
  #isFirst = true;

  constructor(form: CsvOutputForm) {
    this.#form = form;
    const { fieldDelimiter, recordDelimiter, quote, escape } = form;
    // The beginning of a delimiter at the end of a field would be taken for its own.
    const beginnings = [fieldDelimiter, recordDelimiter].map((text) => text.slice(0, 1));
    const special = [...beginnings, quote, escape, "\n", "\r"];
    const patterns = special.filter((text) => text !== "").map(escapedPattern);
    this.#needsQuotes = new RegExp(patterns.join("|"));
    for (const text of special) {
      if (text !== "") this.#special[Math.min(text.charCodeAt(0), 128)] = 1;
    }
    this.#recordDelimiter = Buffer.from(recordDelimiter);
  }

  get sizeBytes(): number {
    return this.#output.sizeBytes;
  }

  add(_: string, value: Value): void {
    const text = formatScalar(value);
    // Guide: only JSON can show what is nested.
    if (text === undefined) throw new S3Error("UnsupportedTypeForQuerying");
    const { alwaysQuotes, fieldDelimiter } = this.#form;
    if (this.#isFirst) this.#isFirst = false;
    else this.#record += fieldDelimiter;
    this.#record += alwaysQuotes || this.#isSpecial(text) ? this.#quoted(text) : text;
  }

  end(): void {
    this.#output.text(this.#record + this.#form.recordDelimiter);
    this.#record = "";
    this.#isFirst = true;
  }

  /** A record that is in this form already. */
  copy(block: Buffer, start: number, end: number): void {
    this.#output.bytes(block, start, end);
    this.#output.bytes(this.#recordDelimiter, 0, this.#recordDelimiter.length);
  }

  take(): Buffer {
    return this.#output.take();
  }

  #isSpecial(text: string): boolean {
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (this.#special[code < 128 ? code : 128] === 1) return this.#needsQuotes.test(text);
    }
    return false;
  }

  #quoted(text: string): string {
    // Without a quote character the service writes NUL.
    const { quote, escape } = this.#form;
    const sign = quote === "" ? "\0" : quote;
    let content = text;
    if (escape !== "" && escape !== sign) content = content.replaceAll(escape, escape + escape);
    if (quote !== "") content = content.replaceAll(quote, (escape === "" ? quote : escape) + quote);
    return sign + content + sign;
  }
}

export class JsonWriter implements RecordWriter {
  readonly #recordDelimiter: string;
  readonly #output = new OutputBuffer();
  #record = "{";

  constructor(recordDelimiter: string) {
    this.#recordDelimiter = recordDelimiter;
  }

  get sizeBytes(): number {
    return this.#output.sizeBytes;
  }

  add(name: string, value: Value): void {
    if (value === undefined) return;
    if (this.#record.length > 1) this.#record += ",";
    this.#record += `${JSON.stringify(name)}:${formatJson(value)}`;
  }

  end(): void {
    this.#output.text(`${this.#record}}${this.#recordDelimiter}`);
    this.#record = "{";
  }

  take(): Buffer {
    return this.#output.take();
  }
}

function formatJson(value: Value): string {
  if (value === null || value === undefined) return "null";
  if (typeof value === "string") return JSON.stringify(value);
  if (isList(value)) return `[${value.map(formatJson).join(",")}]`;
  if (value instanceof Structure) {
    const members = value.names.map(
      (name, index) => `${JSON.stringify(name)}:${formatJson(value.values[index])}`,
    );
    return `{${members.join(",")}}`;
  }
  if (value instanceof Float && !Number.isFinite(value.value)) return "null";
  const text = formatScalar(value) ?? "null";
  const isBare = typeof value !== "object" || value instanceof Float || value instanceof Decimal;
  return isBare ? text : JSON.stringify(text);
}

function escapedPattern(text: string): string {
  return text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
