import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { createMasterKeys } from "../../keys/master-key.ts";
import { MasterKeyRing } from "../../keys/master-key-ring.ts";
import { KeySealError } from "../../keys/sealer.ts";
import { BlobCorruptError } from "../../storage/storage-errors.ts";
import { newDataKey, StreamKeys } from "./chunk-cipher.ts";
import {
  customerKeyWrap,
  isCustomerKey,
  MasterKeyWrap,
  newCustomerKeyTrace,
  ObjectKeyWrap,
} from "./key-wrap.ts";
import {
  chunkBytes as chunkBytesOf,
  currentSealForm,
  plainBytes,
  sealedBytes,
  sealedForm,
  type Layers,
} from "./sealed-form.ts";
import { openStream, openWhole, sealStream, sealWhole } from "./sealed-stream.ts";

const layerCounts: readonly Layers[] = [1, 2];
const sealForms = [undefined, currentSealForm];
const form = sealedForm(1, currentSealForm);
const chunkBytes = chunkBytesOf(form);

function bytesOf(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}

function newKeys(layers: Layers): StreamKeys {
  return keysOfForm(layers, currentSealForm);
}

function keysOfForm(layers: Layers, sealForm: number | undefined): StreamKeys {
  return new StreamKeys(Array.from({ length: layers }, newDataKey), sealForm);
}

/** Pieces of changing lengths, each destroyed as soon as it may be. */
async function* pieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let index = 0;
  for (let start = 0; start < bytes.byteLength; index += 1) {
    const length = lengths[index % lengths.length] ?? 1;
    const piece = Uint8Array.from(bytes.subarray(start, start + length));
    start += length;
    yield piece;
    piece.fill(0xdb);
  }
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of stream) copies.push(Buffer.from(piece));
  return Buffer.concat(copies);
}

function open(
  sealed: Uint8Array,
  keys: StreamKeys,
  start: number,
  end: number,
  lengths: readonly number[] = [100_000],
): Promise<Buffer> {
  const read = (from: number, to: number) => pieces(sealed.subarray(from, to), lengths);
  return collect(openStream(read, sealed.byteLength, keys, { start, end }));
}

