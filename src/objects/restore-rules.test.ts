import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { expiryOf, isFaster, restoreDelays } from "./restore-rules.ts";

describe("the expiry of a restored copy", () => {
  it("is the midnight after its days, as the guide's example has it", () => {
    const created = Date.parse("2012-10-15T10:30:00Z");
    assert.equal(new Date(expiryOf(created, 3)).toISOString(), "2012-10-19T00:00:00.000Z");
  });

  it("is at least its days away, from midnight itself too", () => {
    const midnight = Date.parse("2026-02-28T00:00:00Z");
    assert.equal(new Date(expiryOf(midnight, 1)).toISOString(), "2026-03-01T00:00:00.000Z");
    assert.equal(new Date(expiryOf(midnight - 1, 1)).toISOString(), "2026-03-01T00:00:00.000Z");
  });
});

describe("tiers of restorations", () => {
  it("are faster in their order", () => {
    assert.ok(isFaster("Expedited", "Standard"));
    assert.ok(isFaster("Standard", "Bulk"));
    assert.ok(!isFaster("Bulk", "Bulk"));
    assert.ok(!isFaster("Bulk", "Expedited"));
  });

  it("take what the configuration says, and Expedited is none of the deepest archives", () => {
    const delays = restoreDelays({ GLACIER: { Standard: 60 }, DEEP_ARCHIVE: { Bulk: 7 } });
    assert.equal(delays.GLACIER.Standard, 60);
    assert.equal(delays.ARCHIVE_ACCESS.Standard, 60);
    assert.equal(delays.DEEP_ARCHIVE_ACCESS.Bulk, 7);
    assert.equal(delays.GLACIER.Expedited, 1);
    assert.equal(delays.DEEP_ARCHIVE.Expedited, undefined);
  });
});
