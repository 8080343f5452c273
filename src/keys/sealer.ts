// What the rest of the server asks of the master keys: to seal small secrets, and to wrap the data keys
// of objects. Both are synchronous, because both stand on the path of a request.

/**
 * Encrypts small secrets (of IAM, of KMS keys) for storage in records.
 *
 * `context` says what the secret is and whose, for example `access-key/HF…`: a sealed text opens under
 * its own context alone, so that nobody who can write to the store can move a secret from one record
 * to another. It is not stored and not secret.
 */
export interface Sealer {
  /** One line of printable ASCII: two equal secrets never have the same sealed text. */
  seal(plain: Uint8Array, context: string): string;
  /** Throws KeySealError. */
  open(sealed: string, context: string): Uint8Array;
}

/**
 * Wraps the 32-byte data keys of objects that the server encrypts with keys of its own (SSE-S3). A
 * wrapped key is 104 characters of Base64; `context` is as with `Sealer`.
 */
export interface WrappingKey {
  /** Of the key that wraps what is new: another one after a rotation. */
  readonly currentId: string;
  wrap(dataKey: Uint8Array, context: string): string;
  /** Throws KeySealError. */
  unwrap(wrapped: string, context: string): Uint8Array;
}

/**
 * What was sealed cannot be opened: by a key that this server has not, in another context, or changed.
 * The message holds nothing of what was sealed.
 */
export class KeySealError extends Error {
  override readonly name = "KeySealError";
}
