// A browser's form (multipart/form-data, RFC 7578) taken apart while it arrives: the fields before the
// file, then the file as a stream, in constant memory. Knows nothing of what fields mean.

import type { ByteStream } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import { formFieldsBytes } from "../model/limits.ts";

export interface FormData {
  /** In the order of the form; names as sent, values as UTF-8. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly file: FormFile;
}

export interface FormFile {
  /** As the client named it, without the folders that some browsers put before it. */
  readonly name: string;
  /**
   * Ends without an error when the rest of the form was well-formed too. Throws S3Error
   * MalformedPOSTRequest, IncorrectNumberOfFilesInPostRequest.
   */
  readonly stream: ByteStream;
}

const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");
/** RFC 2046, 5.1.1. */
const boundaryPattern = /;\s*boundary=(?:"([^"]{1,70})"|([^\s";,]{1,70}))/i;

/** Throws S3Error PreconditionFailed, MalformedPOSTRequest. */
export function parseBoundary(contentType: string | undefined): string {
  if (contentType === undefined || !/^multipart\/form-data\s*(?:;|$)/i.test(contentType)) {
    // As the service answers a POST that is no form.
    throw new S3Error("PreconditionFailed", {
      fields: {
        Condition: "Bucket POST must be of the enclosure-type multipart/form-data",
      },
    });
  }
  const match = boundaryPattern.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined) throw new S3Error("MalformedPOSTRequest");
  return boundary;
}

/**
 * Reads up to the file. Throws S3Error MaxPostPreDataLengthExceededError past 20 KB of fields,
 * MalformedPOSTRequest, IncorrectNumberOfFilesInPostRequest for a form without a file.
 */
export async function readFormData(source: ByteStream, boundary: string): Promise<FormData> {
  const reader = new FormReader(source, boundary);
  const fields: (readonly [string, string])[] = [];
  const budget = { bytes: formFieldsBytes };
  await reader.open(budget);
  for (;;) {
    const part = await reader.nextPart(budget);
    if (part === undefined) throw new S3Error("IncorrectNumberOfFilesInPostRequest");
    if (isFile(part)) {
      const name = part.fileName ?? "";
      return { fields, file: { name: baseName(name), stream: reader.file() } };
    }
    fields.push([part.name, (await reader.value(budget)).toString("utf8")]);
  }
}

interface Part {
  readonly name: string;
  readonly fileName: string | undefined;
}

interface Budget {
  bytes: number;
}

function isFile({ name }: Part): boolean {
  return name.toLowerCase() === "file";
}

/** "Only the text following the last slash or backslash" (POST Object, `${filename}`). */
function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
}

class FormReader {
  readonly #source: AsyncIterator<Uint8Array>;
  /** What ends a part: the line's end belongs to it. */
  readonly #delimiter: Buffer;
  #held: Buffer = Buffer.alloc(0);

  constructor(source: ByteStream, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  }

  /** Goes behind the first delimiter; what stands before it means nothing. */
  async open(budget: Budget): Promise<void> {
    this.#held = lineEnd; // The first delimiter may stand at the very beginning.
    await this.#until(this.#delimiter, budget);
  }

  /** The next part's head; `undefined` at the end of the form. */
  async nextPart(budget: Budget): Promise<Part | undefined> {
    while (this.#held.byteLength < 2) await this.#fill();
    if (this.#held.subarray(0, 2).toString("latin1") === "--") {
      await this.#drain();
      return undefined;
    }
    const padding = await this.#until(lineEnd, budget);
    if (padding.toString("latin1").trim() !== "") throw new S3Error("MalformedPOSTRequest");
    // The empty line may follow at once.
    this.#held = Buffer.concat([lineEnd, this.#held]);
    return parseHead((await this.#until(headEnd, budget)).toString("utf8"));
  }

  value(budget: Budget): Promise<Buffer> {
    return this.#until(this.#delimiter, budget);
  }

  async *file(): AsyncGenerator<Uint8Array> {
    yield* this.#content();
    // What follows is ignored, but has to be a form, and must not hold a second file.
    for (;;) {
      const part = await this.nextPart({ bytes: formFieldsBytes });
      if (part === undefined) return;
      if (isFile(part)) throw new S3Error("IncorrectNumberOfFilesInPostRequest");
      for await (const _ of this.#content());
    }
  }

  async *#content(): AsyncGenerator<Uint8Array> {
    const delimiter = this.#delimiter;
    for (;;) {
      const at = this.#held.indexOf(delimiter);
      if (at >= 0) {
        const last = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + delimiter.byteLength);
        if (last.byteLength > 0) yield last;
        return;
      }
      // The delimiter may have begun in the last bytes.
      const sure = this.#held.byteLength - delimiter.byteLength + 1;
      if (sure > 0) {
        const chunk = this.#held.subarray(0, sure);
        this.#held = this.#held.subarray(sure);
        yield chunk;
      }
      await this.#fill();
    }
  }

  async #until(delimiter: Buffer, budget: Budget): Promise<Buffer> {
    for (let from = 0; ;) {
      const at = this.#held.indexOf(delimiter, from);
      const length = at < 0 ? this.#held.byteLength - delimiter.byteLength : at;
      if (length > budget.bytes) throw new S3Error("MaxPostPreDataLengthExceededError");
      if (at >= 0) {
        budget.bytes -= at;
        const found = this.#held.subarray(0, at);
        this.#held = this.#held.subarray(at + delimiter.byteLength);
        return found;
      }
      from = Math.max(0, this.#held.byteLength - delimiter.byteLength + 1);
      await this.#fill();
    }
  }

  async #fill(): Promise<void> {
    const { done, value } = await this.#source.next();
    if (done === true) throw new S3Error("MalformedPOSTRequest");
    this.#held = this.#held.byteLength === 0 ? asBuffer(value) : Buffer.concat([this.#held, value]);
  }

  async #drain(): Promise<void> {
    while ((await this.#source.next()).done !== true);
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function parseHead(head: string): Part {
  const disposition = /(?:^|\r\n)content-disposition:\s*form-data\s*(;[^\r\n]*)/i.exec(head)?.[1];
  const name = parameterOf(disposition, "name");
  if (name === undefined) throw new S3Error("MalformedPOSTRequest");
  return { name, fileName: parameterOf(disposition, "filename") };
}

/** Browsers write a quote in a name as `%22`, curl as `\"`. */
function parameterOf(disposition: string | undefined, name: string): string | undefined {
  const pattern = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s";]+))`, "i");
  const match = pattern.exec(disposition ?? "");
  const quoted = match?.[1]?.replaceAll(/\\(["\\])/g, "$1").replaceAll(/%22/g, '"');
  return quoted ?? match?.[2];
}
