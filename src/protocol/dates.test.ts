import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { formatHttpDate, formatIsoDate, parseHttpDate, parseIsoDate } from "./dates.ts";

test("dates are written as the platform writes them, and read back", () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true }),
      (date) => {
        assert.equal(formatIsoDate(date), date.toISOString());
        assert.equal(formatHttpDate(date), date.toUTCString());
        assert.deepEqual(parseIsoDate(formatIsoDate(date)), date);
        const seconds = new Date(Math.floor(date.getTime() / 1000) * 1000);
        assert.deepEqual(parseHttpDate(formatHttpDate(date)), seconds);
      },
    ),
  );
});

test("every form of ISO 8601 that clients send is read", () => {
  const expected = new Date("2026-01-02T03:04:05.000Z");
  for (const text of [
    "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05",
    "2026-01-02T03:04:05.000000000Z",
    "2026-01-02T04:04:05+01:00",
    "2026-01-01T22:34:05-0430",
  ]) {
    assert.deepEqual(parseIsoDate(text), expected);
  }
  assert.deepEqual(parseIsoDate("2026-01-02"), new Date("2026-01-02T00:00:00Z"));
});

for (const text of [
  "",
  "now",
  "2026",
  "2026-13-01",
  "2026-02-30",
  "2026-01-01T24:00:00Z",
  "2026-01-01 00:00:00",
  "1767225600",
]) {
  test(`"${text}" is no ISO date`, () => {
    assert.equal(parseIsoDate(text), undefined);
  });
}

for (const text of [
  "",
  "Wed, 28 Oct 2009",
  "Wed, 28 Okt 2009 22:32:00 GMT",
  "Wed, 28 Oct 2009 22:32:00 CET",
  "2009-10-28T22:32:00Z",
]) {
  test(`"${text}" is no HTTP date`, () => {
    assert.equal(parseHttpDate(text), undefined);
  });
}
