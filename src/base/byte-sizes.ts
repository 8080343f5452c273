// Sizes as people write them: `512KiB`, `100MiB`, `10GiB`, or a plain number of bytes.

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

/** `undefined`: the text is none, or a number that is not exact any more. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d{1,15})([KMGT]iB)?$/.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * (unitBytes[match[2] ?? ""] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
