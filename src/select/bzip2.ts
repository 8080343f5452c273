export async function* decompressBzip2(
  bytes: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* bytes;
}
