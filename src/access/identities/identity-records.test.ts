// What was stored once must be readable for ever: `samples/` holds a record of each type as each
// version of its format stored it. A sample is never changed; a new format version adds new ones.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { encodeRecord } from "../../storage/record-codec.ts";
import {
  decodeAccessKey,
  decodeAccount,
  decodeEntityName,
  decodeGroup,
  decodeLastUsed,
  decodeMfaDevice,
  decodeOidcProvider,
  decodePolicy,
  decodePolicyVersion,
  decodeRevokedSession,
  decodeRole,
  decodeUser,
} from "./identity-records.ts";

/** Each in its first version. */
const decoders: Readonly<Record<string, (value: Uint8Array) => { readonly v: number }>> = {
  account: decodeAccount,
  user: decodeUser,
  group: decodeGroup,
  role: decodeRole,
  "access-key": decodeAccessKey,
  "last-used": decodeLastUsed,
  policy: decodePolicy,
  "policy-version": decodePolicyVersion,
  "oidc-provider": decodeOidcProvider,
  "mfa-device": decodeMfaDevice,
  "entity-name": decodeEntityName,
  "revoked-session": decodeRevokedSession,
};

const directory = new URL("samples/", import.meta.url);

describe("stored records of identities", () => {
  test("have a sample of every type, and nothing else lies there", () => {
    const expected = Object.keys(decoders).map((name) => `${name}.v1.json`);
    assert.deepEqual(readdirSync(directory).toSorted(), expected.toSorted());
  });

  for (const [name, decode] of Object.entries(decoders)) {
    test(`${name}: every field is read, and kept when stored again; a newer one is refused`, () => {
      const text = readFileSync(new URL(`${name}.v1.json`, directory), "utf8");
      const record = JSON.parse(text) as { readonly v: number };
      const decoded = decode(Buffer.from(JSON.stringify(record)));
      assert.deepEqual(decoded, record);
      assert.deepEqual(decode(encodeRecord(decoded)), record);
      assert.throws(() => decode(encodeRecord({ ...record, v: 2 })), { name: "AssertionError" });
    });
  }
});
