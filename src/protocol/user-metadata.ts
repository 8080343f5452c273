// User metadata between headers and text. S3 keeps Unicode text; headers carry it as RFC 2047 encoded
// words or as raw bytes.
//
// By design different from S3: raw bytes that are valid UTF-8 count as UTF-8. S3 reads them as Latin-1
// and hands back the mis-read text encoded again, which no client can have wanted.

import { S3Error } from "../model/errors.ts";
import { userMetadataBytes } from "../model/limits.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const nonAscii = /[\u0080-\uffff]/;
const encodedWord = /=\?([A-Za-z0-9_-]+)\?([BbQq])\?([!->@-~]*)\?=/g;

/** `value` is a header's value, bytes as Latin-1 characters. */
export function decodeMetadataValue(value: string): string {
  if (nonAscii.test(value)) return decodeHeaderText(value);
  if (!value.includes("=?")) return value;
  // White space between two encoded words is only there to fold the line.
  const joined = value.replaceAll(/\?=\s+=\?/g, "?==?");
  return joined.replaceAll(encodedWord, (word, charset: string, encoding: string, text: string) => {
    const bytes = encoding.toUpperCase() === "B" ? Buffer.from(text, "base64") : decodeQ(text);
    return decodeCharset(bytes, charset.toLowerCase()) ?? word;
  });
}

/** Bytes as Latin-1 characters, read as UTF-8 where they are valid UTF-8. */
export function decodeHeaderText(value: string): string {
  if (!nonAscii.test(value)) return value;
  try {
    return utf8.decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

/** Text that a header can carry as it is stays; anything else becomes one encoded word. */
export function encodeMetadataValue(value: string): string {
  if (/^[\u0020-\u007e]*$/.test(value)) return value;
  return `=?UTF-8?B?${Buffer.from(value, "utf8").toString("base64")}?=`;
}

/** Throws S3Error MetadataTooLarge. Names count without their prefix. */
export function checkMetadataSize(metadata: Readonly<Record<string, string>>): void {
  let sizeBytes = 0;
  for (const name in metadata) {
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(metadata[name] as string);
  }
  if (sizeBytes <= userMetadataBytes) return;
  throw new S3Error("MetadataTooLarge", {
    fields: { MaxSizeAllowed: userMetadataBytes, Size: sizeBytes },
  });
}

function decodeQ(text: string): Uint8Array {
  const spaced = text.replaceAll("_", " ");
  const raw = spaced.replaceAll(/=([0-9A-Fa-f]{2})/g, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(raw, "latin1");
}

function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  if (charset === "iso-8859-1") return Buffer.from(bytes).toString("latin1");
  if (charset !== "utf-8" && charset !== "us-ascii") return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
