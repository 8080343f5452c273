// What a request has proven beside its permission to delete a version.

import { S3Error } from "../model/errors.ts";

export interface DeletionPermits {
  /** May end GOVERNANCE retention, and asked to. */
  readonly mayBypassGovernance: boolean;
  /** Has given the second factor that the bucket may ask for. */
  readonly isMfaVerified: boolean;
}

export const noPermits: DeletionPermits = { mayBypassGovernance: false, isMfaVerified: false };

/** In S3's words. */
export function mfaRefusal(): S3Error {
  return new S3Error("AccessDenied", {
    message: "Mfa Authentication must be used for this request",
  });
}
