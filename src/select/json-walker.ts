// Walks over JSON documents of any length, in blocks of bytes, to the values that a path means; only those
// are held whole. What lies beside the path is passed over by its brackets and quotes alone.

import { S3Error } from "../model/errors.ts";
import { selectRecordBytes } from "../model/limits.ts";
import { CarriedBytes } from "./carried-bytes.ts";
import { memberMatches } from "./paths.ts";
import { parseJson } from "./json-parser.ts";
import type { SourceStep } from "./syntax.ts";
import type { Value } from "./values.ts";

/** The walk stops until there are more bytes. */
const needsBytes = Symbol("needs bytes");
type WalkItem = typeof needsBytes | { readonly value: Value };
type Walk = Generator<WalkItem, void, void>;

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

export class JsonWalker {
  readonly #steps: readonly SourceStep[];
  readonly #walk: Walk;
  readonly #carried = new CarriedBytes();
  #block: Buffer = Buffer.alloc(0);
  #isLast = false;
  #position = 0;
  /** The first byte that is still needed. */
  #kept: number | undefined;
  #value: Value;

  /** The documents are values behind each other; `steps` lead from each of them to the rows. */
  constructor(steps: readonly SourceStep[]) {
    this.#steps = steps;
    this.#walk = this.#walkDocuments();
  }

  /** What `next` has found. */
  get value(): Value {
    return this.#value;
  }

  push(block: Buffer, isLast: boolean): void {
    const from = this.#firstNeeded;
    const rest = this.#block.subarray(from);
    this.#block = this.#carried.join(rest, block);
    this.#position -= from;
    if (this.#kept !== undefined) this.#kept -= from;
    this.#isLast = isLast;
  }

  /** Copies what the next block continues: the memory of this one is free. */
  release(): void {
    const from = this.#firstNeeded;
    this.#block = this.#carried.keep(this.#block.subarray(from));
    this.#position -= from;
    if (this.#kept !== undefined) this.#kept -= from;
  }

  /** An escape that is cut in two has the position past the block. */
  get #firstNeeded(): number {
    return Math.min(this.#kept ?? this.#position, this.#position, this.#block.length);
  }

  next(): boolean {
    const { done, value } = this.#walk.next();
    if (done === true || value === needsBytes) return false;
    this.#value = value.value;
    return true;
  }

  *#walkDocuments(): Walk {
    for (;;) {
      const byte = yield* this.#peek();
      if (byte === undefined) return;
      yield* this.#walkValue(0);
    }
  }

  /** The value at the position, to which the steps before `level` have led. */
  *#walkValue(level: number): Walk {
    const step = this.#steps[level];
    if (step === undefined) {
      yield { value: yield* this.#capture() };
      return;
    }
    const byte = yield* this.#peek();
    const isStructure = byte === openBrace && (step.kind === "name" || step.kind === "members");
    const isList = byte === openBracket && (step.kind === "index" || step.kind === "elements");
    if (!isStructure && !isList) {
      yield* this.#skipValue();
      yield { value: undefined };
      return;
    }
    this.#position += 1;
    const found = isStructure ? this.#walkMembers(step, level) : this.#walkElements(step, level);
    // A step that leads nowhere means one value that is MISSING.
    if (!(yield* found)) yield { value: undefined };
  }

  *#walkMembers(step: SourceStep, level: number): Generator<WalkItem, boolean, void> {
    let found: string | undefined;
    if ((yield* this.#peek()) === closeBrace) {
      this.#position += 1;
      return false;
    }
    for (;;) {
      if ((yield* this.#peek()) !== quote) throw new S3Error("JSONParsingError");
      const name = (yield* this.#capture()) as string;
      if ((yield* this.#peek()) !== colon) throw new S3Error("JSONParsingError");
      this.#position += 1;
      if (step.kind === "members" || (step.kind === "name" && memberMatches(name, step.name))) {
        if (step.kind === "name" && found !== undefined && found !== name) {
          throw new S3Error("AmbiguousFieldName");
        }
        found = name;
        yield* this.#walkValue(level + 1);
      } else yield* this.#skipValue();
      if (yield* this.#isListOver(closeBrace)) return found !== undefined;
    }
  }

  *#walkElements(step: SourceStep, level: number): Generator<WalkItem, boolean, void> {
    let isFound = false;
    if ((yield* this.#peek()) === closeBracket) {
      this.#position += 1;
      return false;
    }
    for (let index = 0; ; index += 1) {
      if (step.kind === "elements" || (step.kind === "index" && step.index === index)) {
        isFound = true;
        yield* this.#walkValue(level + 1);
      } else yield* this.#skipValue();
      if (yield* this.#isListOver(closeBracket)) return isFound;
    }
  }

  *#isListOver(closing: number): Generator<WalkItem, boolean, void> {
    const byte = yield* this.#peek();
    if (byte !== comma && byte !== closing) throw new S3Error("JSONParsingError");
    this.#position += 1;
    return byte === closing;
  }

  /** The next byte that is no space; `undefined` at the end of all. */
  *#peek(): Generator<WalkItem, number | undefined, void> {
    for (;;) {
      const byte = this.#block[this.#position];
      if (byte === undefined) {
        if (this.#isLast) return undefined;
        yield needsBytes;
      } else if (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
        this.#position += 1;
      } else return byte;
    }
  }

  *#capture(): Generator<WalkItem, Value, void> {
    yield* this.#peek();
    this.#kept = this.#position;
    yield* this.#skipValue();
    const start = this.#kept;
    this.#kept = undefined;
    if (this.#position - start > selectRecordBytes) throw new S3Error("OverMaxRecordSize");
    return parseJson(this.#block.toString("utf8", start, this.#position));
  }

  *#skipValue(): Walk {
    const first = yield* this.#peek();
    if (first === undefined) throw new S3Error("JSONParsingError");
    if (first !== quote && first !== openBrace && first !== openBracket) {
      yield* this.#skipScalar();
      return;
    }
    let depth = 0;
    let isInString = false;
    for (;;) {
      const block = this.#block;
      let position = this.#position;
      while (position < block.length) {
        const byte = block[position] as number;
        position += 1;
        if (isInString) {
          if (byte === backslash) position += 1;
          else if (byte === quote) isInString = false;
          else continue;
        } else if (byte === quote) isInString = true;
        else if (byte === openBrace || byte === openBracket) depth += 1;
        else if (byte === closeBrace || byte === closeBracket) depth -= 1;
        else continue;
        if (depth === 0 && !isInString && position <= block.length) {
          this.#position = position;
          return;
        }
      }
      // An escape may be cut in two: the position is then past the block, as far as it has to be.
      this.#position = position;
      if (this.#isLast) throw new S3Error("JSONParsingError");
      yield needsBytes;
    }
  }

  /** A number or a word: up to what separates values. */
  *#skipScalar(): Walk {
    let length = 0;
    for (;;) {
      const byte = this.#block[this.#position];
      if (byte === undefined) {
        if (this.#isLast) break;
        yield needsBytes;
      } else if (byte <= 0x20 || byte === comma || byte === closeBrace || byte === closeBracket) {
        break;
      } else {
        this.#position += 1;
        length += 1;
      }
    }
    if (length === 0) throw new S3Error("JSONParsingError");
  }
}
