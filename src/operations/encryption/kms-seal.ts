// Seals of SSE-KMS and DSSE-KMS: the object's key comes from a key management service, bound to the
// object's place and to what the client added.

import { S3Error } from "../../model/errors.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectEncryption } from "../../objects/records/object-record.ts";
import { ObjectKeyWrap } from "../../objects/sealing/key-wrap.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import type { OperationContext } from "../operation.ts";
import { parseClientContext, type ClientContext } from "./encryption-request.ts";
import type { KeyPurpose, ObjectKeys } from "./object-keys.ts";

type KmsEncryption = Extract<ObjectEncryption, { keyArn: string }>;

export interface KmsRequest {
  readonly kind: KmsEncryption["kind"];
  readonly keyId: string | undefined;
  readonly context: ClientContext | undefined;
  readonly bucketKey: boolean;
}

export interface SealedPlace {
  readonly bucket: BucketRecord;
  readonly key: string;
}

/** A seal under a key that is made for this object. Throws S3Error. */
export async function newKmsSeal(
  request: KmsRequest,
  place: SealedPlace,
  context: OperationContext,
): Promise<ObjectSeal> {
  const keys = keysOf(context);
  // Guide, "Using DSSE-KMS": bucket keys are not supported.
  const isBucketKey = request.bucketKey && request.kind === "aws:kms";
  const purpose = purposeOf({ isBucketKey, pairs: request.context?.pairs }, place, context);
  const { caller } = context;
  const accountId = caller.kind === "anonymous" ? place.bucket.ownerAccountId : caller.accountId;
  const made = await keys.generate({ ...purpose, keyId: request.keyId, accountId });
  return sealOf(
    {
      kind: request.kind,
      keyArn: made.keyArn,
      wrappedKey: made.wrapped,
      ...(request.context === undefined ? {} : { context: request.context.header }),
      ...(isBucketKey ? { bucketKey: true } : {}),
    },
    made.plaintext,
    context,
  );
}

/** The seal that a record speaks of. Throws S3Error, KeySealError. */
export async function openKmsSeal(
  encryption: KmsEncryption,
  place: SealedPlace,
  context: OperationContext,
): Promise<ObjectSeal> {
  const keys = keysOf(context);
  const isBucketKey = encryption.bucketKey === true;
  const pairs = parseClientContext(encryption.context)?.pairs;
  const purpose = purposeOf({ isBucketKey, pairs }, place, context);
  const { wrappedKey: wrapped, keyArn } = encryption;
  return sealOf(encryption, await keys.open({ wrapped, keyArn }, purpose), context);
}

function keysOf({ encryption }: OperationContext): ObjectKeys {
  if (encryption.signatureVersion !== "v4") {
    throw new S3Error("InvalidArgument", {
      message:
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
      fields: { ArgumentName: "Authorization", ArgumentValue: "null" },
    });
  }
  const { objectKeys } = encryption;
  if (objectKeys !== undefined) return objectKeys;
  throw new S3Error("NotImplemented", { fields: { Header: "x-amz-server-side-encryption" } });
}

/** Guide, "Encryption context": the object's ARN, the bucket's with a bucket key. */
function purposeOf(
  {
    isBucketKey,
    pairs,
  }: { readonly isBucketKey: boolean; readonly pairs: ClientContext["pairs"] | undefined },
  { bucket, key }: SealedPlace,
  { caller, signal }: OperationContext,
): KeyPurpose {
  const arn = `arn:aws:s3:::${bucket.name}`;
  return {
    principal: caller.kind === "anonymous" ? "" : caller.principal.arn,
    encryptionContext: { ...pairs, "aws:s3:arn": isBucketKey ? arn : `${arn}/${key}` },
    isBucketKey,
    signal,
  };
}

/** DSSE-KMS: the second layer's keys are kept by the server itself, independent of the first's. */
function sealOf(
  encryption: KmsEncryption,
  objectKey: Uint8Array,
  { store }: OperationContext,
): ObjectSeal {
  const wrap = new ObjectKeyWrap(objectKey);
  if (encryption.kind === "aws:kms") return { encryption, wrap };
  return { encryption, wrap, outerWrap: store.contents.defaultSeal?.wrap };
}
