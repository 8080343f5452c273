// How the values of conditions are read: numbers, dates, and bytes. What cannot be read is equal to
// nothing and neither less nor greater than anything.

/** Undefined if the text is no decimal number. */
export function parseNumber(text: string): number | undefined {
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : undefined;
}

const isoDate =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|z|[+-]\d\d:?\d\d)?)?)?)?$/;

/**
 * Milliseconds since 1970, or undefined. The W3C forms of ISO 8601 (a year alone, up to fractions of
 * a second) and seconds since 1970, both of which the Date operators take.
 */
export function parseDate(text: string): number | undefined {
  const found = isoDate.exec(text);
  if (found === null) return /^-?\d{1,12}$/.test(text) ? Number(text) * 1000 : undefined;
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map((group) =>
    Number(found[group] ?? (group === 2 || group === 3 ? 1 : 0)),
  ) as [number, number, number, number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  if (hour > 24 || minute > 59 || second > 60) return undefined;
  const fraction = Number(`0.${found[7] ?? "0"}`);
  const seconds = (hour * 60 + minute) * 60 + second + fraction;
  return date.getTime() + seconds * 1000 - offsetMilliseconds(found[8]);
}

function offsetMilliseconds(zone: string | undefined): number {
  if (zone === undefined || zone === "Z" || zone === "z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

/** The bytes of a Base64 text in one form, so that padding does not matter; undefined if it is none. */
export function normalizeBase64(text: string): string | undefined {
  if (!/^[A-Za-z\d+/]*={0,2}$/.test(text)) return undefined;
  return Buffer.from(text, "base64").toString("base64");
}
