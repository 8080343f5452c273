import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createMasterKeys, withNewMasterKey, type MasterKeys } from "../../keys/master-key.ts";
import { MasterKeyRing } from "../../keys/master-key-ring.ts";
import { BlobCorruptError } from "../../storage/storage-errors.ts";
import { receiveInline, rewrapReceived } from "../received-content.ts";
import { newDataKey, StreamKeys } from "./chunk-cipher.ts";
import { MasterKeyWrap, ObjectKeyWrap } from "./key-wrap.ts";
import { unwrapKeys, type ObjectSeal } from "./object-seal.ts";
import { openWhole } from "./sealed-stream.ts";
import { openShared, SharedDataKey, sharedMessageBytes } from "./shared-data-key.ts";

const plain = Buffer.from("a small object");

function newRing(): MasterKeyRing {
  return new MasterKeyRing(createMasterKeys(0));
}

function sealOf(ring: MasterKeyRing): ObjectSeal {
  const encryption = { kind: "AES256" } as const;
  return { encryption, wrap: new MasterKeyWrap(ring), shared: new SharedDataKey(ring) };
}

describe("a shared data key", () => {
  test("opens what it sealed after it was wrapped and unwrapped", () => {
    const ring = newRing();
    const { inline, wrapped, nonce } = new SharedDataKey(ring).seal(plain);
    assert.ok(!Buffer.from(inline).includes(plain));
    const keys = new StreamKeys(unwrapKeys(wrapped, sealOf(ring)), undefined);
    assert.deepEqual(Buffer.from(openShared(inline, keys, nonce)), plain);
  });

  test("never uses a nonce twice, and no two messages of the same bytes are alike", () => {
    const shared = new SharedDataKey(newRing());
    const nonces = new Set<string>();
    const sealed = new Set<string>();
    for (let count = 0; count < 2000; count += 1) {
      const { nonce, inline } = shared.seal(plain);
      assert.equal(Buffer.from(nonce, "base64").byteLength, 12);
      nonces.add(nonce);
      sealed.add(Buffer.from(inline).toString("hex"));
    }
    assert.equal(nonces.size, 2000);
    assert.equal(sealed.size, 2000);
  });

  test("is followed by a new one after so many messages, and after a rotation", () => {
    const first = createMasterKeys(0);
    let stored: MasterKeys = first;
    const ring = new MasterKeyRing(first, { reload: () => stored });
    const shared = new SharedDataKey(ring, { messagesPerKey: 3 });
    const nextKey = () => shared.seal(plain).wrapped.seal;
    const keys = [1, 2, 3, 4, 5].map(nextKey);
    assert.deepEqual(
      keys.map((key) => keys.indexOf(key)),
      [0, 0, 0, 3, 3],
    );
    stored = withNewMasterKey(first, 1);
    ring.refresh();
    const rotated = nextKey();
    assert.ok(!keys.includes(rotated), "nothing new is sealed under the old master key");
    assert.equal(Buffer.from(rotated as string, "base64").toString("hex", 1, 5), ring.currentId);
  });

  test("is another one of every process", () => {
    const ring = newRing();
    const [one, other] = [new SharedDataKey(ring), new SharedDataKey(ring)];
    assert.notEqual(one.seal(plain).wrapped.seal, other.seal(plain).wrapped.seal);
  });

  test("shows each changed bit, of the bytes and of the nonce, and another key", () => {
    const shared = new SharedDataKey(newRing());
    const { inline, keys, nonce } = shared.seal(plain);
    const fails = (sealed: Uint8Array, of: string) =>
      assert.throws(() => openShared(sealed, keys, of), BlobCorruptError);
    for (let bit = 0; bit < inline.byteLength * 8; bit += 1) {
      const changed = Buffer.from(inline);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      fails(changed, nonce);
    }
    fails(inline.subarray(0, -1), nonce);
    fails(inline.subarray(0, 5), nonce);
    fails(inline, shared.seal(plain).nonce);
    fails(inline, "");
    fails(shared.seal(plain).inline, nonce);
    assert.throws(
      () => openShared(inline, new StreamKeys([newDataKey()], undefined), nonce),
      BlobCorruptError,
    );
  });
});

describe("inline bytes", () => {
  test("of one chunk share a key; longer ones have their own", () => {
    const seal = sealOf(newRing());
    const keyOf = (length: number) =>
      receiveInline(Buffer.alloc(length), seal).sealed?.wrapped.seal;
    assert.equal(keyOf(1), keyOf(sharedMessageBytes));
    const long = receiveInline(Buffer.alloc(sharedMessageBytes + 1, 7), seal);
    assert.notEqual(long.sealed?.wrapped.seal, keyOf(1));
    assert.equal(long.sealed?.nonce, undefined);
  });

  test("do not take the shared key along to a key that somebody else keeps", () => {
    const ring = newRing();
    const own = newDataKey();
    const to: ObjectSeal = {
      encryption: { kind: "SSE-C", salt: "", verifier: "" },
      wrap: new ObjectKeyWrap(own),
    };
    const received = receiveInline(plain, sealOf(ring));
    const moved = rewrapReceived(received, to);
    assert.ok(moved?.inline !== undefined && moved.sealed !== undefined);
    assert.equal(moved.sealed.nonce, undefined);
    const keys = new StreamKeys(
      unwrapKeys(moved.sealed.wrapped, to),
      moved.sealed.wrapped.sealForm,
    );
    assert.deepEqual(Buffer.from(openWhole(moved.inline, keys, 0, plain.byteLength)), plain);
    const [sharedKey] = unwrapKeys(received.sealed?.wrapped ?? {}, sealOf(ring));
    const [movedKey] = unwrapKeys(moved.sealed.wrapped, to);
    assert.notDeepEqual(Buffer.from(movedKey ?? []), Buffer.from(sharedKey ?? []));
  });
});
