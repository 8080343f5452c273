import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { annotationsToBring, changedAnnotations } from "./annotation-changes.ts";
import type { NamedAnnotation } from "./annotations.ts";

const all: readonly NamedAnnotation[] = ["a", "b"].map((name) => ({
  name,
  record: {
    v: 1,
    lastModifiedMilliseconds: 0,
    etag: name,
    sizeBytes: 0,
    checksum: { algorithm: "CRC64NVME", value: "", type: "FULL_OBJECT" },
    extents: [],
  },
}));

function brought(changes: Parameters<typeof changedAnnotations>[0]) {
  const { written, removed } = annotationsToBring(changedAnnotations(changes), all);
  return { written: written.map(({ name }) => name), removed };
}

describe("a replication", () => {
  it("brings all annotations of a version that is new", () => {
    const expected = { written: ["a", "b"], removed: [] };
    assert.deepEqual(brought([{ event: "ObjectCreated:Put" }]), expected);
  });

  it("brings those that were changed, and removes those that are gone", () => {
    const changes = [
      { event: "ObjectAnnotation:Put", annotation: "b" },
      { event: "ObjectAnnotation:Put", annotation: "gone" },
      { event: "ObjectAnnotation:Delete", annotation: "gone" },
    ] as const;
    assert.deepEqual(brought(changes), { written: ["b"], removed: ["gone"] });
    const withNew = [{ event: "ObjectCreated:Copy" }, ...changes] as const;
    assert.deepEqual(brought(withNew), { written: ["a", "b"], removed: ["gone"] });
  });

  it("brings none with other changes of a version", () => {
    const events = ["ObjectTagging:Put", "ObjectLock:Retention", "ObjectAcl:Put"] as const;
    for (const event of events)
      assert.deepEqual(brought([{ event }]), { written: [], removed: [] });
  });
});
