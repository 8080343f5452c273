// Settings of an upload that would have to act and do not yet: refused with S3's own errors rather
// than stored without effect.

import { S3Error } from "../../model/errors.ts";
import type { PutObjectInput } from "../../model/types.generated.ts";

export type EncryptionMembers = Partial<
  Pick<
    PutObjectInput,
    | "ServerSideEncryption"
    | "SSECustomerAlgorithm"
    | "SSECustomerKey"
    | "SSEKMSKeyId"
    | "SSEKMSEncryptionContext"
  >
>;

/** Throws S3Error NotImplemented when the client asks for encryption. */
export function refuseEncryption(input: EncryptionMembers): void {
  const asks =
    input.ServerSideEncryption ??
    input.SSECustomerAlgorithm ??
    input.SSECustomerKey ??
    input.SSEKMSKeyId ??
    input.SSEKMSEncryptionContext;
  if (asks !== undefined) throw notImplemented("x-amz-server-side-encryption");
}

export function notImplemented(header: string): S3Error {
  return new S3Error("NotImplemented", { fields: { Header: header } });
}
