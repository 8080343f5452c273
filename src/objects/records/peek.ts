// Looks at single members of stored records without parsing them: walks over millions of records that
// mostly need nothing cannot afford more.

const lastModifiedName = Buffer.from('"lastModifiedMilliseconds":');
const tagsName = Buffer.from('"tags":');
const zero = 0x30;
const nine = 0x39;

/**
 * `lastModifiedMilliseconds` of a version's record. No value before it can hold the name: inside of
 * JSON's texts quotation marks are escaped. `undefined`: parse the record to know.
 */
export function peekLastModified(value: Uint8Array): number | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const found = bytes.indexOf(lastModifiedName);
  if (found === -1) return undefined;
  const start = found + lastModifiedName.byteLength;
  let number = 0;
  let at = start;
  for (; at < bytes.byteLength; at += 1) {
    const digit = bytes[at] as number;
    if (digit < zero || digit > nine) break;
    number = number * 10 + (digit - zero);
  }
  return at === start ? undefined : number;
}

/** `false`: the version's record surely has no tags. */
export function mayHaveTags(value: Uint8Array): boolean {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(tagsName);
}
