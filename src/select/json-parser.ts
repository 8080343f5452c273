// JSON as S3 Select sees it: numbers exact, members in their order, names that come twice kept twice.
// Throws S3Error JSONParsingError for anything that is no JSON.

import { S3Error } from "../model/errors.ts";
import { parseDecimal } from "./decimal.ts";
import { integerOf, Structure, type Value } from "./values.ts";

/** Our bound: deeper documents would take the stack. */
const maximumDepth = 500;

export function parseJson(text: string): Value {
  const parser = new JsonParser(text);
  const value = parser.value();
  if (!parser.isAtEnd) throw new S3Error("JSONParsingError");
  return value;
}

/** The values of a text, one behind the other. */
export class JsonParser {
  readonly #text: string;
  #position = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#skipSpaces();
    return this.#position >= this.#text.length;
  }

  value(): Value {
    this.#skipSpaces();
    const code = this.#text.charCodeAt(this.#position);
    switch (code) {
      case 0x22:
        return this.#string();
      case 0x7b:
        return this.#nested(() => this.#structure());
      case 0x5b:
        return this.#nested(() => this.#list());
      case 0x74:
        return this.#word("true", true);
      case 0x66:
        return this.#word("false", false);
      case 0x6e:
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #nested(parse: () => Value): Value {
    this.#depth += 1;
    if (this.#depth > maximumDepth) throw new S3Error("JSONParsingError");
    this.#position += 1;
    const value = parse();
    this.#depth -= 1;
    return value;
  }

  #skipSpaces(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#position += 1;
    }
  }

  #take(code: number): boolean {
    this.#skipSpaces();
    const isThere = this.#text.charCodeAt(this.#position) === code;
    if (isThere) this.#position += 1;
    return isThere;
  }

  #structure(): Structure {
    const names: string[] = [];
    const values: Value[] = [];
    if (this.#take(0x7d)) return new Structure(names, values);
    do {
      this.#skipSpaces();
      names.push(this.#string());
      if (!this.#take(0x3a)) throw new S3Error("JSONParsingError");
      values.push(this.value());
    } while (this.#take(0x2c));
    if (!this.#take(0x7d)) throw new S3Error("JSONParsingError");
    return new Structure(names, values);
  }

  #list(): readonly Value[] {
    const values: Value[] = [];
    if (this.#take(0x5d)) return values;
    do {
      values.push(this.value());
    } while (this.#take(0x2c));
    if (!this.#take(0x5d)) throw new S3Error("JSONParsingError");
    return values;
  }

  #word<Word extends boolean | null>(text: string, value: Word): Word {
    if (!this.#text.startsWith(text, this.#position)) throw new S3Error("JSONParsingError");
    this.#position += text.length;
    return value;
  }

  #string(): string {
    const text = this.#text;
    const start = this.#position + 1;
    if (text.charCodeAt(this.#position) !== 0x22) throw new S3Error("JSONParsingError");
    for (let position = start; position < text.length; position += 1) {
      const code = text.charCodeAt(position);
      if (code === 0x22) {
        this.#position = position + 1;
        return text.slice(start, position);
      }
      if (code === 0x5c) return this.#escapedString(position);
      if (code < 0x20) break;
    }
    throw new S3Error("JSONParsingError");
  }

  /** A string of which the first escape is known. */
  #escapedString(escape: number): string {
    const text = this.#text;
    let position = escape;
    while (position < text.length && text.charCodeAt(position) !== 0x22) {
      position += text.charCodeAt(position) === 0x5c ? 2 : 1;
    }
    const literal = text.slice(this.#position, position + 1);
    this.#position = position + 1;
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw new S3Error("JSONParsingError");
    }
  }

  #number(): Value {
    numberForm.lastIndex = this.#position;
    const match = numberForm.exec(this.#text);
    if (match === null) throw new S3Error("JSONParsingError");
    const [digits, fraction] = match;
    this.#position += digits.length;
    if (fraction === undefined || fraction === "") {
      if (digits.length <= 15) return Number(digits) + 0;
      if (digits.length <= 19) return integerOf(BigInt(digits));
    }
    const value = parseDecimal(digits);
    if (value === undefined) throw new S3Error("NumberFormatError");
    return value;
  }
}

const numberForm = /-?(?:0|[1-9][0-9]*)((?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)/y;
