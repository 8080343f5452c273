// What makes a BitTorrent client able to download an object: its metainfo, "a bencoded dictionary as
// defined by the BitTorrent specification" (BEP 3) with this server as its source (BEP 19). There is no
// tracker. The length of it all is known before the object is read, so that it is sent while it is made.

import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { emptyBytes, type ByteStream } from "../base/bytes.ts";

/** What is said of an object beside the hashes of its pieces. */
export interface TorrentSubject {
  /** What the client calls the file that it makes. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly createdMilliseconds: number;
  /** Where the object itself is; `undefined`: the client did not say how it calls this server. */
  readonly sourceUrl: string | undefined;
}

/** A metainfo file around the hashes of its pieces. */
export interface TorrentFrame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly pieceBytes: number;
  readonly hashesLengthBytes: number;
  readonly lengthBytes: number;
}

const hashBytes = 20;
const smallestPieceBytes = 256 * 1024;
/** Metainfo of more than some 40 KiB is a burden to those who pass it on. */
const mostPieces = 2048;

export function frameTorrent(subject: TorrentSubject): TorrentFrame {
  const { sizeBytes } = subject;
  const pieceBytes = pieceBytesOf(sizeBytes);
  const hashesLengthBytes = Math.ceil(sizeBytes / pieceBytes) * hashBytes;
  // The keys of a dictionary are sorted, and `pieces` is the last of its own.
  const head = Buffer.concat([
    Buffer.from("d"),
    bencode("created by"),
    bencode("Holdfast"),
    bencode("creation date"),
    bencode(Math.floor(subject.createdMilliseconds / 1000)),
    bencode("info"),
    Buffer.from("d"),
    bencode("length"),
    bencode(sizeBytes),
    bencode("name"),
    bencode(subject.name),
    bencode("piece length"),
    bencode(pieceBytes),
    bencode("pieces"),
    Buffer.from(`${hashesLengthBytes}:`),
  ]);
  const { sourceUrl } = subject;
  const sources =
    sourceUrl === undefined
      ? []
      : [bencode("url-list"), Buffer.from("l"), bencode(sourceUrl), Buffer.from("e")];
  const tail = Buffer.concat([Buffer.from("e"), ...sources, Buffer.from("e")]);
  const lengthBytes = head.length + hashesLengthBytes + tail.length;
  return { head, tail, pieceBytes, hashesLengthBytes, lengthBytes };
}

/**
 * The SHA-1 hashes of a stream's pieces, one after the other. Before them it yields nothing once, so that
 * whoever asks for that has a generator that closes the stream however it ends.
 */
export async function* hashPieces(
  stream: ByteStream,
  pieceBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  const chunks = stream[Symbol.asyncIterator]();
  try {
    yield emptyBytes;
    let hash = createHash("sha1");
    let hashedBytes = 0;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      for (let rest = next.value; rest.length > 0;) {
        const run = Math.min(rest.length, smallestPieceBytes, pieceBytes - hashedBytes);
        hash.update(rest.subarray(0, run));
        hashedBytes += run;
        rest = rest.subarray(run);
        if (hashedBytes < pieceBytes) continue;
        yield hash.digest();
        hash = createHash("sha1");
        hashedBytes = 0;
      }
      // Nobody waits for the whole of an object.
      await setImmediate();
    }
    if (hashedBytes > 0) yield hash.digest();
  } finally {
    await chunks.return?.();
  }
}

/** What a client may call the file: the last part of a key that is a file's name. */
export function fileNameOf(key: string, otherwise: string): string {
  return key.split("/").findLast((part) => !/^\.{0,2}$/.test(part)) ?? otherwise;
}

/**
 * The address of an object as a source. To one that ends with a slash clients append the torrent's name
 * (BEP 19), and some take what is no plain ASCII for an error.
 */
export function sourceUrlOf(url: string, versionId: string | undefined): string | undefined {
  // Who speaks HTTP/1.0 without Host has named no server.
  if (!/^https?:\/\/[^/]/.test(url)) return undefined;
  const plain = url.replaceAll(
    /[^!-~]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
  const named = plain.endsWith("/") ? `${plain.slice(0, -1)}%2F` : plain;
  return versionId === undefined ? named : `${named}?versionId=${encodeURIComponent(versionId)}`;
}

function pieceBytesOf(sizeBytes: number): number {
  let pieceBytes = smallestPieceBytes;
  while (sizeBytes > pieceBytes * mostPieces) pieceBytes *= 2;
  return pieceBytes;
}

function bencode(value: string | number): Uint8Array {
  if (typeof value === "number") return Buffer.from(`i${value}e`);
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
}
