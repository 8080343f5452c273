// Torrent files: their form to the byte, pieces wherever chunks end, names and addresses.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { fileNameOf, frameTorrent, hashPieces, sourceUrlOf } from "./torrent.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;

const subject = { name: "ü", sizeBytes: 4, createdMilliseconds: 1999, sourceUrl: "http://h/b/k" };

describe("the frame", () => {
  test("is bencoded with sorted keys, lengths in bytes", () => {
    const { head, tail, lengthBytes } = frameTorrent(subject);
    assert.equal(
      Buffer.from(head).toString(),
      "d10:created by8:Holdfast13:creation datei1e4:infod6:lengthi4e4:name2:ü12:piece lengthi262144e6:pieces20:",
    );
    assert.equal(Buffer.from(tail).toString(), "e8:url-listl12:http://h/b/kee");
    assert.equal(lengthBytes, head.length + 20 + tail.length);
  });

  test("without a source has none", () => {
    const { tail } = frameTorrent({ ...subject, sourceUrl: undefined });
    assert.equal(Buffer.from(tail).toString(), "ee");
  });

  const sizes: readonly [sizeBytes: number, pieceBytes: number, pieces: number][] = [
    [0, 256 * kibibyte, 0],
    [1, 256 * kibibyte, 1],
    [256 * kibibyte, 256 * kibibyte, 1],
    [256 * kibibyte + 1, 256 * kibibyte, 2],
    [512 * mebibyte, 256 * kibibyte, 2048],
    [512 * mebibyte + 1, 512 * kibibyte, 1025],
    [5 * gibibyte - 1, 4 * mebibyte, 1280],
  ];
  for (const [sizeBytes, pieceBytes, pieces] of sizes) {
    test(`of ${sizeBytes} bytes has ${pieces} pieces`, () => {
      const frame = frameTorrent({ ...subject, sizeBytes });
      assert.deepEqual([frame.pieceBytes, frame.hashesLengthBytes / 20], [pieceBytes, pieces]);
    });
  }
});

async function* inChunks(bytes: Buffer, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

describe("pieces", () => {
  for (const chunkBytes of [1, 7, 10, 64, 1000]) {
    test(`in chunks of ${chunkBytes}`, async () => {
      const bytes = Buffer.from(Array.from({ length: 95 }, (_, index) => index));
      const found: string[] = [];
      for await (const hash of hashPieces(inChunks(bytes, chunkBytes), 10)) {
        if (hash.length > 0) found.push(Buffer.from(hash).toString("hex"));
      }
      const expected = Array.from({ length: 10 }, (_, index) =>
        createHash("sha1")
          .update(bytes.subarray(index * 10, index * 10 + 10))
          .digest("hex"),
      );
      assert.deepEqual(found, expected);
    });
  }

  test("a stream is closed before it was read, too", async () => {
    let isClosed = false;
    const stream = {
      [Symbol.asyncIterator]: () => ({
        next: () => assert.fail("nobody asked"),
        return: async () => {
          isClosed = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const hashes = hashPieces(stream, 10);
    assert.deepEqual(await hashes.next(), { done: false, value: new Uint8Array(0) });
    await hashes.return(undefined);
    assert.ok(isClosed);
  });
});

test("a file is called by the last part of its key that can be a name", () => {
  const names: readonly [key: string, name: string][] = [
    ["a", "a"],
    ["a/b.txt", "b.txt"],
    ["a/b/", "b"],
    ["a/.", "a"],
    ["a/../..", "a"],
    ["a/...", "..."],
    ["/", "bucket"],
    ["..", "bucket"],
  ];
  for (const [key, name] of names) assert.equal(fileNameOf(key, "bucket"), name, key);
});

test("an address is taken as it stands, by everybody", () => {
  assert.equal(sourceUrlOf("http://h:1/b/k%20k", undefined), "http://h:1/b/k%20k");
  assert.equal(sourceUrlOf("https://h/b/k", "a+b"), "https://h/b/k?versionId=a%2Bb");
  assert.equal(sourceUrlOf("http://h/b/k/", undefined), "http://h/b/k%2F");
  assert.equal(sourceUrlOf("http://h/b/\u00C3\u00BC", undefined), "http://h/b/%C3%BC");
  assert.equal(sourceUrlOf("http:///b/k", undefined), undefined);
});
