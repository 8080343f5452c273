// The errors of Holdfast's own administration: named as AWS's JSON services name theirs, with statuses
// that say what they mean.

import { IdentityError } from "../../access/identities/identity-error.ts";
import { KmsError } from "../../keys/kms-error.ts";
import { S3Error } from "../../model/errors.ts";
import type { JsonError } from "../json/json-api.ts";

const statuses = {
  AccessDeniedException: 403,
  DeleteConflictException: 409,
  NoSuchEntityException: 404,
  ValidationException: 400,
} as const;

export type ManagementErrorType = keyof typeof statuses;

export class ManagementError extends Error implements JsonError {
  override readonly name = "ManagementError";
  readonly type: ManagementErrorType;
  readonly status: number;

  constructor(type: ManagementErrorType, message: string) {
    super(message);
    this.type = type;
    this.status = statuses[type];
  }
}

export function invalid(message: string): ManagementError {
  return new ManagementError("ValidationException", message);
}

/** `undefined` for what is a failure of ours. */
export function asManagementError(thrown: unknown): JsonError | undefined {
  if (thrown instanceof ManagementError) return thrown;
  if (thrown instanceof IdentityError) {
    const { code, message, status } = thrown;
    const type = code === "ValidationError" ? "ValidationException" : exceptionName(code);
    return { type, message, status };
  }
  if (thrown instanceof KmsError) {
    const { type, message, status } = thrown;
    return { type, message, status };
  }
  if (thrown instanceof S3Error && thrown.status < 500) {
    const { code, message, status } = thrown;
    return { type: exceptionName(code), message, status };
  }
  return undefined;
}

/** `NoSuchEntity` of IAM and `NoSuchBucket` of S3, as JSON services spell such names. */
function exceptionName(code: string): string {
  return code.endsWith("Exception") ? code : `${code}Exception`;
}
