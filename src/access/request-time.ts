// The times that signed requests carry, in the forms in which they carry them.

/** How far the clocks of client and server may differ, in either direction. */
export const allowedSkewMilliseconds = 15 * 60 * 1000;

/** `20130524T000000Z` as milliseconds since the epoch; `undefined` for anything else. */
export function parseBasicTime(text: string): number | undefined {
  if (text.length !== 16 || text[8] !== "T" || text[15] !== "Z") return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 4, 6);
  const day = digits(text, 6, 8);
  const hour = digits(text, 9, 11);
  const minute = digits(text, 11, 13);
  const second = digits(text, 13, 15);
  // NaN, from a character that is no digit, passes no comparison.
  const possible =
    year >= 0 &&
    month >= 1 &&
    month <= 12 &&
    day >= 1 &&
    hour <= 23 &&
    minute <= 59 &&
    second <= 59;
  if (!possible) return undefined;
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  return new Date(time).getUTCDate() === day ? time : undefined;
}

/**
 * A Date header: RFC 1123, or the basic form that some clients put there. S3 takes a time before 1970
 * for no time at all (ceph/s3-tests, bad_date_before_epoch).
 */
export function parseDateHeader(text: string): number | undefined {
  const time = parseBasicTime(text) ?? Date.parse(text);
  return Number.isNaN(time) || time < 0 ? undefined : time;
}

/** `20130524T000000Z`. */
export function formatBasicTime(milliseconds: number): string {
  return formatTime(milliseconds).replaceAll(/[-:]/g, "");
}

/** `2013-05-24T00:00:00Z`, as S3 prints times in its errors. */
export function formatTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, -5)}Z`;
}

/** The number that the digits of `text` from `start` to `end` make; NaN when one is no digit. */
function digits(text: string, start: number, end: number): number {
  let value = 0;
  for (let index = start; index < end; index += 1) {
    const digit = text.charCodeAt(index) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
