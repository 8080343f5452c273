// Seals of SSE-KMS and DSSE-KMS: the object's key comes from a key management service, bound to the
// object's place and to what the client added.

import type { KeyDemand } from "../../access/request-access.ts";
import type { DataKeys, OpenRequest } from "../../keys/data-keys.ts";
import { S3Error } from "../../model/errors.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectEncryption } from "../../objects/records/object-record.ts";
import { ObjectKeyWrap } from "../../objects/sealing/key-wrap.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import type { OperationContext } from "../operation.ts";
import { parseClientContext, type ClientContext } from "./encryption-request.ts";

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
  const dataKeys = dataKeysOf(context);
  // Guide, "Using DSSE-KMS": bucket keys are not supported.
  const isBucketKey = request.bucketKey && request.kind === "aws:kms";
  const { caller, signal } = context;
  const accountId = caller.kind === "anonymous" ? place.bucket.ownerAccountId : caller.accountId;
  const contexts = contextsOf(isBucketKey, request.context?.pairs, place);
  const made = await dataKeys.create({ keyId: request.keyId, accountId, signal, ...contexts });
  await demandKey("kms:GenerateDataKey", made, contexts, context);
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
  const dataKeys = dataKeysOf(context);
  const { wrappedKey: wrapped, keyArn, bucketKey } = encryption;
  const pairs = parseClientContext(encryption.context)?.pairs;
  const contexts = contextsOf(bucketKey === true, pairs, place);
  const { signal } = context;
  await demandKey("kms:Decrypt", { wrapped, keyArn }, contexts, context);
  const objectKey = await dataKeys.open({ wrapped, keyArn, signal, ...contexts });
  return sealOf(encryption, objectKey, context);
}

/**
 * The caller must be allowed to use the key, not only the object; with a bucket key, in the context of
 * the bucket (Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys").
 */
async function demandKey(
  action: KeyDemand["action"],
  wrapped: { readonly wrapped: string; readonly keyArn: string },
  { encryptionContext, bucketKeyContext }: ReturnType<typeof contextsOf>,
  context: OperationContext,
): Promise<void> {
  const { caller } = context;
  const accountId = caller.kind === "anonymous" ? "" : caller.accountId;
  const key = await dataKeysOf(context).protectionOf(wrapped, accountId);
  const seen = bucketKeyContext ?? encryptionContext;
  context.access.demandKey({ action, key, encryptionContext: seen });
}

function dataKeysOf({ encryption }: OperationContext): DataKeys {
  if (encryption.signatureVersion !== "v4") {
    throw new S3Error("InvalidArgument", {
      message:
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
      fields: { ArgumentName: "Authorization", ArgumentValue: "null" },
    });
  }
  const { dataKeys } = encryption;
  if (dataKeys !== undefined) return dataKeys;
  throw new S3Error("NotImplemented", { fields: { Header: "x-amz-server-side-encryption" } });
}

/** Guide, "Encryption context": the object's ARN, the bucket's with a bucket key. */
function contextsOf(
  isBucketKey: boolean,
  pairs: ClientContext["pairs"] | undefined,
  { bucket, key }: SealedPlace,
): Pick<OpenRequest, "encryptionContext" | "bucketKeyContext"> {
  const arn = `arn:aws:s3:::${bucket.name}`;
  const encryptionContext = { ...pairs, "aws:s3:arn": `${arn}/${key}` };
  if (!isBucketKey) return { encryptionContext };
  return { encryptionContext, bucketKeyContext: { "aws:s3:arn": arn } };
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
