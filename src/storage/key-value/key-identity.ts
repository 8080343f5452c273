// A key as a string, for maps in memory: byte arrays compare by identity there. Never stored.

/** Equal for equal bytes alone. */
export function keyIdentity(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}
