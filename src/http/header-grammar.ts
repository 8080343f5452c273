// The grammar of header fields (RFC 9110, 5.5 and 5.6.2), as tables over single bytes: for what is read
// from clients and for what is written to them.

const isTokenByte = 1;
const isValueByte = 2;
const isTargetByte = 4;

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;
const colon = 0x3a;
const delete_ = 0x7f;

const classes = classifyBytes();

/** A tab beside their values is allowed, read differently by many, and sent by attackers alone. */
const framingNames: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

function classifyBytes(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    const isControl = byte < blank || byte === delete_;
    if (!isControl || byte === tab) table[byte] = isValueByte;
    if (!isControl && byte !== blank && byte < 0x80) table[byte] = isValueByte | isTargetByte;
  }
  const letters = "abcdefghijklmnopqrstuvwxyz";
  for (const letter of `${letters}${letters.toUpperCase()}0123456789!#$%&'*+-.^_\`|~`) {
    const code = letter.charCodeAt(0);
    table[code] = (table[code] as number) | isTokenByte;
  }
  return table;
}

/** The first position that is not visible ASCII. */
export function skipTarget(bytes: Uint8Array, from: number): number {
  let position = from;
  while (((classes[bytes[position] as number] as number) & isTargetByte) !== 0) position += 1;
  return position;
}

/**
 * Parses lines `name: value CR LF` and adds names and values, from `from` to exactly `end`. False when
 * a line is anything else: no folding, no bare line ends, no blank before the colon, no controls.
 * `text` holds the same bytes as Latin-1 characters, its first one being `bytes[textStart]`; strings
 * are cut from it, which is cheaper than making each from bytes.
 */
export function parseFields(
  { bytes, end, text, textStart }: FieldSource,
  from: number,
  fields: string[],
): boolean {
  let position = from;
  while (position < end) {
    const nameStart = position;
    while (((classes[bytes[position] as number] as number) & isTokenByte) !== 0) position += 1;
    if (position === nameStart || bytes[position] !== colon) return false;
    const nameEnd = position;
    position += 1;
    let hasOuterTab = false;
    for (; isBlank(bytes[position] as number); position += 1)
      hasOuterTab ||= bytes[position] === tab;
    const valueStart = position;
    while (((classes[bytes[position] as number] as number) & isValueByte) !== 0) position += 1;
    if (bytes[position] !== carriageReturn || bytes[position + 1] !== lineFeed) return false;
    let valueEnd = position;
    for (; valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number); valueEnd -= 1) {
      hasOuterTab ||= bytes[valueEnd - 1] === tab;
    }
    position += 2;
    const name = text.slice(nameStart - textStart, nameEnd - textStart);
    if (hasOuterTab && framingNames.has(name.toLowerCase())) return false;
    fields.push(name, text.slice(valueStart - textStart, valueEnd - textStart));
  }
  return position === end;
}

export interface FieldSource {
  readonly bytes: Uint8Array;
  readonly end: number;
  readonly text: string;
  readonly textStart: number;
}

function isBlank(byte: number): boolean {
  return byte === blank || byte === tab;
}

/**
 * Whether bytes that are not yet a whole head can still become one: no controls, and no line end but
 * CR LF.
 */
export function mayBecomeHead(bytes: Uint8Array, from: number, end: number): boolean {
  for (let position = from; position < end; position += 1) {
    const byte = bytes[position] as number;
    if (((classes[byte] as number) & isValueByte) !== 0) continue;
    if (byte === carriageReturn) {
      if (position + 1 < end && bytes[position + 1] !== lineFeed) return false;
    } else if (byte !== lineFeed || position === 0 || bytes[position - 1] !== carriageReturn) {
      return false;
    }
  }
  return true;
}

export function isToken(text: string): boolean {
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code > 0xff || ((classes[code] as number) & isTokenByte) === 0) return false;
  }
  return text.length > 0;
}

/** Whether a header field can carry a text: Latin-1 without controls. */
export function isFieldValue(text: string): boolean {
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code > 0xff || ((classes[code] as number) & isValueByte) === 0) return false;
  }
  return true;
}
