// GetObjectTorrent: the metainfo file by which BitTorrent clients download a version from this server and
// from each other. What those who have no credentials may download is what anybody may read.

import { emptyBytes, inOnePiece } from "../../base/bytes.ts";
import {
  fileNameOf,
  frameTorrent,
  hashPieces,
  sourceUrlOf,
  type TorrentFrame,
} from "../../body/torrent.ts";
import { S3Error } from "../../model/errors.ts";
import { torrentBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { readableContent } from "../../objects/archives.ts";
import type { PieceHashes } from "../../objects/piece-hashes.ts";
import type { Content } from "../../objects/records/object-record.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { Operation } from "../operation.ts";
import { whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["GetObjectTorrent"]["input"];
type Output = OperationTypes["GetObjectTorrent"]["output"];

export const getObjectTorrent: Operation<Input, Output> = (input, context) =>
  whenReplacedAgain(async () => {
    const { Bucket, Key, VersionId } = input;
    const { bucket, record } = await context.objects.find(Bucket, Key, VersionId);
    const { encryption, sizeBytes } = record;
    // There is no member for a customer's key: what is sealed by one is refused.
    const seal = await openObjectSeal({ bucket, key: Key, encryption }, {}, context);
    const content = readableContent(record, context.clock.now());
    if (sizeBytes >= torrentBytes) throw tooLarge();
    const name = fileNameOf(Key, Bucket);
    const sourceUrl = sourceUrlOf(context.resourceUrl, VersionId);
    const createdMilliseconds = record.lastModifiedMilliseconds;
    const frame = frameTorrent({ name, sizeBytes, createdMilliseconds, sourceUrl });
    const { contents, pieceHashes } = context.store;
    const known = pieceHashes.find(content);
    let stream: Uint8Array | AsyncGenerator<Uint8Array>;
    if (known === undefined) {
      const bytes = await contents.open(content, 0, sizeBytes, seal);
      const pieces = bytes instanceof Uint8Array ? inOnePiece(bytes) : bytes;
      stream = writeTorrent(frame, hashPieces(pieces, frame.pieceBytes), { content, pieceHashes });
      await stream.next();
    } else {
      stream = Buffer.concat([frame.head, known, frame.tail]);
    }
    context.notes.objectBytes = sizeBytes;
    return {
      Body: { stream, lengthBytes: frame.lengthBytes },
      ContentType: "application/x-bittorrent",
      ContentDisposition: attachmentOf(`${name}.torrent`),
    };
  });

/** As with `hashPieces` what comes first is nothing: from then on the object is closed whatever happens. */
async function* writeTorrent(
  frame: TorrentFrame,
  hashes: AsyncGenerator<Uint8Array>,
  cache: { readonly content: Content; readonly pieceHashes: PieceHashes },
): AsyncGenerator<Uint8Array> {
  try {
    await hashes.next();
    yield emptyBytes;
    yield frame.head;
    const made = Buffer.alloc(frame.hashesLengthBytes);
    let length = 0;
    for await (const hash of hashes) {
      made.set(hash, length);
      length += hash.length;
      yield hash;
    }
    cache.pieceHashes.keep(cache.content, made);
    yield frame.tail;
  } finally {
    await hashes.return(undefined);
  }
}

/** Reference: "You can get torrent only for objects that are less than 5 GB in size". The words are ours. */
function tooLarge(): S3Error {
  return new S3Error("InvalidRequest", {
    message: `The object is too large for a torrent: it must have less than ${torrentBytes} bytes`,
  });
}

/** Developer Guide: `attachment; filename=Nelson.torrent;`. What is no token is quoted (RFC 6266). */
function attachmentOf(fileName: string): string {
  if (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(fileName)) return `attachment; filename=${fileName};`;
  const plain = fileName.replaceAll(/[^ -~]/g, "_").replaceAll(/["\\]/g, String.raw`\$&`);
  const encoded = encodeURIComponent(fileName.toWellFormed()).replaceAll(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
