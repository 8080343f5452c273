// A data key that is wrapped by another data key: `<outer>|<inner>`, where a key provider opens the
// outer part, and the key in it the inner part, which is bound to an encryption context.

import { randomBytes } from "node:crypto";
import { canonicalContext } from "./encryption-context.ts";
import type { EncryptionContext } from "./key-provider.ts";
import { KeySealError } from "./sealer.ts";
import { nonceBytes, Xaes256Gcm } from "./xaes-256-gcm.ts";

const separator = "|";

/** `outer` holds no `|`. */
export function sealInner(
  outer: string,
  outerKey: Uint8Array,
  dataKey: Uint8Array,
  context: EncryptionContext,
): string {
  const additionalData = Buffer.from(canonicalContext(context));
  const nonce = randomBytes(nonceBytes);
  const message = new Xaes256Gcm(outerKey).encrypt(dataKey, nonce, additionalData);
  return `${outer}${separator}${message.toString("base64")}`;
}

/** Throws KeySealError. */
export function splitInner(wrapped: string): { readonly outer: string; readonly inner: string } {
  const position = wrapped.lastIndexOf(separator);
  if (position === -1) throw new KeySealError("this is not a wrapped key");
  return { outer: wrapped.slice(0, position), inner: wrapped.slice(position + 1) };
}

/** Throws KeySealError. */
export function openInner(
  inner: string,
  outerKey: Uint8Array,
  context: EncryptionContext,
): Uint8Array {
  const additionalData = Buffer.from(canonicalContext(context));
  const message = Buffer.from(inner, "base64");
  const dataKey = new Xaes256Gcm(outerKey).decrypt(message, additionalData);
  if (dataKey === undefined) throw new KeySealError("a data key does not open");
  return dataKey;
}
