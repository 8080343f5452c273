// The two identifiers that every answer carries.

export interface RequestIds {
  /** 16 characters of S3's own alphabet, unlike for every request. */
  nextRequestId(): string;
  /** Names this process, as base64; S3 calls it the extended request id. */
  readonly hostId: string;
}

/** Fills an array with random bytes. */
export type RandomSource = (bytes: Uint8Array) => void;

// S3's request ids leave out I, L, O and U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const idLength = 16;
// Randomness is drawn for many requests at once: one call costs more than its bytes.
const pooledIds = 256;
const hostIdBytes = 57;

export function createRequestIds(fillRandom: RandomSource): RequestIds {
  const pool = new Uint8Array(idLength * pooledIds);
  let position = pool.length;
  const host = new Uint8Array(hostIdBytes);
  fillRandom(host);
  return {
    hostId: Buffer.from(host).toString("base64"),
    nextRequestId() {
      if (position === pool.length) {
        fillRandom(pool);
        position = 0;
      }
      let id = "";
      for (let index = 0; index < idLength; index += 1) {
        id += alphabet[(pool[position + index] as number) & 31] as string;
      }
      position += idLength;
      return id;
    },
  };
}
