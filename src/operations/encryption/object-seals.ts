// The seals of what is stored already: of a version that is read or copied, and of an upload that gets
// parts. Here it is judged whether a request brings the right key.

import { S3Error } from "../../model/errors.ts";
import type { ObjectEncryption } from "../../objects/records/object-record.ts";
import { customerKeyWrap, isCustomerKey } from "../../objects/sealing/key-wrap.ts";
import type { ObjectSeal } from "../../objects/sealing/object-seal.ts";
import type { OperationContext } from "../operation.ts";
import { hasCustomerKey, parseCustomerKey, type CustomerKeyMembers } from "./customer-key.ts";
import { openKmsSeal, type SealedPlace } from "./kms-seal.ts";

export interface SealedThing extends SealedPlace {
  readonly encryption: ObjectEncryption | undefined;
}

/**
 * Whether a request that reads a version may know of it: it must bring the customer's key, and none
 * where there is none. Throws S3Error InvalidRequest, AccessDenied.
 */
export function checkReadKey(
  encryption: ObjectEncryption | undefined,
  input: CustomerKeyMembers,
  context: OperationContext,
): void {
  if (encryption?.kind === "SSE-C") customerSeal(encryption, input, context);
  else if (hasCustomerKey(input)) refuseKey(input, context);
}

/** What opens a version's bytes; `undefined`: the store's own keys do. Throws S3Error. */
export async function openObjectSeal(
  { encryption, ...place }: SealedThing,
  input: CustomerKeyMembers,
  context: OperationContext,
): Promise<ObjectSeal | undefined> {
  if (encryption?.kind === "SSE-C") return customerSeal(encryption, input, context);
  if (hasCustomerKey(input)) refuseKey(input, context);
  if (encryption === undefined || encryption.kind === "AES256") return undefined;
  return openKmsSeal(encryption, place, context);
}

/** The seal for a part of an upload. Throws S3Error. */
export async function openUploadSeal(
  { encryption, ...place }: SealedThing,
  input: CustomerKeyMembers,
  context: OperationContext,
): Promise<ObjectSeal | undefined> {
  checkUploadKey(encryption, input, context);
  if (encryption?.kind === "SSE-C") return customerSeal(encryption, input, context);
  if (encryption === undefined || encryption.kind === "AES256") return undefined;
  return openKmsSeal(encryption, place, context);
}

/** Throws S3Error InvalidRequest. */
export function checkUploadKey(
  encryption: ObjectEncryption | undefined,
  input: CustomerKeyMembers,
  context: OperationContext,
): void {
  const key = parseCustomerKey(input, context.encryption.isSafe);
  if (encryption?.kind !== "SSE-C") {
    if (key === undefined) return;
    throw invalidRequest(
      "The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.",
    );
  }
  if (key === undefined) {
    throw invalidRequest(
      "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.",
    );
  }
  if (isCustomerKey(key.bytes, encryption)) return;
  throw invalidRequest(
    "The provided encryption parameters did not match the ones used originally.",
  );
}

function customerSeal(
  encryption: Extract<ObjectEncryption, { kind: "SSE-C" }>,
  input: CustomerKeyMembers,
  context: OperationContext,
): ObjectSeal {
  const key = parseCustomerKey(input, context.encryption.isSafe);
  if (key === undefined) {
    throw invalidRequest(
      "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.",
    );
  }
  // Seen of the service: github.com/minio/minio/issues/6431 and pull/6600, for GET and HEAD.
  if (!isCustomerKey(key.bytes, encryption)) throw new S3Error("AccessDenied");
  return { encryption, wrap: customerKeyWrap(key.bytes, encryption) };
}

/** Seen of the service: github.com/boto/boto3/issues/982. */
function refuseKey(input: CustomerKeyMembers, context: OperationContext): never {
  parseCustomerKey(input, context.encryption.isSafe);
  throw invalidRequest("The encryption parameters are not applicable to this object.");
}

function invalidRequest(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}
