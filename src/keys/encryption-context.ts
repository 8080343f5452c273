// The bytes of an encryption context that are bound to a ciphertext: the same for the same pairs in any
// order, different for different ones.

import type { EncryptionContext } from "./key-provider.ts";

export function canonicalContext(context: EncryptionContext): string {
  const pairs = Object.entries(context).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify(pairs);
}
