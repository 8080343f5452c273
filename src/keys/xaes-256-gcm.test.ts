import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Xaes256Gcm } from "./xaes-256-gcm.ts";

const nonce = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWX");
const plain = Buffer.from("XAES-256-GCM");

describe("XAES-256-GCM", () => {
  // The two examples of the specification: one for each value of the bit that doubling carries over.
  // https://github.com/C2SP/C2SP/blob/main/XAES-256-GCM.md
  const examples = [
    [0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"],
    [0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"],
  ] as const;

  for (const [keyByte, additionalData, expected] of examples) {
    test(`encrypts the specification's example with key ${keyByte}`, () => {
      const cipher = new Xaes256Gcm(Buffer.alloc(32, keyByte));
      const message = cipher.encrypt(plain, nonce, Buffer.from(additionalData));
      assert.equal(message.subarray(24).toString("hex"), expected);
      assert.deepEqual(message.subarray(0, 24), nonce);
      assert.deepEqual(cipher.decrypt(message, Buffer.from(additionalData)), plain);
    });
  }

  test("opens nothing that was changed, and nothing with other additional data", () => {
    const cipher = new Xaes256Gcm(Buffer.alloc(32, 7));
    const additionalData = Buffer.from("a");
    const message = cipher.encrypt(plain, nonce, additionalData);
    for (let index = 0; index < message.byteLength; index += 1) {
      const changed = Buffer.from(message);
      changed[index] = (changed[index] as number) ^ 1;
      assert.equal(cipher.decrypt(changed, additionalData), undefined, `byte ${index}`);
      assert.equal(cipher.decrypt(message.subarray(0, index), additionalData), undefined);
    }
    assert.equal(cipher.decrypt(message, Buffer.from("b")), undefined);
    assert.equal(new Xaes256Gcm(Buffer.alloc(32, 8)).decrypt(message, additionalData), undefined);
  });

  test("keeps nothing from one message to the next", () => {
    const additionalData = Buffer.alloc(0);
    const used = new Xaes256Gcm(Buffer.alloc(32, 7));
    used.encrypt(Buffer.alloc(100), Buffer.alloc(24, 1), additionalData);
    const fresh = new Xaes256Gcm(Buffer.alloc(32, 7));
    assert.deepEqual(
      used.encrypt(plain, nonce, additionalData),
      fresh.encrypt(plain, nonce, additionalData),
    );
  });
});
