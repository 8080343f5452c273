// What the actions of STS are given and what they answer.

import type { Caller, IdentifiedCaller } from "../../access/caller.ts";
import type { IdentityStore } from "../../access/identities/identity-store.ts";
import type { ServiceRequest } from "../../access/service-request.ts";
import type { WebIdentities } from "../../access/web-identity/web-identities.ts";
import type { Clock } from "../../base/clock.ts";
import type { StsActions } from "../../model/sts.generated.ts";
import { QueryError } from "../query/query-error.ts";

export interface StsDependencies {
  readonly identities: IdentityStore;
  readonly clock: Clock;
  readonly region: string;
  readonly webIdentities: WebIdentities;
}

export interface StsContext extends StsDependencies {
  readonly request: ServiceRequest;
}

/** Of an action that must be signed. */
export interface SignedStsContext extends StsContext {
  readonly caller: IdentifiedCaller;
}

export type StsActionName = keyof StsActions;

export type StsAction<Name extends StsActionName, Context extends StsContext> = (
  input: StsActions[Name]["input"],
  context: Context,
) => Promise<StsActions[Name]["output"]>;

/** For every action but those that carry a token. */
export function signed<Name extends StsActionName>(
  action: StsAction<Name, SignedStsContext>,
): StsAction<Name, StsContext> {
  return (input, context) => {
    const caller: Caller = context.request.caller;
    if (caller.kind === "identified") return action(input, { ...context, caller });
    throw new QueryError("MissingAuthenticationToken", "Request is missing Authentication Token", {
      status: 403,
    });
  };
}
