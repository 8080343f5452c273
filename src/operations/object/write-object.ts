// Stores the body of an upload as an object: one call for PutObject and PostObject.

import type { DigestedPayload } from "../../body/object-digests.ts";
import type { BegunWrite, NewVersion, ObjectPlace, Written } from "../../objects/object-writes.ts";
import type { ObjectAttributes } from "../../objects/records/object-record.ts";
import type { EncryptionMembers } from "../encryption/encryption-request.ts";
import {
  encryptionFor,
  etagFor,
  settleEncryption,
  type SettledEncryption,
} from "../encryption/encryption-settings.ts";
import type { OperationContext } from "../operation.ts";

export interface ObjectWriting {
  readonly input: EncryptionMembers;
  readonly place: ObjectPlace;
  readonly begun: BegunWrite;
  /** Digests with an MD5. */
  readonly digested: DigestedPayload;
  readonly lengthBytes: number | undefined;
  /** What `settleEncryption` made of the same input. */
  readonly encryption: SettledEncryption;
  readonly attributes: ObjectAttributes;
  readonly settle: NonNullable<NewVersion["settle"]>;
  readonly replica?: NewVersion["replica"];
}

/** `shown`: what the answer says of encryption. Throws S3Error. */
export async function writeObject(
  writing: ObjectWriting,
  context: OperationContext,
): Promise<{ readonly written: Written; readonly shown: SettledEncryption["shown"] }> {
  const { contents, writes, tiers } = context.store;
  const { input, place, begun, digested, attributes, settle, replica } = writing;
  let { encryption } = writing;
  const tier = tiers.of(attributes.storageClass);
  const { stream } = digested;
  const received = await contents.receive(stream, writing.lengthBytes, encryption.seal, tier);
  const { md5Hex = "", checksum } = digested.result();
  const describe = ({ seal, checkBucket }: SettledEncryption): NewVersion => ({
    cause: context.cause("ObjectCreated:Put"),
    etag: etagFor(seal, md5Hex),
    checksum: checksum === undefined ? undefined : { ...checksum, type: "FULL_OBJECT" },
    attributes,
    replica,
    encryption: encryptionFor(seal, md5Hex),
    settle(bucket) {
      checkBucket(bucket);
      return settle(bucket);
    },
  });
  const upload = { received, version: describe(encryption) };
  const written = await writes.put(place, begun, upload, async (bucket, bytes) => {
    // The bucket's default was changed since: the bytes are there, and get the seal that it wants.
    encryption = await settleEncryption(input, { bucket, key: place.key }, context);
    const resealed = await contents.reseal(bytes, encryption.seal, tier);
    return { received: resealed, version: describe(encryption) };
  });
  return { written, shown: encryption.shown };
}
