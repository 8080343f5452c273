// Whom an explanation is about: found by ARN, by access key, or nobody in particular.

import type { AccountId, Caller } from "../../access/caller.ts";
import {
  findCallerOfKey,
  findNamedCaller,
  parsePrincipalArn,
} from "../../access/identities/named-principals.ts";
import type { ManagementInput } from "../../model/management-actions.ts";
import type { ManagementCall } from "./management-action.ts";
import { invalid, ManagementError } from "./management-error.ts";

export interface ExplainedPrincipal {
  readonly caller: Caller;
  /** Why no request of this access key gets in, whatever its policies say. */
  readonly obstacle?: Obstacle;
}

export interface Obstacle {
  readonly reason: "inactive-access-key" | "expired-access-key";
  readonly words: string;
}

type Input = ManagementInput<"ExplainDecision">;

/** Throws ManagementError: NoSuchEntityException, AccessDeniedException for what is another account's. */
export async function findExplainedPrincipal(
  input: Input,
  call: ManagementCall,
): Promise<ExplainedPrincipal> {
  const { Principal, SessionPolicy, MfaAuthenticated } = input;
  if (Principal.startsWith("arn:")) return findByArn(input, call);
  if (SessionPolicy !== undefined || MfaAuthenticated === true) {
    throw invalid("SessionPolicy and MfaAuthenticated need the ARN of a principal");
  }
  if (Principal.toLowerCase() === "anonymous") return { caller: { kind: "anonymous" } };
  return findByKey(Principal, call);
}

async function findByArn(
  { Principal, SessionPolicy, MfaAuthenticated }: Input,
  call: ManagementCall,
): Promise<ExplainedPrincipal> {
  const named = parsePrincipalArn(Principal);
  if (named === undefined) {
    throw invalid("Principal: must be the ARN of a root, a user, a role or an assumed role");
  }
  call.demandAccount(named.accountId, Principal);
  const { database } = call.dependencies.identities;
  const caller = await findNamedCaller(database, named, {
    sessionPolicy: SessionPolicy,
    isMfaAuthenticated: MfaAuthenticated === true,
  });
  if (caller === undefined) throw noSuchPrincipal(Principal);
  return { caller };
}

async function findByKey(accessKeyId: string, call: ManagementCall): Promise<ExplainedPrincipal> {
  if (accessKeyId.startsWith("ASIA")) {
    throw invalid(
      "Principal: temporary keys are kept nowhere; name the ARN of the session, the role or the user",
    );
  }
  const { credentials, identities } = call.dependencies;
  // As for a request: the key of the configuration is found, inactive and expired ones are not.
  const credential = await credentials.find(accessKeyId, undefined);
  if (credential !== undefined) {
    checkAccount(credential.caller.accountId, accessKeyId, call);
    return { caller: credential.caller };
  }
  const key = await identities.accessKeys.find(accessKeyId);
  const caller = key && (await findCallerOfKey(identities.database, accessKeyId));
  if (key === undefined || caller === undefined) throw noSuchPrincipal(accessKeyId);
  checkAccount(key.accountId, accessKeyId, call);
  return key.status === "Inactive" ? { caller, obstacle: inactive } : { caller, obstacle: expired };
}

const inactive: Obstacle = {
  reason: "inactive-access-key",
  words:
    "Denied because the access key is inactive: its requests are refused as InvalidAccessKeyId.",
};
const expired: Obstacle = {
  reason: "expired-access-key",
  words:
    "Denied because the service account has expired: its requests are refused as InvalidAccessKeyId.",
};

/** A key of another account is none that this caller may know of. */
function checkAccount(accountId: AccountId, name: string, call: ManagementCall): void {
  if (accountId !== call.caller.accountId && !call.isOfRootAccount) throw noSuchPrincipal(name);
}

function noSuchPrincipal(name: string): ManagementError {
  return new ManagementError("NoSuchEntityException", `The principal ${name} cannot be found.`);
}
