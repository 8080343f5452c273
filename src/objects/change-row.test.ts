import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeChange } from "./change-row.ts";
import { newBucketId, newVersionId, type VersionId } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { decodeChangeRecord, type ChangeCause } from "./records/change-record.ts";
import type { ObjectRecord, VersionRecord } from "./records/object-record.ts";

const bucket: BucketRecord = {
  v: 1,
  id: newBucketId(),
  name: "bucket",
  region: "us-east-1",
  createdMilliseconds: 0,
  ownerId: "owner",
  ownerName: "owner",
  ownerAccountId: "123456789012",
  versioning: "Unversioned",
  objectLockEnabled: false,
  objectOwnership: "BucketOwnerEnforced",
  tags: [],
};
const cause: ChangeCause = {
  event: "ObjectCreated:Put",
  timeMilliseconds: 1_700_000_000_000,
  requestId: "REQUEST",
  hostId: "host",
  principalId: "123456789012",
  sourceAddress: "127.0.0.1",
};
const key = 'a "quoted"\\ key, ü and \u{1f600}';
const sequence = 1_700_000_000_000_001;

function objectOf(versionId: VersionId): ObjectRecord {
  return {
    v: 1,
    kind: "object",
    versionId,
    sequence,
    lastModifiedMilliseconds: 0,
    sizeBytes: 4,
    etag: "etag",
    content: { extents: [] },
    attributes: {},
  } as unknown as ObjectRecord; // what a row takes of it
}

describe("rows of the change log", () => {
  it("hold what happened, and nothing of what is not known", () => {
    const record = objectOf(newVersionId(sequence));
    const row = decodeChangeRecord(
      encodeChange({ bucket, key, cause, sequence }, record, undefined),
    );
    assert.deepEqual(row, {
      v: 1,
      ...cause,
      key,
      versionSequence: sequence,
      sizeBytes: 4,
      etag: "etag",
      sequencer: "0000060A24181E4001",
      bucketName: "bucket",
      bucketId: bucket.id,
      bucketOwnerId: "owner",
      bucketOwnerAccountId: "123456789012",
    });
  });

  it("tell two states of a bucket apart, and details of each", () => {
    const record = objectOf(newVersionId(sequence));
    const versioned = { ...bucket, versioning: "Enabled" as const, ownerId: "other" };
    const rows = [bucket, versioned, bucket].map((each, index) =>
      decodeChangeRecord(encodeChange({ bucket: each, key, cause, sequence }, record, { index })),
    );
    assert.deepEqual(
      rows.map(({ bucketOwnerId, versionId, details }) => ({ bucketOwnerId, versionId, details })),
      [
        { bucketOwnerId: "owner", versionId: undefined, details: { index: 0 } },
        { bucketOwnerId: "other", versionId: record.versionId, details: { index: 1 } },
        { bucketOwnerId: "owner", versionId: undefined, details: { index: 2 } },
      ],
    );
  });

  it("name neither size nor ETag of a delete marker", () => {
    const { v, versionId } = objectOf(newVersionId(sequence));
    const marker = { v, versionId, sequence } as unknown as VersionRecord;
    const { sizeBytes, etag } = decodeChangeRecord(
      encodeChange({ bucket, key, cause, sequence }, marker, undefined),
    );
    assert.deepEqual([sizeBytes, etag], [undefined, undefined]);
  });
});
