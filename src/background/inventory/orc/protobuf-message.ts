// Writes messages of Protocol Buffers, as far as ORC's metadata needs: integers, texts, messages and
// packed lists of integers.

const variable = 0;
const delimited = 2;

/** Unsigned, seven bits a byte, the lowest first; exact up to 2⁵³. */
export function appendVarint(bytes: number[], value: number): void {
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

export class ProtobufMessage {
  readonly #parts: Buffer[] = [];

  integer(field: number, value: number): this {
    const bytes = tag(field, variable);
    appendVarint(bytes, value);
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  text(field: number, value: string): this {
    return this.#delimited(field, Buffer.from(value, "utf8"));
  }

  message(field: number, value: ProtobufMessage): this {
    return this.#delimited(field, value.encode());
  }

  messages(field: number, values: readonly ProtobufMessage[]): this {
    for (const value of values) this.message(field, value);
    return this;
  }

  packed(field: number, values: readonly number[]): this {
    const bytes: number[] = [];
    for (const value of values) appendVarint(bytes, value);
    return this.#delimited(field, Buffer.from(bytes));
  }

  encode(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #delimited(field: number, value: Buffer): this {
    const bytes = tag(field, delimited);
    appendVarint(bytes, value.byteLength);
    this.#parts.push(Buffer.from(bytes), value);
    return this;
  }
}

function tag(field: number, wireType: number): number[] {
  const bytes: number[] = [];
  appendVarint(bytes, field * 8 + wireType);
  return bytes;
}
