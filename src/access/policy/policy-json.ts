// A JSON reader for policy documents, stricter than JSON.parse: a member that occurs twice is refused
// (which of two Effects counts must not be a matter of the reader), nesting is bounded, and numbers keep
// the digits they were written with, because conditions compare text.

/** The deepest real nesting is 7: document, Statement, statement, Condition, operator, key, values. */
const maximumDepth = 12;

export type JsonValue = string | JsonLiteral | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** A number, true, false or null, as it was written. */
export interface JsonLiteral {
  readonly kind: "number" | "boolean" | "null";
  readonly text: string;
}

/** The document's value, or undefined if the text is no JSON of the wanted strictness. */
export function readJson(text: string): JsonValue | undefined {
  try {
    const reader = new JsonReader(text);
    const value = reader.readValue(0);
    return reader.isAtEnd() ? value : undefined;
  } catch (error) {
    if (error instanceof JsonFault) return undefined;
    throw error;
  }
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return value instanceof Map;
}

export function isJsonList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

class JsonFault extends Error {}

const whitespace = /[ \t\n\r]*/y;
const literal = /(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false)|null/y;

class JsonReader {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#skipWhitespace();
    return this.#position === this.#text.length;
  }

  readValue(depth: number): JsonValue {
    if (depth > maximumDepth) throw new JsonFault();
    this.#skipWhitespace();
    switch (this.#text[this.#position]) {
      case "{":
        return this.#readObject(depth);
      case "[":
        return this.#readList(depth);
      case '"':
        return this.#readString();
      default:
        return this.#readLiteral();
    }
  }

  #readObject(depth: number): JsonObject {
    const members = new Map<string, JsonValue>();
    this.#position += 1;
    if (this.#takeIf("}")) return members;
    do {
      this.#skipWhitespace();
      const name = this.#readString();
      if (members.has(name)) throw new JsonFault();
      if (!this.#takeIf(":")) throw new JsonFault();
      members.set(name, this.readValue(depth + 1));
    } while (this.#takeIf(","));
    if (!this.#takeIf("}")) throw new JsonFault();
    return members;
  }

  #readList(depth: number): readonly JsonValue[] {
    const values: JsonValue[] = [];
    this.#position += 1;
    if (this.#takeIf("]")) return values;
    do values.push(this.readValue(depth + 1));
    while (this.#takeIf(","));
    if (!this.#takeIf("]")) throw new JsonFault();
    return values;
  }

  #readString(): string {
    const start = this.#position;
    if (this.#text[start] !== '"') throw new JsonFault();
    let end = start + 1;
    for (; this.#text[end] !== '"'; end += 1) {
      if (end >= this.#text.length) throw new JsonFault();
      if (this.#text[end] === "\\") end += 1;
    }
    this.#position = end + 1;
    try {
      // Judges escapes and control characters as the standard says.
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      throw new JsonFault();
    }
  }

  #readLiteral(): JsonLiteral {
    literal.lastIndex = this.#position;
    const found = literal.exec(this.#text);
    if (found === null) throw new JsonFault();
    this.#position = literal.lastIndex;
    const [text, number, boolean] = found;
    if (number !== undefined) return { kind: "number", text };
    return { kind: boolean === undefined ? "null" : "boolean", text };
  }

  #takeIf(character: string): boolean {
    this.#skipWhitespace();
    if (this.#text[this.#position] !== character) return false;
    this.#position += 1;
    return true;
  }

  #skipWhitespace(): void {
    whitespace.lastIndex = this.#position;
    whitespace.exec(this.#text);
    this.#position = whitespace.lastIndex;
  }
}
