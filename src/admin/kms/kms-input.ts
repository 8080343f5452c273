// Reads the members of a KMS request: their types, lengths and patterns, refused in KMS's words.

import type { EncryptionContext } from "../../keys/key-provider.ts";
import { KmsError } from "../../keys/kms-error.ts";
import type { KmsInput } from "./kms-call.ts";

export interface TextRules {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: RegExp;
  readonly values?: readonly string[];
}

export function invalid(message: string): KmsError {
  return new KmsError("ValidationException", message);
}

export function findText(input: KmsInput, name: string, rules: TextRules = {}): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw mistyped();
  const { minimum = 0, maximum = Number.POSITIVE_INFINITY, pattern, values } = rules;
  if (value.length < minimum) {
    throw failed(name, value, `Member must have length greater than or equal to ${minimum}`);
  }
  if (value.length > maximum) {
    throw failed(name, value, `Member must have length less than or equal to ${maximum}`);
  }
  if (pattern !== undefined && !pattern.test(value)) {
    throw failed(
      name,
      value,
      `Member must satisfy regular expression pattern: ${pattern.source.replaceAll("\\/", "/")}`,
    );
  }
  if (values !== undefined && !values.includes(value)) {
    throw failed(name, value, `Member must satisfy enum value set: [${values.join(", ")}]`);
  }
  return value;
}

export function getText(input: KmsInput, name: string, rules: TextRules = {}): string {
  const value = findText(input, name, rules);
  if (value === undefined) throw missing(name);
  return value;
}

/** The names of keys: ids, ARNs, aliases. */
export function getKeyName(input: KmsInput, name = "KeyId"): string {
  return getText(input, name, { minimum: 1, maximum: 2048 });
}

/** For what is about a key itself: KMS takes no alias there. */
export function getKeyIdOrArn(input: KmsInput, name = "KeyId"): string {
  const text = getKeyName(input, name);
  if (text.startsWith("alias/")) throw new KmsError("NotFoundException", `Invalid keyId '${text}'`);
  if (/^arn:[^/]*:alias\//.test(text)) {
    throw new KmsError("InvalidArnException", `${text} is not a key ARN`);
  }
  return text;
}

export function findInteger(
  input: KmsInput,
  name: string,
  minimum: number,
  maximum: number,
): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value)) throw mistyped();
  if (value < minimum) {
    throw failed(name, value, `Member must have value greater than or equal to ${minimum}`);
  }
  if (value > maximum) {
    throw failed(name, value, `Member must have value less than or equal to ${maximum}`);
  }
  return value;
}

export function findFlag(input: KmsInput, name: string): boolean {
  const value = input[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw mistyped();
  return value;
}

export function getBytes(input: KmsInput, name: string, maximum: number): Buffer {
  const value = input[name];
  if (value === undefined || value === null) throw missing(name);
  if (typeof value !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) throw mistyped();
  const bytes = Buffer.from(value, "base64");
  // The value itself may be a secret.
  if (bytes.byteLength < 1) {
    throw failed(name, undefined, "Member must have length greater than or equal to 1");
  }
  if (bytes.byteLength > maximum) {
    throw failed(name, undefined, `Member must have length less than or equal to ${maximum}`);
  }
  return bytes;
}

export function getEncryptionContext(input: KmsInput, name: string): EncryptionContext {
  const value = input[name] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw mistyped();
  const pairs = Object.entries(value);
  if (!pairs.every((pair): pair is [string, string] => typeof pair[1] === "string")) {
    throw mistyped();
  }
  return Object.fromEntries(pairs);
}

type Tag = readonly [key: string, value: string];

/** Tags of a list; not more than one of a name. */
export function getTags(input: KmsInput, name: string): readonly Tag[] {
  const value = input[name] ?? [];
  if (!Array.isArray(value)) throw mistyped();
  const tags = value.map((entry: unknown): Tag => {
    if (typeof entry !== "object" || entry === null) throw mistyped();
    const fields = entry as KmsInput;
    const key = getText(fields, "TagKey", { minimum: 1, maximum: 128 });
    const text = getText(fields, "TagValue", { maximum: 256 });
    if (/^aws:/i.test(key)) {
      throw new KmsError("TagException", "aws: prefixed tag key names are not allowed");
    }
    return [key, text];
  });
  if (new Set(tags.map(([key]) => key)).size !== tags.length) {
    throw new KmsError("TagException", "Duplicate tag keys");
  }
  return tags;
}

export function getTexts(input: KmsInput, name: string): readonly string[] {
  const value = input[name];
  if (value === undefined || value === null) throw missing(name);
  if (!Array.isArray(value)) throw mistyped();
  return value.map((entry: unknown) => {
    if (typeof entry !== "string") throw mistyped();
    return entry;
  });
}

/** `Limit` and `Marker` of a list. A marker is the name after which the next page begins. */
export function getPaging(
  input: KmsInput,
  standard: number,
  maximum: number,
): { readonly limit: number; readonly after: string | undefined } {
  const limit = findInteger(input, "Limit", 1, maximum) ?? standard;
  const marker = findText(input, "Marker", { minimum: 1, maximum: 1024 });
  if (marker === undefined) return { limit, after: undefined };
  const after = Buffer.from(marker, "base64url").toString("utf8");
  if (Buffer.from(after).toString("base64url") !== marker) {
    throw new KmsError("InvalidMarkerException", "Marker is not valid.");
  }
  return { limit, after };
}

export function pagingOutput(next: string | undefined): {
  readonly Truncated: boolean;
  readonly NextMarker?: string;
} {
  if (next === undefined) return { Truncated: false };
  return { Truncated: true, NextMarker: Buffer.from(next).toString("base64url") };
}

export function missing(name: string): KmsError {
  return failed(name, null, "Member must not be null");
}

function failed(name: string, value: string | number | null | undefined, rule: string): KmsError {
  const member = name.charAt(0).toLowerCase() + name.slice(1);
  const shown = typeof value === "string" || typeof value === "number" ? `'${value}'` : "null";
  const subject = value === undefined ? "Value" : `Value ${shown}`;
  return invalid(
    `1 validation error detected: ${subject} at '${member}' failed to satisfy constraint: ${rule}`,
  );
}

/** What does not fit the shape of the request. KMS tells no more. */
function mistyped(): KmsError {
  return new KmsError("SerializationException", "");
}
