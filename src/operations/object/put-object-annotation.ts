// PutObjectAnnotation: a named text beside the bytes of a version, sealed as they are. It makes no version
// and leaves ETag and Last-Modified of the object.

import { isUtf8 } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { digestPayload, type ObjectDigests } from "../../body/object-digests.ts";
import { requireLength } from "../../body/request-payload.ts";
import { assert } from "../../base/assert.ts";
import type { TransientByteStream } from "../../base/bytes.ts";
import { S3Error } from "../../model/errors.ts";
import { annotationBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { BucketChangedError } from "../../objects/bucket-changed-error.ts";
import type { Written } from "../../objects/object-writes.ts";
import { checkObjectMatch } from "../../objects/preconditions.ts";
import type { ReceivedContent } from "../../objects/received-content.ts";
import type { ObjectEncryption, ObjectRecord } from "../../objects/records/object-record.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import { etagFor } from "../encryption/encryption-settings.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { annotationEncryption, checkAnnotatable } from "./annotation-members.ts";
import { checkAnnotationName } from "./annotation-name.ts";
import { checksumMember, readChecksums } from "./checksum-members.ts";
import { quoteEtag, shownVersionId } from "./object-members.ts";

type Input = OperationTypes["PutObjectAnnotation"]["input"];
type Output = OperationTypes["PutObjectAnnotation"]["output"];

/** Each fails only when the version gets another key in the very moment. */
const attempts = 8;

export const putObjectAnnotation: Operation<Input, Output> = async (input, context) => {
  const { objects, payload } = context;
  checkAnnotationName(input.AnnotationName);
  const lengthBytes = requireLength(payload);
  const digested = digestPayload(payload, {
    contentMd5: input.ContentMD5,
    checksums: readChecksums(input),
    sdkAlgorithm: input.ChecksumAlgorithm,
    defaultAlgorithm: "CRC64NVME",
    needsMd5: true,
    maximumBytes: annotationBytes,
  });
  if (lengthBytes === 0) throw new S3Error("EntityTooSmall", { fields: { MinSizeAllowed: 1 } });
  const found = await objects.find(input.Bucket, input.Key, input.VersionId);
  checkVersion(input, found.record);
  const text = await collect(digested.stream, lengthBytes);
  if (!isUtf8(text)) throw new S3Error("UnsupportedMediaType");
  const { written, stored } = await store(input, { text, digests: digested.result() }, context);
  return {
    Key: input.Key,
    AnnotationName: input.AnnotationName,
    ObjectVersionId: shownVersionId(written.bucket, written.record),
    ETag: quoteEtag(stored.etag),
    ...checksumMember(stored.checksum),
    ChecksumType: stored.checksum.type,
    ServerSideEncryption: annotationEncryption(written.record.encryption),
  };
};

/** Throws S3Error PreconditionFailed, InvalidRequest. */
function checkVersion(input: Input, record: ObjectRecord): void {
  checkObjectMatch(input.ObjectIfMatch, record);
  checkAnnotatable(record.encryption);
}

/** Bounded by `annotationBytes`; only a whole text can be told to be one. */
async function collect(stream: TransientByteStream, lengthBytes: number): Promise<Buffer> {
  const text = Buffer.allocUnsafe(lengthBytes);
  let filled = 0;
  for await (const chunk of stream) {
    text.set(chunk, filled);
    filled += chunk.byteLength;
  }
  assert(filled === lengthBytes, "a body that ended without an error is complete");
  return text;
}

interface AnnotationText {
  readonly text: Buffer;
  readonly digests: ObjectDigests;
}

async function store(
  input: Input,
  { text, digests: { md5Hex = "", checksum } }: AnnotationText,
  context: OperationContext,
) {
  assert(checksum !== undefined, "every annotation has a checksum");
  const { contents } = context.store;
  let received: ReceivedContent | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const { encryption, seal } = await findSeal(input, context).catch(async (error: unknown) => {
      if (received !== undefined) await contents.discard(received);
      throw error;
    });
    received =
      received === undefined
        ? await contents.receive(once(text), text.byteLength, seal)
        : await contents.reseal(received, seal);
    const stored = {
      etag: etagFor(seal, md5Hex),
      checksum: { ...checksum, type: "FULL_OBJECT" as const },
    };
    try {
      const sealed = { received, encryption, stored };
      return { written: await commit(input, sealed, context), stored };
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
  input: Input,
  context: OperationContext,
): Promise<{
  readonly encryption: ObjectEncryption | undefined;
  readonly seal: ObjectSeal | undefined;
}> {
  const { Bucket, Key: key, VersionId } = input;
  const { bucket, record } = await context.store.versions.find(Bucket, key, VersionId);
  checkVersion(input, record);
  const { encryption } = record;
  const opened = await openObjectSeal({ bucket, key, encryption }, {}, context);
  return { encryption, seal: opened ?? context.store.contents.defaultSeal };
}

interface SealedAnnotation {
  readonly received: ReceivedContent;
  /** Of the version whose key the bytes are sealed by. */
  readonly encryption: ObjectEncryption | undefined;
  readonly stored: Pick<
    Parameters<OperationContext["store"]["annotations"]["put"]>[3]["facts"],
    "etag" | "checksum"
  >;
}

/** Throws BucketChangedError when the version has another key by now: the bytes stay, to be resealed. */
function commit(
  input: Input,
  { received, encryption, stored }: SealedAnnotation,
  context: OperationContext,
): Promise<Written> {
  const { Bucket: bucketName, Key: key, AnnotationName: name } = input;
  const { contents, writes, annotations } = context.store;
  const seconds = Math.floor(context.clock.now() / 1000);
  const facts = { lastModifiedMilliseconds: seconds * 1000, ...stored };
  return contents.commitOrDiscard(received, () =>
    writes.changeVersion(
      { bucketName, key },
      input.VersionId,
      context.cause("ObjectAnnotation:Put"),
      (record, bucket, transaction) => {
        checkVersion(input, record);
        if (!isDeepStrictEqual(record.encryption, encryption)) {
          throw new BucketChangedError(bucket);
        }
        return annotations.put(transaction, bucket, { key, record }, { name, received, facts });
      },
    ),
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}
