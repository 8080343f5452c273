// UpdateObjectEncryption: another key for a version that exists. The keys of its bytes are wrapped anew;
// no byte moves, and ETag, dates and checksums stay. Messages are those of the API reference.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { isProtected } from "../../objects/object-lock.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import { knownMd5 } from "../encryption/copied-content.ts";
import { encryptionFor } from "../encryption/encryption-settings.ts";
import { newKmsSeal } from "../encryption/kms-seal.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["UpdateObjectEncryption"]["input"];
type Output = OperationTypes["UpdateObjectEncryption"]["output"];

const keyArnPattern = /^arn:aws[-a-z0-9]*:kms:[-a-z0-9]*:(\d{12}):key\/.+$/;

export const updateObjectEncryption: Operation<Input, Output> = async (input, context) => {
  if (context.encryption.signatureVersion !== "v4") {
    throw invalidRequest(
      "Requests that modify an object encryption configuration require AWS Signature Version 4. Modify the request to use AWS Signature Version 4, and then try again.",
    );
  }
  const { SSEKMS: asked } = input.ObjectEncryption;
  if (asked === undefined) {
    throw invalidRequest(
      "Requests that modify an object encryption configuration require a valid new encryption type. Valid values are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.",
    );
  }
  const accountId = keyArnPattern.exec(asked.KMSKeyArn)?.[1];
  if (accountId === undefined) {
    throw invalidRequest(
      "Requests that modify an object's encryption type to SSE-KMS require a valid AWS KMS key Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, and then try again.",
    );
  }
  const request = {
    keyArn: asked.KMSKeyArn,
    bucketKey: asked.BucketKeyEnabled === true,
    accountId,
  };
  await whenReplacedAgain(() => update(input, request, context));
  return {};
};

interface NewKey {
  readonly keyArn: string;
  /** The account that it belongs to. */
  readonly accountId: string;
  readonly bucketKey: boolean;
}

async function update(input: Input, newKey: NewKey, context: OperationContext): Promise<void> {
  const { store } = context;
  const { bucket, record } = await store.versions.find(input.Bucket, input.Key, input.VersionId);
  checkSource(record, context);
  if (newKey.accountId !== bucket.ownerAccountId) {
    throw new S3Error("AccessDenied", {
      message:
        "The AWS KMS key in the request must be owned by the same account as the bucket. Modify the request to specify a KMS key from the same account, and then try again.",
    });
  }
  const place = { bucket, key: input.Key };
  const { encryption } = record;
  const opened = await openObjectSeal({ ...place, encryption }, {}, context);
  const from = opened ?? store.contents.defaultSeal;
  const { keyArn: keyId, bucketKey } = newKey;
  const to = await newKmsSeal(
    { kind: "aws:kms", keyId, bucketKey, context: undefined },
    place,
    context,
  );
  await store.writes.changeEncryption(
    { bucketName: input.Bucket, key: input.Key },
    input.VersionId,
    {
      cause: context.cause("ObjectEncryption:Put"),
      from,
      to,
      before: encryption,
      after: encryptionFor(to, knownMd5(record, from)) ?? to.encryption,
      judge: (before) => checkSource(before, context),
    },
  );
}

function checkSource({ encryption, lock }: ObjectRecord, { clock }: OperationContext): void {
  if (isProtected(lock, clock.now(), false)) {
    throw new S3Error("AccessDenied", {
      message:
        "The encryption type for the specified object can't be updated because that object is protected by S3 Object Lock. If the object has a governance-mode retention period or a legal hold, you must first remove the Object Lock status on the object before you issue your UpdateObjectEncryption request. You can't use the UpdateObjectEncryption operation with objects that have an Object Lock compliance mode retention period applied to them.",
    });
  }
  if (encryption === undefined) {
    throw invalidRequest(
      "The UpdateObjectEncryption operation doesn't supported unencrypted source objects. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
    );
  }
  if (encryption.kind === "AES256" || encryption.kind === "aws:kms") return;
  throw invalidRequest(
    "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
  );
}

function invalidRequest(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
