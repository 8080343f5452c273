// What key management refuses, in the words of AWS KMS, and how S3 passes it on. KMS's own API answers
// a KmsError as it is; the providers of data keys throw what S3 answers instead.

import { S3Error, type ErrorCode } from "../model/errors.ts";
import { KeySealError } from "./sealer.ts";

/** Statuses as in the API reference of KMS: its JSON protocol answers 400 where its model says 404 or 409. */
const statuses = {
  AccessDeniedException: 400,
  AlreadyExistsException: 400,
  DependencyTimeoutException: 500,
  DisabledException: 400,
  DryRunOperationException: 400,
  IncorrectKeyException: 400,
  InvalidAliasNameException: 400,
  InvalidArnException: 400,
  InvalidCiphertextException: 400,
  InvalidKeyUsageException: 400,
  InvalidMarkerException: 400,
  KMSInternalException: 500,
  KMSInvalidStateException: 400,
  KeyUnavailableException: 500,
  LimitExceededException: 400,
  MalformedPolicyDocumentException: 400,
  NotAuthorizedException: 400,
  NotFoundException: 400,
  SerializationException: 400,
  TagException: 400,
  ThrottlingException: 400,
  UnknownOperationException: 400,
  UnsupportedOperationException: 400,
  ValidationException: 400,
} as const;

export type KmsErrorName = keyof typeof statuses;

export class KmsError extends Error {
  override readonly name = "KmsError";
  readonly type: KmsErrorName;
  readonly status: number;

  constructor(type: KmsErrorName, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.type = type;
    this.status = statuses[type];
  }
}

export function isKmsErrorName(name: string): name is KmsErrorName {
  return Object.hasOwn(statuses, name);
}

/**
 * The S3 error for what a provider found wrong with a key: `KMS.` and the name that KMS gives it, with
 * KMS's own message (seen of S3: "KMS.NotFoundException: Invalid keyId 'x'", "KMS.DisabledException:
 * <arn> is disabled.", "KMS.KMSInvalidStateException: <arn> is pending deletion."). What may pass by
 * itself is answered so that clients try again.
 */
function asS3KeyError(error: KmsError): S3Error {
  const { type, message } = error;
  switch (type) {
    case "AccessDeniedException":
    case "NotAuthorizedException":
      return new S3Error("AccessDenied", { message, cause: error });
    case "ThrottlingException":
      return new S3Error("SlowDown", { cause: error });
    case "DependencyTimeoutException":
    case "KMSInternalException":
    case "KeyUnavailableException":
      return new S3Error("ServiceUnavailable", { cause: error });
    default:
      return new S3Error(s3Codes[type] ?? "InternalError", {
        ...(s3Codes[type] === undefined ? {} : { message }),
        cause: error,
      });
  }
}

/** Runs a provider's call: what it throws in the words of KMS is thrown in those of S3. */
export async function answerInS3sWords<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    if (error.type === "InvalidCiphertextException" || error.type === "IncorrectKeyException") {
      throw new KeySealError("a data key does not open", { cause: error });
    }
    throw asS3KeyError(error);
  }
}

const s3Codes: Partial<Record<KmsErrorName, ErrorCode>> = {
  DisabledException: "KMS.DisabledException",
  InvalidKeyUsageException: "KMS.InvalidKeyUsageException",
  InvalidArnException: "KMS.NotFoundException",
  KMSInvalidStateException: "KMS.KMSInvalidStateException",
  NotFoundException: "KMS.NotFoundException",
  UnsupportedOperationException: "KMS.UnsupportedOperationException",
};
