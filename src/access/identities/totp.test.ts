import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase32, encodeBase32, findTotpStep, totpCode, totpStepAt } from "./totp.ts";

const seed = Buffer.from("12345678901234567890", "ascii");

test("the examples of RFC 6238, appendix B, with six digits", () => {
  const examples: readonly (readonly [number, string])[] = [
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ];
  for (const [seconds, code] of examples) {
    assert.equal(totpCode(seed, totpStepAt(seconds * 1000)), code);
  }
});

test("a code is found within its window, and never at a step that was used", () => {
  const code = totpCode(seed, 100);
  assert.equal(findTotpStep(seed, code, { around: 101, window: 1 }), 100);
  assert.equal(findTotpStep(seed, code, { around: 99, window: 1 }), 100);
  assert.equal(findTotpStep(seed, code, { around: 102, window: 1 }), undefined);
  assert.equal(findTotpStep(seed, code, { around: 100, window: 1, usedStep: 100 }), undefined);
  assert.equal(findTotpStep(seed, "12345", { around: 100, window: 1 }), undefined);
});

test("the examples of RFC 4648 for Base32, without padding", () => {
  const examples: readonly (readonly [string, string])[] = [
    ["", ""],
    ["f", "MY"],
    ["fo", "MZXQ"],
    ["foo", "MZXW6"],
    ["foob", "MZXW6YQ"],
    ["fooba", "MZXW6YTB"],
    ["foobar", "MZXW6YTBOI"],
  ];
  for (const [text, encoded] of examples) {
    assert.equal(encodeBase32(Buffer.from(text)), encoded);
    assert.deepEqual(decodeBase32(encoded.toLowerCase()), Uint8Array.from(Buffer.from(text)));
  }
  assert.equal(decodeBase32("A1"), undefined);
});
