// What the headers of a write ask of encryption: one of the four kinds, or nothing, when the bucket's
// default decides.

import { S3Error } from "../../model/errors.ts";
import type { PutObjectInput } from "../../model/types.generated.ts";
import {
  hasCustomerKey,
  parseCustomerKey,
  type CustomerKey,
  type CustomerKeyMembers,
} from "./customer-key.ts";

export type EncryptionMembers = CustomerKeyMembers &
  Partial<
    Pick<
      PutObjectInput,
      "ServerSideEncryption" | "SSEKMSKeyId" | "SSEKMSEncryptionContext" | "BucketKeyEnabled"
    >
  >;

export type RequestedEncryption =
  | { readonly kind: "default"; readonly bucketKey: boolean | undefined }
  | { readonly kind: "AES256" }
  | {
      readonly kind: "aws:kms" | "aws:kms:dsse";
      /** Absent: the key that protects S3 objects where no other is named. */
      readonly keyId: string | undefined;
      readonly context: ClientContext | undefined;
      readonly bucketKey: boolean | undefined;
    }
  | { readonly kind: "SSE-C"; readonly key: CustomerKey };

/** The client's own encryption context. */
export interface ClientContext {
  /** As the client sent it, which is how S3 shows it. */
  readonly header: string;
  readonly pairs: Readonly<Record<string, string>>;
}

const methodHeader = "x-amz-server-side-encryption";

/** Throws S3Error. `isSafe`: whether the connection may carry a customer's key. */
export function parseEncryptionRequest(
  input: EncryptionMembers,
  isSafe: boolean,
): RequestedEncryption {
  const { ServerSideEncryption: method, BucketKeyEnabled: bucketKey } = input;
  if (hasCustomerKey(input)) {
    // Seen of the service: github.com/confluentinc/kafka-connect-storage-cloud/issues/389.
    if (method !== undefined) {
      throw invalid(
        "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
        method,
      );
    }
    checkNoKms(input);
    const key = parseCustomerKey(input, isSafe);
    if (key !== undefined) return { kind: "SSE-C", key };
  }
  if (method === undefined) {
    checkNoKms(input);
    return { kind: "default", bucketKey };
  }
  if (method === "AES256") {
    checkNoKms(input);
    return { kind: "AES256" };
  }
  if (method !== "aws:kms" && method !== "aws:kms:dsse") {
    throw invalid("The encryption method specified is not supported", method);
  }
  const context = parseClientContext(input.SSEKMSEncryptionContext);
  return { kind: method, keyId: input.SSEKMSKeyId, context, bucketKey };
}

/** Seen of the service: github.com/aws/aws-cli/issues/1431. */
function checkNoKms(input: EncryptionMembers): void {
  if (input.SSEKMSKeyId === undefined && input.SSEKMSEncryptionContext === undefined) return;
  throw invalid(
    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
    input.ServerSideEncryption ?? "null",
  );
}

export function parseClientContext(header: string | undefined): ClientContext | undefined {
  if (header === undefined) return undefined;
  const pairs = stringMap(header);
  if (pairs !== undefined) return { header, pairs };
  const name = "x-amz-server-side-encryption-context";
  throw new S3Error("InvalidArgument", {
    message: `The header '${name}' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map`,
    fields: { ArgumentName: name, ArgumentValue: header },
  });
}

function stringMap(header: string): Readonly<Record<string, string>> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(header)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(header, "base64")),
    );
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries: [string, string][] = [];
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") return undefined;
    entries.push([name, text]);
  }
  return Object.fromEntries(entries);
}

function invalid(message: string, value: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: methodHeader, ArgumentValue: value },
  });
}
