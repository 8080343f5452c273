// Requester Pays: who asks for what another account has must say that it will pay. Nothing is billed
// here; the rule keeps strangers out who have not said so (Guide, "Using Requester Pays buckets").

import { S3Error } from "../model/errors.ts";
import type { Caller } from "./caller.ts";

/**
 * Whether the caller is charged for a request to a bucket of that kind. `payer`: what the request says in
 * `x-amz-request-payer`. Throws S3Error AccessDenied.
 */
export function isRequesterCharged(request: {
  readonly caller: Caller;
  readonly ownerAccountId: string;
  readonly payer: string | undefined;
}): boolean {
  const { caller, ownerAccountId, payer } = request;
  // "Anonymous access to that bucket is not allowed."
  if (caller.kind === "anonymous") throw new S3Error("AccessDenied");
  if (caller.accountId === ownerAccountId) return false;
  if (payer?.toLowerCase() !== "requester") throw new S3Error("AccessDenied");
  return true;
}
