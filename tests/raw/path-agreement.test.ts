// The path that a signature covers and the key that the request acts on are read from the same bytes by
// two modules. Were they to differ, a signature for one object would open another.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { canonicalPath } from "../../src/access/canonical-request.ts";
import { S3Error } from "../../src/model/errors.ts";
import { parseAddress } from "../../src/protocol/address.ts";

const rareCharacters = `!'()*$&,:;=@|^"<~`;
const pathPieces = fc.constantFrom(
  ...`a B 0 - . .. _ + / // %2F %00 %2B %2b %20 %7E %7e %25 %252F %C3%A9 ${rareCharacters.split("").join(" ")}`.split(
    " ",
  ),
  "\u00c3\u00a9",
  "\u00e2\u0082\u00ac",
);

test("the signed path names the key that the request acts on", () => {
  fc.assert(
    fc.property(fc.array(pathPieces, { maxLength: 12 }), (pieces) => {
      const rawPath = `/bucket/${pieces.join("")}`;
      let address: ReturnType<typeof parseAddress>;
      try {
        address = parseAddress(rawPath, "localhost", []);
      } catch (error) {
        assert.ok(error instanceof S3Error);
        return;
      }
      assert.equal(decodeURIComponent(canonicalPath(rawPath)), `/bucket/${address.key ?? ""}`);
    }),
    { numRuns: 2000 },
  );
});
