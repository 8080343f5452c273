// How what a write makes is encrypted: settled by its headers and the bucket's default before a byte is
// read, and looked at once more in the transaction, by the bucket as it is there.

import { S3Error } from "../../model/errors.ts";
import { BucketChangedError } from "../../objects/bucket-changed-error.ts";
import type { BucketEncryption, BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectEncryption, VersionSettings } from "../../objects/records/object-record.ts";
import {
  customerKeyWrap,
  newCustomerKeyTrace,
  ObjectKeyWrap,
} from "../../objects/sealing/key-wrap.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import type { OperationContext } from "../operation.ts";
import { hasCustomerKey, type CustomerKey } from "./customer-key.ts";
import {
  parseEncryptionRequest,
  type EncryptionMembers,
  type RequestedEncryption,
} from "./encryption-request.ts";
import { newKmsSeal, type SealedPlace } from "./kms-seal.ts";
import { showWrittenEncryption } from "./shown-encryption.ts";

export interface SettledEncryption {
  /** `undefined`: the store was opened without keys. */
  readonly seal: ObjectSeal | undefined;
  /** Members of the answer. */
  readonly shown: ReturnType<typeof showWrittenEncryption>;
  /**
   * In the transaction. Throws BucketChangedError when the bucket's default is another one by now, and
   * S3Error AccessDenied when the bucket blocks this kind.
   */
  readonly checkBucket: (bucket: BucketRecord) => void;
}

/** Throws S3Error. */
export async function settleEncryption(
  input: EncryptionMembers,
  place: SealedPlace,
  context: OperationContext,
): Promise<SettledEncryption> {
  const { bucket } = place;
  // Before the key is looked at: github.com/ministackorg/ministack/pull/1439, seen of the service.
  if (hasCustomerKey(input) && isBlocked(bucket)) {
    checkNotBlocked(await context.store.buckets.get(bucket.name));
  }
  const asked = parseEncryptionRequest(input, context.encryption.isSafe);
  if (asked.kind === "SSE-C") {
    return settled(customerKeySeal(asked.key), checkNotBlocked, asked.key.md5);
  }
  const isDefault = asked.kind === "default";
  const checkBucket = isDefault ? sameDefault(bucket.encryption) : accept;
  const meant = isDefault ? defaultOf(bucket, asked.bucketKey) : asked;
  if (meant.kind === "AES256") return settled(context.store.contents.defaultSeal, checkBucket);
  const bucketKey = meant.bucketKey ?? bucket.encryption?.bucketKey ?? false;
  return settled(await newKmsSeal({ ...meant, bucketKey }, place, context), checkBucket);
}

/**
 * MD5 where S3 promises it, which is for SSE-S3 alone; else a value of the same form, which says nothing
 * about the content (API, "Object": ETag). A part that is sent again has the same one: its upload has
 * one key for all parts.
 */
export function etagFor(seal: ObjectSeal | undefined, md5Hex: string): string {
  if (seal === undefined || !(seal.wrap instanceof ObjectKeyWrap)) return md5Hex;
  return seal.wrap.fingerprint(Buffer.from(md5Hex, "hex")).toString("hex", 0, 16);
}

export function isMd5Shown(encryption: ObjectEncryption | undefined): boolean {
  return encryption === undefined || encryption.kind === "AES256";
}

/**
 * What the record says of the seal. Where the ETag is no MD5 the content's MD5 is kept under the
 * object's key, so that a copy that shows it need not read the bytes.
 */
export function encryptionFor(
  seal: ObjectSeal | undefined,
  md5Hex: string | undefined,
): ObjectEncryption | undefined {
  const encryption = seal?.encryption;
  if (seal === undefined || encryption === undefined || encryption.kind === "AES256") {
    return encryption;
  }
  if (md5Hex === undefined) return encryption;
  return { ...encryption, sealedMd5: seal.wrap.wrap(Buffer.from(md5Hex, "hex")) };
}

/** As settings of an upload. */
export function recordedEncryption(
  seal: ObjectSeal | undefined,
): Pick<VersionSettings, "encryption"> {
  return seal === undefined ? {} : { encryption: seal.encryption };
}

function settled(
  seal: ObjectSeal | undefined,
  checkBucket: SettledEncryption["checkBucket"],
  keyMd5?: string,
): SettledEncryption {
  return { seal, shown: showWrittenEncryption(seal?.encryption, keyMd5), checkBucket };
}

function customerKeySeal({ bytes }: CustomerKey): ObjectSeal {
  const trace = newCustomerKeyTrace(bytes);
  return { encryption: { kind: "SSE-C", ...trace }, wrap: customerKeyWrap(bytes, trace) };
}

function defaultOf(
  { encryption }: BucketRecord,
  bucketKey: boolean | undefined,
): Exclude<RequestedEncryption, { kind: "default" | "SSE-C" }> {
  if (encryption === undefined || encryption.algorithm === "AES256") return { kind: "AES256" };
  const { algorithm: kind, keyId } = encryption;
  return { kind, keyId, context: undefined, bucketKey };
}

function sameDefault(used: BucketEncryption | undefined): SettledEncryption["checkBucket"] {
  return (bucket) => {
    const now = bucket.encryption;
    if (now === used) return;
    const isSame =
      (now?.algorithm ?? "AES256") === (used?.algorithm ?? "AES256") &&
      now?.keyId === used?.keyId &&
      (now?.bucketKey ?? false) === (used?.bucketKey ?? false);
    if (!isSame) throw new BucketChangedError(bucket);
  };
}

/** User Guide, "Blocking or unblocking SSE-C for a general purpose bucket": 403 AccessDenied. */
function checkNotBlocked(bucket: BucketRecord): void {
  if (isBlocked(bucket)) throw new S3Error("AccessDenied");
}

function isBlocked({ encryption }: BucketRecord): boolean {
  return encryption?.blocked?.includes("SSE-C") === true;
}

function accept(): void {}
