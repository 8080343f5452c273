// Stores a text as an annotation of a version, whether a client sends it or replication does: sealed as the
// version is, which may get another key meanwhile.

import { isDeepStrictEqual } from "node:util";
import { inOnePiece } from "../../base/bytes.ts";
import { BucketChangedError } from "../../objects/bucket-changed-error.ts";
import type { ObjectPlace, Written } from "../../objects/object-writes.ts";
import type { ReceivedContent } from "../../objects/received-content.ts";
import type { ChangeCause } from "../../objects/records/change-record.ts";
import type {
  ObjectEncryption,
  ObjectRecord,
  StoredChecksum,
} from "../../objects/records/object-record.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import { etagFor } from "../encryption/encryption-settings.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { OperationContext } from "../operation.ts";
import { checkAnnotatable } from "./annotation-members.ts";

export interface AnnotatedPlace {
  readonly place: ObjectPlace;
  readonly versionId: string | undefined;
  /** Of the version, also in the commit; may throw to refuse. */
  readonly judge: (record: ObjectRecord) => void;
}

export interface AnnotationWriting extends AnnotatedPlace {
  readonly name: string;
  readonly cause: ChangeCause;
  readonly text: Uint8Array;
  readonly md5Hex: string;
  readonly checksum: StoredChecksum;
  /** Shown as whole seconds. */
  readonly lastModifiedMilliseconds: number;
}

/** Each fails only when the version gets another key in the very moment. */
const attempts = 8;

/** Whether the version may get the annotation. Throws S3Error. */
export function checkAnnotated(
  { judge }: Pick<AnnotatedPlace, "judge">,
  record: ObjectRecord,
): void {
  judge(record);
  checkAnnotatable(record.encryption);
}

/** Throws S3Error. */
export async function writeAnnotation(
  writing: AnnotationWriting,
  context: OperationContext,
): Promise<{ readonly written: Written; readonly etag: string }> {
  const { contents } = context.store;
  const { text, md5Hex } = writing;
  let received: ReceivedContent | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const found = await findSeal(writing, context).catch(async (error: unknown) => {
      if (received !== undefined) await contents.discard(received);
      throw error;
    });
    const { encryption, seal } = found;
    received =
      received === undefined
        ? await contents.receive(inOnePiece(text), text.byteLength, seal)
        : await contents.reseal(received, seal);
    const etag = etagFor(seal, md5Hex);
    try {
      const sealed = { received, encryption, etag };
      return { written: await commit(writing, sealed, context), etag };
    } catch (error) {
      if (!(error instanceof BucketChangedError)) throw error;
      if (attempt < attempts) continue;
      await contents.discard(received);
      throw error;
    }
  }
}

/** What the version is sealed by now. Throws S3Error. */
async function findSeal(
  writing: AnnotationWriting,
  context: OperationContext,
): Promise<{
  readonly encryption: ObjectEncryption | undefined;
  readonly seal: ObjectSeal | undefined;
}> {
  const { place, versionId } = writing;
  const { bucketName, key } = place;
  const { bucket, record } = await context.store.versions.find(bucketName, key, versionId);
  checkAnnotated(writing, record);
  const { encryption } = record;
  const opened = await openObjectSeal({ bucket, key, encryption }, {}, context);
  return { encryption, seal: opened ?? context.store.contents.defaultSeal };
}

interface SealedText {
  readonly received: ReceivedContent;
  /** Of the version whose key the bytes are sealed by. */
  readonly encryption: ObjectEncryption | undefined;
  readonly etag: string;
}

/** Throws BucketChangedError when the version has another key by now: the bytes stay, to be resealed. */
function commit(
  writing: AnnotationWriting,
  { received, encryption, etag }: SealedText,
  { store }: OperationContext,
): Promise<Written> {
  const { place, versionId, name, cause, checksum } = writing;
  const seconds = Math.floor(writing.lastModifiedMilliseconds / 1000);
  const facts = { lastModifiedMilliseconds: seconds * 1000, etag, checksum };
  const { key } = place;
  return store.contents.commitOrDiscard(received, () =>
    store.writes.changeVersion(
      place,
      versionId,
      { ...cause, annotation: name },
      (record, bucket, transaction) => {
        checkAnnotated(writing, record);
        if (!isDeepStrictEqual(record.encryption, encryption)) throw new BucketChangedError(bucket);
        const annotation = { name, received, facts };
        return store.annotations.put(transaction, bucket, { key, record }, annotation);
      },
    ),
  );
}
