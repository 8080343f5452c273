import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { createMasterKeys, withNewMasterKey, type MasterKeys } from "./master-key.ts";
import { MasterKeyRing } from "./master-key-ring.ts";
import { KeySealError } from "./sealer.ts";

const secret = Buffer.from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
const dataKey = randomBytes(32);

describe("a ring of master keys", () => {
  test("opens what it sealed, in the same context alone", () => {
    const ring = new MasterKeyRing(createMasterKeys(0));
    const sealed = ring.seal(secret, "access-key/A");
    assert.match(sealed, /^[\x21-\x7e]+$/);
    assert.ok(!sealed.includes(secret.toString("base64url")));
    assert.deepEqual(ring.open(sealed, "access-key/A"), secret);
    assert.throws(() => ring.open(sealed, "access-key/B"), KeySealError);
    for (const more of ["x", "xx", "=", " ", "."]) {
      assert.throws(() => ring.open(`${sealed}${more}`, "access-key/A"), KeySealError, more);
    }
    assert.notEqual(ring.seal(secret, "access-key/A"), sealed, "no two are alike");
    assert.equal(ring.open(ring.seal(Buffer.alloc(0), "c"), "c").byteLength, 0);
  });

  test("unwraps what it wrapped, in the same context alone", () => {
    const ring = new MasterKeyRing(createMasterKeys(0));
    const wrapped = ring.wrap(dataKey, "b/k");
    assert.equal(wrapped.length, 104);
    assert.deepEqual(ring.unwrap(wrapped, "b/k"), dataKey);
    assert.throws(() => ring.unwrap(wrapped, "b/other"), KeySealError);
    assert.throws(() => ring.wrap(dataKey.subarray(1), "b/k"), RangeError);
  });

  test("never uses a nonce twice", () => {
    const ring = new MasterKeyRing(createMasterKeys(0));
    const nonces = new Set<string>();
    for (let count = 0; count < 1000; count += 1) {
      const bytes = Buffer.from(ring.wrap(dataKey, ""), "base64");
      nonces.add(bytes.toString("hex", 5, 29));
    }
    assert.equal(nonces.size, 1000);
  });

  test("refuses what is damaged, and repeats nothing of it", () => {
    const ring = new MasterKeyRing(createMasterKeys(0));
    const sealed = ring.seal(secret, "c");
    const id = ring.currentId;
    const wrongs = ["", "hf1", `hf1.${id}`, `hf1.${id}.`, `${sealed}.x`, `hf2${sealed.slice(3)}`];
    wrongs.push(`hf1.${id}.AAAA`, sealed.slice(0, -1), "hf1.<secret>.AAAA", `hf1.00000000.AAAA`);
    for (const wrong of wrongs) {
      assert.throws(
        () => ring.open(wrong, "c"),
        (error: Error) => error instanceof KeySealError && !error.message.includes("<secret>"),
        wrong,
      );
    }
    const wrapped = ring.wrap(dataKey, "c");
    for (const wrong of ["", wrapped.slice(4), `B${wrapped.slice(1)}`, sealed]) {
      assert.throws(() => ring.unwrap(wrong, "c"), KeySealError);
    }
    const changed = Buffer.from(wrapped, "base64");
    changed[40] = (changed[40] as number) ^ 1;
    assert.throws(() => ring.unwrap(changed.toString("base64"), "c"), KeySealError);
  });

  test("does not take a sealed text for a wrapped key, nor the other way round", () => {
    const ring = new MasterKeyRing(createMasterKeys(0));
    const sealedBody = Buffer.from(ring.seal(dataKey, "c").split(".")[2] as string, "base64url");
    const idBytes = Buffer.from(ring.currentId, "hex");
    const forged = Buffer.concat([Buffer.of(1), idBytes, sealedBody]).toString("base64");
    assert.throws(() => ring.unwrap(forged, "c"), KeySealError);
  });

  test("seals with the newest key and opens with every one", () => {
    const first = createMasterKeys(0);
    const old = new MasterKeyRing(first);
    const rotated = new MasterKeyRing(withNewMasterKey(first, 1));
    assert.notEqual(rotated.currentId, old.currentId);
    assert.deepEqual(rotated.open(old.seal(secret, "c"), "c"), secret);
    assert.deepEqual(rotated.unwrap(old.wrap(dataKey, "c"), "c"), dataKey);
    assert.throws(() => old.open(rotated.seal(secret, "c"), "c"), /master key [0-9a-f]{8}, which/);
  });

  test("finds the keys that another process has added when it meets one", () => {
    const first = createMasterKeys(0);
    let stored: MasterKeys | undefined;
    let reloads = 0;
    const reload = (): MasterKeys | undefined => {
      reloads += 1;
      return stored;
    };
    const ring = new MasterKeyRing(first, { reload });
    const rotated = withNewMasterKey(first, 1);
    const other = new MasterKeyRing(rotated);
    ring.open(ring.seal(secret, "c"), "c");
    assert.equal(reloads, 0, "known keys ask nothing");
    assert.throws(() => ring.unwrap(other.wrap(dataKey, "c"), "c"), KeySealError);
    stored = rotated;
    assert.deepEqual(ring.unwrap(other.wrap(dataKey, "c"), "c"), dataKey);
    assert.equal(ring.currentId, other.currentId, "and seals with the new one from then on");
  });

  test("refuses a key that does not fit its id", () => {
    const { currentId } = createMasterKeys(0);
    const bytes = randomBytes(32);
    const keys = [{ id: currentId, bytes, created: "" }];
    assert.throws(() => new MasterKeyRing({ currentId, keys }), RangeError);
  });
});
