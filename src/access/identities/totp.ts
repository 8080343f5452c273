// Time-based one-time passwords (RFC 6238): HMAC-SHA1, six digits, steps of 30 seconds, as the
// authenticator applications on people's telephones compute them.

import { createHmac } from "node:crypto";
import { signaturesEqual } from "../signing-keys.ts";

const totpStepMilliseconds = 30_000;
const digits = 6;
const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

export const totpStepAt = (milliseconds: number): number =>
  Math.floor(milliseconds / totpStepMilliseconds);

/** `seed`: the shared secret's bytes. */
export function totpCode(seed: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", seed).update(counter).digest();
  // RFC 4226, 5.3: the last four bits say where the 31 bits are taken from.
  const offset = (mac.at(-1) as number) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** The step nearest to `around` within `window` whose code this is, later than `usedStep`. */
export function findTotpStep(
  seed: Uint8Array,
  code: string,
  { around, window, usedStep = -1 }: { around: number; window: number; usedStep?: number },
): number | undefined {
  for (let distance = 0; distance <= window; distance += 1) {
    for (const step of distance === 0 ? [around] : [around - distance, around + distance]) {
      if (step <= usedStep || step < 0) continue;
      if (signaturesEqual(totpCode(seed, step), code)) return step;
    }
  }
  return undefined;
}

export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32[(value >>> bits) & 31];
      value &= (1 << bits) - 1;
    }
  }
  return bits === 0 ? text : text + base32[(value << (5 - bits)) & 31];
}

/** `undefined` for what is no Base32. Padding and case do not matter. */
export function decodeBase32(text: string): Uint8Array | undefined {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text.toUpperCase().replace(/=+$/, "")) {
    const index = base32.indexOf(character);
    if (index < 0) return undefined;
    value = (value << 5) | index;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >>> bits) & 0xff);
    value &= (1 << bits) - 1;
  }
  return Uint8Array.from(bytes);
}
