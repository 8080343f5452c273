// Data keys that were unwrapped already: small objects share theirs, so that nearly every read of one
// finds it here.

import { StreamKeys } from "./chunk-cipher.ts";
import { unwrapKeys, type ExtentSeal, type ObjectSeal } from "./object-seal.ts";

/** Some 600 bytes each. */
const maximumEntries = 8192;

export class DataKeyCache {
  readonly #seal: ObjectSeal | undefined;
  readonly #keys = new Map<string, StreamKeys>();

  /** Keys are kept of what this seal wrapped, and of nothing else: these may be the customer's. */
  constructor(seal: ObjectSeal | undefined) {
    this.#seal = seal;
  }

  /** `undefined`: the bytes are stored as they are. Throws KeySealError. */
  keysOf(extent: Partial<ExtentSeal>, seal: ObjectSeal | undefined): StreamKeys | undefined {
    if (extent.seal === undefined) return undefined;
    if (seal !== this.#seal) return openKeys(extent, seal);
    const known = this.#keys.get(extent.seal);
    if (known !== undefined) return known;
    const made = openKeys(extent, seal);
    if (this.#keys.size >= maximumEntries) {
      const oldest = this.#keys.keys().next();
      if (oldest.done !== true) this.#keys.delete(oldest.value);
    }
    this.#keys.set(extent.seal, made);
    return made;
  }
}

function openKeys(extent: Partial<ExtentSeal>, seal: ObjectSeal | undefined): StreamKeys {
  return new StreamKeys(unwrapKeys(extent, seal), extent.sealForm);
}
