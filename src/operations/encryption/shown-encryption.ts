// What answers say of encryption.

import type { PutObjectOutput } from "../../model/types.generated.ts";
import type { ObjectEncryption } from "../../objects/records/object-record.ts";

/** Members that the outputs of writes and reads share. */
export type ShownEncryption = Partial<
  Pick<
    PutObjectOutput,
    | "ServerSideEncryption"
    | "SSEKMSKeyId"
    | "BucketKeyEnabled"
    | "SSECustomerAlgorithm"
    | "SSECustomerKeyMD5"
  >
>;

const nothing: ShownEncryption = {};
const masterKey: ShownEncryption = { ServerSideEncryption: "AES256" };

/**
 * `keyMd5`: of the customer's key, as the request brought it. Nothing is said of an object without an
 * encryption: it was stored by a server that did not encrypt yet.
 */
export function showEncryption(
  encryption: ObjectEncryption | undefined,
  keyMd5?: string,
): ShownEncryption {
  if (encryption === undefined) return nothing;
  if (encryption.kind === "AES256") return masterKey;
  if (encryption.kind === "SSE-C") {
    return { SSECustomerAlgorithm: "AES256", SSECustomerKeyMD5: keyMd5 };
  }
  return {
    ServerSideEncryption: encryption.kind,
    SSEKMSKeyId: encryption.keyArn,
    BucketKeyEnabled: encryption.bucketKey,
  };
}

/** A write shows the client's encryption context too. */
export function showWrittenEncryption(
  encryption: ObjectEncryption | undefined,
  keyMd5?: string,
): ShownEncryption & Pick<PutObjectOutput, "SSEKMSEncryptionContext"> {
  const shown = showEncryption(encryption, keyMd5);
  if (encryption === undefined || !("context" in encryption)) return shown;
  return { ...shown, SSEKMSEncryptionContext: encryption.context };
}

/** A completion's answer has no members for a customer's key. */
export function showCompletedEncryption(
  encryption: ObjectEncryption | undefined,
): Pick<ShownEncryption, "ServerSideEncryption" | "SSEKMSKeyId" | "BucketKeyEnabled"> {
  return encryption?.kind === "SSE-C" ? nothing : showEncryption(encryption);
}
