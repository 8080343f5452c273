// Signing keys of Signature Version 4: derived from a secret per day and region, kept for reuse, and
// the constant-time comparison of what they sign.

import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import type { KeyObject } from "node:crypto";

/** A presigned URL lives for seven days, so that one secret meets about nine dates at a time. */
const keysPerSecret = 16;

/** By identity of the secret: a key is forgotten with the credential that it came from. */
const keysBySecret = new WeakMap<KeyObject, Map<string, KeyObject>>();

/**
 * The key for `dateText` (yyyymmdd), `region` and `service`. A KeyObject because Node.js 24 signs five times
 * slower with a key that is handed over as bytes.
 */
export function signingKey(
  secretKey: KeyObject,
  dateText: string,
  region: string,
  service = "s3",
): KeyObject {
  const scope = `${dateText}/${region}/${service}`;
  let keys = keysBySecret.get(secretKey);
  const known = keys?.get(scope);
  if (known !== undefined) return known;
  if (keys === undefined) {
    keys = new Map();
    keysBySecret.set(secretKey, keys);
  }
  if (keys.size >= keysPerSecret) keys.delete(keys.keys().next().value as string);
  const derived = deriveSigningKey(secretKey, dateText, region, service);
  keys.set(scope, derived);
  return derived;
}

/** Lower-case hexadecimal HMAC-SHA256; `text` holds bytes as Latin-1 characters. */
export function signText(key: KeyObject, text: string): string {
  return createHmac("sha256", key).update(text, "latin1").digest("hex");
}

/** Whether two signatures are equal, in a time that says nothing about where they differ. */
export function signaturesEqual(computed: string, provided: string): boolean {
  if (computed.length !== provided.length) return false;
  return timingSafeEqual(Buffer.from(computed, "latin1"), Buffer.from(provided, "latin1"));
}

function deriveSigningKey(
  secretKey: KeyObject,
  dateText: string,
  region: string,
  service: string,
): KeyObject {
  const secret = secretKey.export();
  const prefixed = Buffer.concat([Buffer.from("AWS4"), secret]);
  const dateKey = createHmac("sha256", prefixed).update(dateText).digest();
  const regionKey = createHmac("sha256", dateKey).update(region).digest();
  const serviceKey = createHmac("sha256", regionKey).update(service).digest();
  const key = createSecretKey(createHmac("sha256", serviceKey).update("aws4_request").digest());
  secret.fill(0);
  prefixed.fill(0);
  return key;
}
