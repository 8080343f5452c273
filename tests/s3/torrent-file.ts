// A small BitTorrent client: it reads a torrent file as BEP 3 defines it, as strictly as it says, and
// downloads from a web source as BEP 19 does, without credentials.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

export interface TorrentFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  /** Hexadecimal. */
  readonly hashes: readonly string[];
  readonly sources: readonly string[];
  readonly creationDate: number;
  /** What identifies it among peers. */
  readonly infoHash: string;
}

export function parseTorrent(bytes: Buffer): TorrentFile {
  const metainfo = parseBencode(bytes);
  assert.ok(metainfo instanceof Map);
  const info = metainfo.get("info");
  assert.ok(info instanceof Map);
  const [name, pieces] = [info.get("name"), info.get("pieces")];
  assert.ok(Buffer.isBuffer(name) && Buffer.isBuffer(pieces));
  assert.equal(pieces.length % 20, 0);
  const sources = metainfo.get("url-list") ?? [];
  assert.ok(Array.isArray(sources));
  return {
    name: new TextDecoder("utf-8", { fatal: true }).decode(name),
    sizeBytes: numberOf(info.get("length")),
    pieceBytes: numberOf(info.get("piece length")),
    hashes: Array.from({ length: pieces.length / 20 }, (_, index) =>
      pieces.toString("hex", index * 20, index * 20 + 20),
    ),
    sources: sources.map(String),
    creationDate: numberOf(metainfo.get("creation date")),
    infoHash: sha1(info.bytes),
  };
}

/** Every piece by a request of its own, checked by its hash. */
export async function downloadTorrent(torrent: TorrentFile): Promise<Buffer> {
  const [source = ""] = torrent.sources;
  // To an address that ends with a slash a client appends the name.
  const url = source.endsWith("/") ? source + encodeURIComponent(torrent.name) : source;
  const pieces: Buffer[] = [];
  for (const [index, hash] of torrent.hashes.entries()) {
    const start = index * torrent.pieceBytes;
    const end = Math.min(start + torrent.pieceBytes, torrent.sizeBytes);
    const answer = await fetch(url, { headers: { range: `bytes=${start}-${end - 1}` } });
    assert.equal(answer.status, 206, await answer.clone().text());
    const piece = Buffer.from(await answer.arrayBuffer());
    assert.equal(sha1(piece), hash, `piece ${index}`);
    pieces.push(piece);
  }
  const whole = Buffer.concat(pieces);
  assert.equal(whole.length, torrent.sizeBytes);
  return whole;
}

type Bencode = number | Buffer | Bencode[] | Dictionary;

class Dictionary extends Map<string, Bencode> {
  /** As they were sent. */
  bytes: Uint8Array = Buffer.alloc(0);
}

function parseBencode(bytes: Buffer): Bencode {
  const reader = new BencodeReader(bytes);
  const value = reader.read();
  assert.equal(reader.at, bytes.length, "nothing stands behind the value");
  return value;
}

class BencodeReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): Bencode {
    switch (this.#peek()) {
      case "i":
        this.at += 1;
        return this.#number("e");
      case "l":
        return this.#list();
      case "d":
        return this.#dictionary();
      default: {
        const start = this.at;
        const length = this.#number(":");
        assert.ok(length >= 0, `a string at ${start}`);
        const text = this.#bytes.subarray(this.at, (this.at += length));
        assert.equal(text.length, length, "a string has the length that it says");
        return text;
      }
    }
  }

  #list(): Bencode[] {
    const items: Bencode[] = [];
    for (this.at += 1; this.#peek() !== "e";) items.push(this.read());
    this.at += 1;
    return items;
  }

  #dictionary(): Dictionary {
    const start = this.at;
    const found = new Dictionary();
    let last = "";
    for (this.at += 1; this.#peek() !== "e";) {
      const key = this.read();
      assert.ok(Buffer.isBuffer(key));
      const name = key.toString("latin1");
      assert.ok(found.size === 0 || last < name, "the keys of a dictionary are sorted");
      found.set(name, this.read());
      last = name;
    }
    this.at += 1;
    found.bytes = this.#bytes.subarray(start, this.at);
    return found;
  }

  /** "All encodings with a leading zero, such as i03e, are invalid, other than i0e". */
  #number(end: string): number {
    const stop = this.#bytes.indexOf(end, this.at);
    const text = this.#bytes.toString("latin1", this.at, stop);
    assert.match(text, /^(?:0|-?[1-9]\d*)$/);
    this.at = stop + 1;
    return Number(text);
  }

  #peek(): string {
    assert.ok(this.at < this.#bytes.length, "the value ends");
    return this.#bytes.toString("latin1", this.at, this.at + 1);
  }
}

function numberOf(value: Bencode | undefined): number {
  assert.equal(typeof value, "number");
  return Number(value);
}

function sha1(bytes: Uint8Array): string {
  return createHash("sha1").update(bytes).digest("hex");
}