describe("a sealed stream", () => {
  for (const layers of layerCounts) {
    for (const sealForm of sealForms) {
      const title = `in ${layers} layers, form ${sealForm ?? 1}`;
      test(`holds the bytes however they are split, ${title}`, async () => {
        const each = sealedForm(layers, sealForm);
        const size = chunkBytesOf(each);
        for (const length of [1, 15, 16, 4096, size - 1, size, size + 1, 3 * size, 2 * size + 99]) {
          const plain = bytesOf(length);
          const keys = keysOfForm(layers, sealForm);
          for (const split of [
            [1_000_000],
            [size],
            [size + 16],
            [size - 1, 2],
            [1, 7777, 65_537],
          ]) {
            const sealed = await collect(sealStream(pieces(plain, split), keys, length));
            assert.equal(sealed.byteLength, sealedBytes(length, each));
            assert.equal(plainBytes(sealed.byteLength, each), length);
            assert.ok(sealed.equals(sealWhole(plain, keys)), `${length} bytes in ${split.join()}`);
            const unmeasured = await collect(sealStream(pieces(plain, split), keys, undefined));
            assert.ok(unmeasured.equals(sealed));
            assert.ok((await open(sealed, keys, 0, length, split)).equals(plain));
          }
        }
      });
    }

    test(`opens every range alone, in ${layers} layers`, async () => {
      const plain = bytesOf(2 * chunkBytes + 100);
      const keys = newKeys(layers);
      const sealed = sealWhole(plain, keys);
      const edges = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2 * chunkBytes];
      edges.push(plain.byteLength - 1, plain.byteLength);
      for (const start of edges) {
        for (const end of edges.filter((edge) => edge > start)) {
          const expected = plain.subarray(start, end);
          assert.deepEqual(await open(sealed, keys, start, end, [50_000]), expected);
          assert.deepEqual(Buffer.from(openWhole(sealed, keys, start, end)), expected);
        }
      }
    });

    test(`shows each changed bit, in ${layers} layers`, async () => {
      const plain = bytesOf(100);
      const keys = newKeys(layers);
      const sealed = sealWhole(plain, keys);
      for (let bit = 0; bit < sealed.byteLength * 8; bit += 1) {
        const changed = Buffer.from(sealed);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.throws(() => openWhole(changed, keys, 0, 1), BlobCorruptError);
      }
    });
  }

  test("has the bytes of its form, which older and newer servers know", () => {
    const dataKeys = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const plain = Buffer.alloc(600_000, "a stream of the first form ");
    const digestOf = (layers: Layers, sealForm: number | undefined) => {
      const keys = new StreamKeys(dataKeys.slice(0, layers), sealForm);
      return createHash("sha256").update(sealWhole(plain, keys)).digest("hex");
    };
    assert.equal(
      digestOf(1, undefined),
      "c8d271da4747ddbeaa9db7f536bd4aeff13f7f3fc4e5fa221570648512422625",
    );
    assert.equal(
      digestOf(2, undefined),
      "66d927ff9100cb67b8a762d089ea0cc2142fe3368dfb2f9ebf431a44d01f7068",
    );
    assert.equal(
      digestOf(1, 2),
      "6bc3bb9ca28821bf5b46386023992db6cc4b317eb960fef61bd0ac2e7404d388",
    );
    assert.equal(
      digestOf(2, 2),
      "e0ff8677c5c11729501aca8914c3c0900644b55048719c5f8796d6f87a00b6af",
    );
    assert.throws(() => keysOfForm(1, 3), /newer server/);
  });

  test("hands out nothing of a chunk that was changed", async () => {
    const keys = newKeys(1);
    const sealed = Buffer.from(sealWhole(bytesOf(3 * chunkBytes), keys));
    const stride = chunkBytes + 16;
    sealed[2 * stride - 1] = (sealed[2 * stride - 1] as number) ^ 1;
    const seen: number[] = [];
    const read = (from: number, to: number) => pieces(sealed.subarray(from, to), [30_000]);
    const opening = async () => {
      const range = { start: 0, end: 3 * chunkBytes };
      for await (const piece of openStream(read, sealed.byteLength, keys, range)) {
        seen.push(piece.byteLength);
      }
    };
    await assert.rejects(opening, BlobCorruptError);
    assert.equal(
      seen.reduce((sum, length) => sum + length, 0),
      chunkBytes,
    );
    assert.deepEqual(
      await open(sealed, keys, 2 * chunkBytes, 3 * chunkBytes),
      bytesOf(3 * chunkBytes).subarray(2 * chunkBytes),
      "the chunks beside it can still be read",
    );
  });

  test("shows that it was cut off, put into another order or mixed with another", async () => {
    const keys = newKeys(1);
    const size = 4 * chunkBytes;
    const sealed = sealWhole(bytesOf(size), keys);
    const other = sealWhole(bytesOf(size, 2), newKeys(1));
    const stride = chunkBytes + 16;
    const chunk = (of: Uint8Array, index: number) =>
      of.subarray(index * stride, (index + 1) * stride);
    const damages: Record<string, readonly Uint8Array[]> = {
      "without its last chunk": [0, 1, 2].map((index) => chunk(sealed, index)),
      "without its first chunk": [1, 2, 3].map((index) => chunk(sealed, index)),
      reordered: [0, 2, 1, 3].map((index) => chunk(sealed, index)),
      "with a chunk twice": [0, 1, 1, 3].map((index) => chunk(sealed, index)),
      "longer by a chunk": [0, 1, 2, 3, 3].map((index) => chunk(sealed, index)),
      "with another stream's chunk": [
        chunk(sealed, 0),
        chunk(other, 1),
        chunk(sealed, 2),
        chunk(sealed, 3),
      ],
      "shorter by a byte": [sealed.subarray(0, -1)],
      "cut to a length that none has": [sealed.subarray(0, 3 * stride + 16)],
    };
    for (const [name, parts] of Object.entries(damages)) {
      const damaged = Buffer.concat(parts);
      const end = Math.min(size, plainBytes(damaged.byteLength, form) ?? size);
      await assert.rejects(() => open(damaged, keys, 0, end), BlobCorruptError, name);
    }
    await assert.rejects(() => open(sealed, newKeys(1), 0, 1), BlobCorruptError);
  });

  test("of another length than declared is an error", async () => {
    const keys = newKeys(1);
    const seal = (declared: number) =>
      collect(sealStream(pieces(bytesOf(1000), [100]), keys, declared));
    await assert.rejects(() => seal(999), /longer than was declared/);
    await assert.rejects(() => seal(1001), /shorter than was declared/);
  });
});

describe("wrapped data keys", () => {
  const dataKey = newDataKey();

  test("open under the key that wrapped them alone", () => {
    const ring = new MasterKeyWrap(new MasterKeyRing(createMasterKeys(0)));
    const own = new ObjectKeyWrap(newDataKey());
    const other = new ObjectKeyWrap(newDataKey());
    for (const wrap of [ring, own]) {
      const wrapped = wrap.wrap(dataKey);
      assert.deepEqual(Buffer.from(wrap.unwrap(wrapped)), Buffer.from(dataKey));
      assert.notEqual(wrap.wrap(dataKey), wrapped, "no two are alike");
      assert.throws(() => other.unwrap(wrapped), KeySealError);
    }
    assert.throws(() => ring.unwrap(own.wrap(dataKey)), KeySealError);
    assert.throws(() => own.unwrap(""), KeySealError);
  });

  test("of a customer's key open with it, which is known again and not kept", () => {
    const key = newDataKey();
    const trace = newCustomerKeyTrace(key);
    const wrapped = customerKeyWrap(key, trace).wrap(dataKey);
    assert.ok(isCustomerKey(key, trace));
    assert.ok(!isCustomerKey(newDataKey(), trace));
    assert.deepEqual(
      Buffer.from(customerKeyWrap(key, trace).unwrap(wrapped)),
      Buffer.from(dataKey),
    );
    const second = newCustomerKeyTrace(key);
    assert.notEqual(
      second.verifier,
      trace.verifier,
      "two objects do not show that they share a key",
    );
    assert.throws(() => customerKeyWrap(key, second).unwrap(wrapped), KeySealError);
  });
});
