// What was stored once must be readable for ever: `samples/` holds a record of each type as each version
// of its format stored it. A sample is never changed; a new format version adds new ones.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { decodeKmsAliasRecord, decodeKmsKeyRecord, decodeMasterKeyWitness } from "./key-records.ts";
import { encodeRecord } from "../storage/record-codec.ts";

const decoders: Readonly<Record<string, (value: Uint8Array) => { readonly v: number }>> = {
  "kms-alias.v1.json": decodeKmsAliasRecord,
  "kms-key.v1.json": decodeKmsKeyRecord,
  "master-key-witness.v1.json": decodeMasterKeyWitness,
};
const directory = new URL("samples/", import.meta.url);

describe("stored records of keys", () => {
  test("have a sample each", () => {
    assert.deepEqual(readdirSync(directory).toSorted(), Object.keys(decoders));
  });

  for (const [name, decode] of Object.entries(decoders)) {
    test(`as in ${name} keep every field, and newer ones are refused`, () => {
      const record = JSON.parse(readFileSync(new URL(name, directory), "utf8")) as { v: number };
      const decoded = decode(Buffer.from(JSON.stringify(record)));
      assert.deepEqual(decoded, record);
      assert.deepEqual(decode(encodeRecord(decoded)), record);
      const newer = encodeRecord({ ...record, v: record.v + 1 });
      assert.throws(() => decode(newer), { name: "AssertionError" });
    });
  }
});
