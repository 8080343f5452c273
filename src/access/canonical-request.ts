// The one spelling of a request that client and server both sign (Signature Version 4). Works on the
// request as it was sent: S3 neither normalizes a path (`//`, `..`) nor encodes it twice.

import type { RequestHeaders } from "./signed-request.ts";

/** One parameter of the query, name and value in canonical encoding. */
export interface QueryParameter {
  readonly name: string;
  readonly value: string;
  /** Whether an `=` was sent: Signature Version 2 tells `?acl` from `?acl=`. */
  readonly hasValue: boolean;
}

// 0 stands for a byte that has to be encoded.
const unreserved = 1;
const slash = 2;
const percent = 3;
const plus = 4;

const kindOfByte = new Uint8Array(256);
for (const character of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
  kindOfByte[character.charCodeAt(0)] = unreserved;
}
kindOfByte["/".charCodeAt(0)] = slash;
kindOfByte["%".charCodeAt(0)] = percent;
kindOfByte["+".charCodeAt(0)] = plus;

const escapeOfByte: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
);

/**
 * Decodes the escapes once and encodes every byte but the unreserved ones and `/`.
 *
 * A bare `+` in a path is a blank: S3 printed `/libstdc%20%20-docs.x86_64.rpm` as the canonical path of
 * `/libstdc++-docs.x86_64.rpm` (github.com/anomalizer/ngx_aws_auth/issues/87; likewise
 * aws/aws-sdk-java#2128). The address reads it in the same way, or a signature for one key would open
 * another: `tests/raw/path-agreement.test.ts` holds them together.
 */
export function canonicalPath(rawPath: string): string {
  return rawPath === "" ? "/" : canonicalEncoding(rawPath, true);
}

/** The parameters in the order in which they were sent; empty ones (`a&&b`) are no parameters. */
export function parseQuery(rawQuery: string): readonly QueryParameter[] {
  if (rawQuery === "") return [];
  const parameters: QueryParameter[] = [];
  let start = 0;
  while (start <= rawQuery.length) {
    let end = rawQuery.indexOf("&", start);
    if (end === -1) end = rawQuery.length;
    if (end > start) {
      const pair = rawQuery.slice(start, end);
      const equals = pair.indexOf("=");
      parameters.push({
        name: canonicalEncoding(equals === -1 ? pair : pair.slice(0, equals), false),
        value: equals === -1 ? "" : canonicalEncoding(pair.slice(equals + 1), false),
        hasValue: equals !== -1,
      });
    }
    start = end + 1;
  }
  return parameters;
}

/** Sorted by name, then by value. `X-Amz-Signature` cannot sign itself and is left out. */
export function canonicalQuery(parameters: readonly QueryParameter[]): string {
  if (parameters.length === 0) return "";
  let text = "";
  for (const { name, value } of sortedParameters(parameters)) {
    if (name === "X-Amz-Signature") continue;
    text += text === "" ? `${name}=${value}` : `&${name}=${value}`;
  }
  return text;
}

/** The decoded value of a parameter, bytes as Latin-1 characters; `undefined` when it was not sent. */
export function queryValue(
  parameters: readonly QueryParameter[],
  name: string,
): string | undefined {
  for (const parameter of parameters) {
    if (parameter.name === name) return decodeCanonical(parameter.value);
  }
  return undefined;
}

/** Turns canonical encoding back into bytes as Latin-1 characters. */
export function decodeCanonical(text: string): string {
  if (!text.includes("%")) return text;
  return text.replaceAll(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

export interface CanonicalParts {
  readonly method: string;
  readonly rawPath: string;
  readonly query: readonly QueryParameter[];
  readonly headers: RequestHeaders;
  /** Lower-case names as the client listed them, joined by `;`. */
  readonly signedHeaders: string;
  readonly payloadHash: string;
}

/** `undefined` when a header that the client says it signed did not arrive. */
export function canonicalRequest(parts: CanonicalParts): string | undefined {
  let headerLines = "";
  for (const name of parts.signedHeaders.split(";")) {
    const value = parts.headers.get(name);
    if (value === undefined) return undefined;
    headerLines += `${name}:${canonicalHeaderValue(value)}\n`;
  }
  const path = canonicalPath(parts.rawPath);
  const query = canonicalQuery(parts.query);
  return `${parts.method}\n${path}\n${query}\n${headerLines}\n${parts.signedHeaders}\n${parts.payloadHash}`;
}

/** Without outer blanks, inner runs of blanks as one space. */
export function canonicalHeaderValue(value: string): string {
  const trimmed = value.trim();
  if (!trimmed.includes("  ") && !trimmed.includes("\t")) return trimmed;
  return trimmed.replaceAll(/[ \t]+/g, " ");
}

function canonicalEncoding(text: string, isPath: boolean): string {
  for (let index = 0; index < text.length; index += 1) {
    const kind = kindOfByte[text.charCodeAt(index)];
    if (kind === unreserved || (kind === slash && isPath)) continue;
    return text.slice(0, index) + reencode(text, index, isPath);
  }
  return text;
}

function reencode(text: string, start: number, isPath: boolean): string {
  let result = "";
  for (let index = start; index < text.length; index += 1) {
    // Characters above 255 cannot come from a socket; the mask keeps the table lookups honest.
    let byte = text.charCodeAt(index) & 0xff;
    if (kindOfByte[byte] === percent) {
      const high = hexDigit(text.charCodeAt(index + 1));
      const low = hexDigit(text.charCodeAt(index + 2));
      // A percent sign that begins no escape stands for itself.
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        index += 2;
      }
    } else if (kindOfByte[byte] === plus) {
      // S3 reads a plus sign as a blank, in paths as in queries: the canonical requests that it
      // prints show %20 for it, and keys with a plus sign must be sent with %2B.
      byte = 0x20;
    }
    const kind = kindOfByte[byte];
    const stays = kind === unreserved || (kind === slash && isPath);
    result += stays ? String.fromCharCode(byte) : (escapeOfByte[byte] as string);
  }
  return result;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}

function sortedParameters(parameters: readonly QueryParameter[]): readonly QueryParameter[] {
  for (let index = 1; index < parameters.length; index += 1) {
    const ordered = compareParameters(
      parameters[index - 1] as QueryParameter,
      parameters[index] as QueryParameter,
    );
    if (ordered > 0) return parameters.toSorted(compareParameters);
  }
  return parameters;
}

/** Canonical text is ASCII, so that the order of characters is the order of bytes. */
function compareParameters(left: QueryParameter, right: QueryParameter): number {
  if (left.name !== right.name) return left.name < right.name ? -1 : 1;
  if (left.value === right.value) return 0;
  return left.value < right.value ? -1 : 1;
}
