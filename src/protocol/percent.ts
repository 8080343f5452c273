// Percent-decoding of request targets, which arrive as bytes in Latin-1 characters: escapes and raw
// bytes together must make valid UTF-8.

import { S3Error } from "../model/errors.ts";

const needsDecoding = /[%\u0080-\u00ff]/;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** As `decodePercent`, for paths and queries, in both of which S3 reads a plus sign as a blank. */
export function decodeForm(text: string): string {
  return decodePercent(text.includes("+") ? text.replaceAll("+", " ") : text);
}

/** Throws S3Error InvalidURI for a broken escape and for bytes that are not UTF-8. */
export function decodePercent(text: string): string {
  if (!needsDecoding.test(text)) return text;
  const bytes = Buffer.allocUnsafe(text.length);
  let length = 0;
  for (let position = 0; position < text.length; position += 1) {
    let code = text.charCodeAt(position);
    if (code === 0x25) {
      const high = hexDigit(text.charCodeAt(position + 1));
      const low = hexDigit(text.charCodeAt(position + 2));
      if (high < 0 || low < 0) throw new S3Error("InvalidURI");
      code = high * 16 + low;
      position += 2;
    }
    bytes[length] = code;
    length += 1;
  }
  try {
    return decoder.decode(bytes.subarray(0, length));
  } catch {
    throw new S3Error("InvalidURI");
  }
}

/** The digit's value, or -1. The code is NaN past the end of the text. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
