// Who made a change, in the form in which notifications name it.

import type { Caller } from "../access/caller.ts";
import type { ChangeCause } from "../objects/records/change-record.ts";

/** Of a request. For changes of the server's own see `serviceCause`. */
export function causeOf(caller: Caller, request: Omit<ChangeCause, "principalId">): ChangeCause {
  return {
    ...request,
    principalId: principalIdOf(caller),
    ...(caller.kind === "anonymous" ? {} : { accountId: caller.accountId }),
  };
}

/** "Event message structure" (User Guide): an account's id, or `AWS:` and the unique id of the principal. */
function principalIdOf(caller: Caller): string {
  if (caller.kind === "anonymous") return "Anonymous";
  const { kind, userId } = caller.principal;
  return kind === "root" ? caller.accountId : `AWS:${userId}`;
}
