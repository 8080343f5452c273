// What was stored once must be readable for ever: `samples/` holds a record of each type as each
// version of its format stored it. A sample is never changed; a new format version adds new ones.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { decodeAccountSettingsRecord } from "./account-settings-record.ts";
import { decodeAnnotationRecord } from "./annotation-record.ts";
import { decodeBucketRecord } from "./bucket-record.ts";
import { decodeChangeRecord } from "./change-record.ts";
import { decodeLifecycleState } from "./lifecycle-state-record.ts";
import { decodeDueRecord } from "./due-record.ts";
import { decodeLockClockRecord } from "./lock-record.ts";
import {
  decodeDeleteMarkerRecord,
  decodeLayoutRecord,
  decodeObjectRecord,
  decodeVersionRecord,
  isDeleteMarker,
} from "./object-record.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import { decodeGarbageRecord, decodeStoreRecord, decodeWriterRecord } from "./store-record.ts";
import { decodePartRecord, decodeUploadRecord } from "./upload-record.ts";

interface RecordType {
  readonly decode: (value: Uint8Array) => { readonly v: number };
  readonly newestVersion: number;
}

const types: Readonly<Record<string, RecordType>> = {
  store: { decode: decodeStoreRecord, newestVersion: 1 },
  writer: { decode: decodeWriterRecord, newestVersion: 1 },
  "garbage-blobs": { decode: decodeGarbageRecord, newestVersion: 1 },
  "garbage-upload": { decode: decodeGarbageRecord, newestVersion: 1 },
  "garbage-bucket": { decode: decodeGarbageRecord, newestVersion: 1 },
  bucket: { decode: decodeBucketRecord, newestVersion: 1 },
  "bucket-quota": { decode: decodeBucketRecord, newestVersion: 1 },
  "bucket-locked": { decode: decodeBucketRecord, newestVersion: 1 },
  "lock-clock": { decode: decodeLockClockRecord, newestVersion: 1 },
  "object-locked": { decode: decodeObjectRecord, newestVersion: 1 },
  "object-inline": { decode: decodeObjectRecord, newestVersion: 1 },
  "object-inline-sealed": { decode: decodeObjectRecord, newestVersion: 1 },
  "object-changed": { decode: decodeObjectRecord, newestVersion: 1 },
  change: { decode: decodeChangeRecord, newestVersion: 1 },
  "object-blob": { decode: decodeObjectRecord, newestVersion: 1 },
  "object-layout": { decode: decodeObjectRecord, newestVersion: 1 },
  "object-restored": { decode: decodeObjectRecord, newestVersion: 1 },
  "object-annotated": { decode: decodeObjectRecord, newestVersion: 1 },
  annotation: { decode: decodeAnnotationRecord, newestVersion: 1 },
  "object-tiered": { decode: decodeObjectRecord, newestVersion: 1 },
  due: { decode: decodeDueRecord, newestVersion: 1 },
  "delete-marker": { decode: decodeDeleteMarkerRecord, newestVersion: 1 },
  layout: { decode: decodeLayoutRecord, newestVersion: 1 },
  upload: { decode: decodeUploadRecord, newestVersion: 1 },
  part: { decode: decodePartRecord, newestVersion: 1 },
  "account-quota": { decode: decodeAccountSettingsRecord, newestVersion: 1 },
  "lifecycle-state": { decode: decodeLifecycleState, newestVersion: 1 },
  "account-settings": { decode: decodeAccountSettingsRecord, newestVersion: 1 },
};

const directory = new URL("samples/", import.meta.url);

/** Stored as it stands in the file, but for the white space. */
function readSample(name: string): { readonly stored: Uint8Array; readonly record: unknown } {
  const record: unknown = JSON.parse(readFileSync(new URL(name, directory), "utf8"));
  return { stored: Buffer.from(JSON.stringify(record)), record };
}

describe("stored records", () => {
  it("have a sample of every type in every version, and nothing else lies there", () => {
    const expected = Object.entries(types).flatMap(([name, { newestVersion }]) =>
      Array.from({ length: newestVersion }, (_, at) => `${name}.v${at + 1}.json`),
    );
    assert.deepEqual(readdirSync(directory).toSorted(), expected.toSorted());
  });

  for (const [name, { decode, newestVersion }] of Object.entries(types)) {
    for (let version = 1; version <= newestVersion; version += 1) {
      it(`of type ${name}, version ${version}, are decoded`, () => {
        const { stored } = readSample(`${name}.v${version}.json`);
        assert.equal(decode(stored).v, newestVersion);
      });
    }

    it(`of type ${name} keep every field when they are stored again`, () => {
      const { stored, record } = readSample(`${name}.v${newestVersion}.json`);
      const decoded = decode(stored);
      assert.deepEqual(decoded, record);
      assert.deepEqual(decode(encodeRecord(decoded)), record);
    });

    it(`of type ${name} are refused when a newer Holdfast wrote them`, () => {
      const { record } = readSample(`${name}.v${newestVersion}.json`);
      const newer = { ...(record as { v: number }), v: newestVersion + 1 };
      assert.throws(() => decode(encodeRecord(newer)), { name: "AssertionError" });
    });
  }

  it("of versions and of delete markers are told apart", () => {
    const marker = decodeVersionRecord(readSample("delete-marker.v1.json").stored);
    const version = decodeVersionRecord(readSample("object-blob.v1.json").stored);
    assert.equal(isDeleteMarker(marker), true);
    assert.equal(isDeleteMarker(version), false);
  });
});
