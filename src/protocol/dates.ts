// Dates as they travel: HTTP dates in headers, ISO 8601 in XML and queries. Readers are strict; what
// they cannot read is `undefined`, and the caller knows what S3 says to that.

const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

// IMF-fixdate, and the two obsolete forms that RFC 9110 asks recipients to read.
const fixdate =
  /^[A-Za-z]{3},\s+(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})\s+(\d{2}):(\d{2}):(\d{2})\s+(?:GMT|UTC|[+-]0000)$/;
const rfc850 = /^[A-Za-z]{6,9},\s+(\d{2})-([A-Za-z]{3})-(\d{2})\s+(\d{2}):(\d{2}):(\d{2})\s+GMT$/;
const asctime = /^[A-Za-z]{3}\s+([A-Za-z]{3})\s+(\d{1,2})\s+(\d{2}):(\d{2}):(\d{2})\s+(\d{4})$/;

export function parseHttpDate(text: string): Date | undefined {
  let match = fixdate.exec(text);
  if (match !== null) return build(match[3], match[2], match[1], match.slice(4, 7));
  match = asctime.exec(text);
  if (match !== null) return build(match[6], match[1], match[2], match.slice(3, 6));
  match = rfc850.exec(text);
  if (match === null) return undefined;
  const shortYear = Number(match[3]);
  const year = shortYear < 70 ? 2000 + shortYear : 1900 + shortYear;
  return build(String(year), match[2], match[1], match.slice(4, 7));
}

// Date alone, or date and time with any fraction of a second and any offset.
const isoDate =
  /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** A time without offset counts as UTC, as in S3. Fractions beyond milliseconds are cut off. */
export function parseIsoDate(text: string): Date | undefined {
  const match = isoDate.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hours = "0", minutes = "0", seconds = "0", fraction = "", zone] =
    match;
  const milliseconds = Number(fraction.slice(0, 3).padEnd(3, "0"));
  const date = checked(
    [year, month, day, hours, minutes, seconds].map(Number) as Fields,
    milliseconds,
  );
  if (date === undefined || zone === undefined || zone.toUpperCase() === "Z") return date;
  const sign = zone.startsWith("-") ? -1 : 1;
  const offset = sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2)));
  return new Date(date.getTime() - offset * 60_000);
}

export function formatHttpDate(date: Date): string {
  const day = days[date.getUTCDay()] as string;
  const month = months.slice(date.getUTCMonth() * 3, date.getUTCMonth() * 3 + 3);
  return (
    `${day}, ${two(date.getUTCDate())} ${month} ${date.getUTCFullYear()} ` +
    `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} GMT`
  );
}

const dayMilliseconds = 86_400_000;
// The dates of one listing mostly lie close together: the day's text is kept from one to the next.
let lastDay = Number.NaN;
let lastDayText = "";

/** As `toISOString`, `2009-10-12T17:50:30.000Z`, in a fraction of its time. */
export function formatIsoDate(date: Date): string {
  const milliseconds = date.getTime();
  const day = Math.floor(milliseconds / dayMilliseconds);
  if (day !== lastDay) {
    const whole = date.toISOString();
    // Years beyond 9999 have another form.
    if (whole.length !== 24) return whole;
    lastDay = day;
    lastDayText = whole.slice(0, 11);
  }
  const rest = milliseconds - day * dayMilliseconds;
  const seconds = Math.floor(rest / 1000);
  const fraction = String(rest - seconds * 1000).padStart(3, "0");
  const minutes = Math.floor(seconds / 60);
  const time = `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${lastDayText}${time}.${fraction}Z`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

function build(
  year: string | undefined,
  monthName: string | undefined,
  day: string | undefined,
  time: readonly string[],
): Date | undefined {
  const name = `${monthName?.slice(0, 1).toUpperCase()}${monthName?.slice(1).toLowerCase()}`;
  const index = months.indexOf(name);
  if (index === -1 || index % 3 !== 0) return undefined;
  const [hours, minutes, seconds] = time.map(Number) as [number, number, number];
  return checked([Number(year), index / 3 + 1, Number(day), hours, minutes, seconds], 0);
}

type Fields = [number, number, number, number, number, number];

/** JavaScript would carry February 30 over into March; no such date is wanted. */
function checked(fields: Fields, milliseconds: number): Date | undefined {
  const [year, month, day, hours, minutes, seconds] = fields;
  if (hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const date = new Date(Date.UTC(year, month - 1, day, hours, minutes, seconds, milliseconds));
  const isSameDay = date.getUTCMonth() === month - 1 || seconds === 60;
  return isSameDay && day >= 1 && day <= 31 && month >= 1 && month <= 12 ? date : undefined;
}
