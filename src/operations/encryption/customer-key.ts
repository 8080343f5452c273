// The key that a customer sends along (SSE-C): three headers that belong together, for the object itself
// or for the source of a copy.

import { createHash } from "node:crypto";
import { S3Error } from "../../model/errors.ts";
import type { CopyObjectInput, PutObjectInput } from "../../model/types.generated.ts";

export type CustomerKeyMembers = Partial<
  Pick<PutObjectInput, "SSECustomerAlgorithm" | "SSECustomerKey" | "SSECustomerKeyMD5">
>;

export type SourceCustomerKeyMembers = Partial<
  Pick<
    CopyObjectInput,
    "CopySourceSSECustomerAlgorithm" | "CopySourceSSECustomerKey" | "CopySourceSSECustomerKeyMD5"
  >
>;

export interface CustomerKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** Base64. */
  readonly md5: string;
}

/** The source's members by their plain names. */
export function sourceCustomerKey(input: SourceCustomerKeyMembers): CustomerKeyMembers {
  return {
    SSECustomerAlgorithm: input.CopySourceSSECustomerAlgorithm,
    SSECustomerKey: input.CopySourceSSECustomerKey,
    SSECustomerKeyMD5: input.CopySourceSSECustomerKeyMD5,
  };
}

export function hasCustomerKey(input: CustomerKeyMembers): boolean {
  const any = input.SSECustomerAlgorithm ?? input.SSECustomerKey ?? input.SSECustomerKeyMD5;
  return any !== undefined;
}

/**
 * `isSafe`: whether the connection may carry a key. Throws S3Error InvalidRequest, InvalidArgument,
 * InvalidEncryptionAlgorithmError, in the service's words.
 */
export function parseCustomerKey(
  input: CustomerKeyMembers,
  isSafe: boolean,
): CustomerKey | undefined {
  if (!hasCustomerKey(input)) return undefined;
  if (!isSafe) {
    throw new S3Error("InvalidRequest", {
      message:
        "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.",
    });
  }
  const { SSECustomerAlgorithm: algorithm, SSECustomerKey: key, SSECustomerKeyMD5: md5 } = input;
  if (algorithm === undefined) throw incomplete("a valid encryption algorithm.");
  if (algorithm !== "AES256") {
    // Seen of the service: github.com/minio/minio/pull/4894, for "AES251".
    throw new S3Error("InvalidEncryptionAlgorithmError", {
      fields: { ArgumentName: "x-amz-server-side-encryption", ArgumentValue: algorithm },
    });
  }
  if (key === undefined) throw incomplete("an appropriate secret key.");
  if (md5 === undefined) throw incomplete("the client calculated MD5 of the secret key.");
  const bytes = Buffer.from(key, "base64");
  if (bytes.byteLength !== 32 || bytes.toString("base64") !== key) {
    throw invalid("The secret key was invalid for the specified algorithm.");
  }
  if (createHash("md5").update(bytes).digest("base64") !== md5) {
    throw invalid("The calculated MD5 hash of the key did not match the hash that was provided.");
  }
  return { bytes, md5 };
}

function incomplete(what: string): S3Error {
  return invalid(
    `Requests specifying Server Side Encryption with Customer provided keys must provide ${what}`,
  );
}

/** Without the value: it may be the key. */
function invalid(message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: "x-amz-server-side-encryption" },
  });
}
