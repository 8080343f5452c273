// Decides whether a caller may do what it asks. For now the whole policy is: the account may do
// everything with what it owns, and nobody else anything.

import { S3Error } from "../model/errors.ts";
import type { OperationName } from "../model/types.generated.ts";
import type { Caller } from "./caller.ts";
import type { RequestAccess } from "./request-access.ts";

export interface AuthorizationRequest {
  readonly operation: OperationName;
  readonly caller: Caller;
}

/** Requests that carry no signature of their own: a preflight never does, a form holds it inside. */
const unsignedOperations: ReadonlySet<OperationName> = new Set(["Preflight", "PostObject"]);

/** Throws S3Error AccessDenied. */
export function authorize({ operation, caller }: AuthorizationRequest): void {
  if (caller.kind === "identified" || unsignedOperations.has(operation)) return;
  throw new S3Error("AccessDenied");
}

export function accessOf(caller: Caller): RequestAccess {
  const isAllowed = caller.kind === "identified";
  return {
    demand: async () => {
      if (!isAllowed) throw new S3Error("AccessDenied");
    },
    allows: async () => isAllowed,
  };
}
