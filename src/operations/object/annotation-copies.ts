// The annotations that a copy takes along: where the copy has another key or asks for another checksum,
// their bytes are read, and sealed anew, before the commit that names them.

import { createHash } from "node:crypto";
import { gatherBytes, inOnePiece } from "../../base/bytes.ts";
import { createChecksum, type ChecksumAlgorithm } from "../../body/checksum.ts";
import type { CopiedAnnotations, PreparedAnnotation } from "../../objects/annotations.ts";
import type { AnnotationRecord } from "../../objects/records/annotation-record.ts";
import type { StoredChecksum } from "../../objects/records/object-record.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import type { SourceVersion } from "../../objects/versions.ts";
import { StorageUnavailableError } from "../../storage/storage-errors.ts";
import { changeOfSeals, movesBytes, type CopySeals } from "../encryption/copied-content.ts";
import { etagFor } from "../encryption/encryption-settings.ts";
import type { OperationContext } from "../operation.ts";
import { checkAnnotatable } from "./annotation-members.ts";
import type { CopiedVersion } from "./write-copy.ts";

export interface AnnotationCopying {
  readonly source: CopiedVersion;
  readonly seals: CopySeals;
  /** That the copy asks for; `undefined`: each keeps its own. */
  readonly algorithm: ChecksumAlgorithm | undefined;
}

/**
 * Runs a copy with the annotations of its source, and removes what was made of them when it surely failed.
 * Throws S3Error InvalidRequest for a copy that cannot have any.
 */
export async function withAnnotations<Result>(
  copying: AnnotationCopying,
  context: OperationContext,
  copy: (annotations: CopiedAnnotations) => Promise<Result>,
): Promise<Result> {
  const { source, seals } = copying;
  const { bucket, key, versionId, record } = source;
  checkAnnotatable(seals.to?.encryption);
  const { sequence, encryption } = record;
  const place = { bucketName: bucket.name, key };
  const version: SourceVersion = { place, versionId, sequence, encryption };
  const prepared = new Map<string, PreparedAnnotation>();
  try {
    const isPrepared = await prepare(copying, prepared, context);
    return await copy({ source: version, prepared: isPrepared ? prepared : undefined });
  } catch (error) {
    // When the outcome is unknown, a record may name the bytes: only the sweeper can tell.
    if (!(error instanceof StorageUnavailableError)) await discard(prepared, context);
    throw error;
  }
}

/** `false`: there is nothing to prepare. */
async function prepare(
  { source: { bucket, key, record }, seals, algorithm }: AnnotationCopying,
  prepared: Map<string, PreparedAnnotation>,
  context: OperationContext,
): Promise<boolean> {
  const isSealedAnew =
    changeOfSeals(record.encryption, seals, context) !== undefined ||
    movesBytes(record.encryption, seals.to);
  if (!isSealedAnew && algorithm === undefined) return false;
  const { annotations, contents } = context.store;
  for (const { name, record: source } of await annotations.listAll({
    bucket: bucket.id,
    key,
    record,
  })) {
    context.signal.throwIfAborted();
    const text = await readAnnotation(source, seals.from, context);
    const seal = seals.to ?? contents.defaultSeal;
    const received = isSealedAnew
      ? await contents.receive(inOnePiece(text), text.byteLength, seal)
      : undefined;
    const md5Hex = createHash("md5").update(text).digest("hex");
    prepared.set(name, {
      source,
      etag: isSealedAnew ? etagFor(seals.to, md5Hex) : source.etag,
      checksum: checksumOf(text, source.checksum, algorithm),
      received,
    });
  }
  return true;
}

/** The text of an annotation; at most 1 MiB. */
export async function readAnnotation(
  { extents, sizeBytes }: AnnotationRecord,
  seal: ObjectSeal | undefined,
  { store }: OperationContext,
): Promise<Buffer> {
  const bytes = await store.contents.open({ extents }, 0, sizeBytes, seal);
  if (bytes instanceof Uint8Array) return Buffer.from(bytes);
  return gatherBytes(bytes, sizeBytes);
}

function checksumOf(
  text: Uint8Array,
  known: StoredChecksum,
  algorithm: ChecksumAlgorithm | undefined,
): StoredChecksum {
  if (algorithm === undefined || algorithm === known.algorithm) return known;
  const running = createChecksum(algorithm);
  running.update(text);
  const value = Buffer.from(running.digest()).toString("base64");
  return { algorithm, value, type: "FULL_OBJECT" };
}

async function discard(
  prepared: ReadonlyMap<string, PreparedAnnotation>,
  { store }: OperationContext,
): Promise<void> {
  for (const { received } of prepared.values()) {
    if (received !== undefined) await store.contents.discard(received);
  }
}
