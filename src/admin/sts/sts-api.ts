// STS as a service on S3's endpoint: temporary credentials, and who somebody is.

import {
  decideService,
  ServiceDenial,
  serviceContext,
} from "../../access/service-authorization.ts";
import type { ServiceApi } from "../../access/service-request.ts";
import { stsConstraints } from "../../model/service-constraints.ts";
import { sts } from "../../model/sts.generated.ts";
import { createQueryApi } from "../query/query-api.ts";
import { QueryError, validationError } from "../query/query-error.ts";
import { assumeRole } from "./assume-role.ts";
import {
  signed,
  type SignedStsContext,
  type StsAction,
  type StsActionName,
  type StsContext,
  type StsDependencies,
} from "./sts-action.ts";
import { getFederationToken, getSessionToken } from "./user-sessions.ts";
import { assumeRoleWithWebIdentity } from "./web-identity.ts";

/** Complete: an action of the contract that is missing here does not compile. */
const actions: { readonly [Name in StsActionName]: StsAction<Name, StsContext> } = {
  AssumeRole: signed(assumeRole),
  AssumeRoleWithWebIdentity: assumeRoleWithWebIdentity,
  GetSessionToken: signed(getSessionToken),
  GetFederationToken: signed(getFederationToken),

  /** "No permissions are required", not even where a policy denies them. */
  GetCallerIdentity: signed(async (_input, { caller }) => {
    const { accountId, principal } = caller;
    return { UserId: principal.userId, Account: accountId, Arn: principal.arn };
  }),

  GetAccessKeyInfo: signed(async ({ AccessKeyId }, context) => {
    demand("sts:GetAccessKeyInfo", context);
    const { caller, identities } = context;
    if (AccessKeyId === caller.accessKeyId) return { Account: caller.accountId };
    const key = await identities.accessKeys.find(AccessKeyId);
    if (key !== undefined) return { Account: key.accountId };
    throw validationError(`The access key ${AccessKeyId} is not valid.`);
  }),

  /** No answer of this server carries an encoded message: nothing that is sent here can be one. */
  DecodeAuthorizationMessage: signed(async (_input, context) => {
    demand("sts:DecodeAuthorizationMessage", context);
    throw new QueryError(
      "InvalidAuthorizationMessageException",
      "Authorization message is invalid",
    );
  }),
};

export function createStsApi(
  dependencies: StsDependencies & {
    reportFailure(requestId: string, error: unknown): void;
  },
): ServiceApi {
  return createQueryApi({
    service: "sts",
    contract: sts,
    constraints: stsConstraints,
    explainsPatterns: false,
    unsignedActions: ["AssumeRoleWithWebIdentity"],
    run: (action, input, request) =>
      // The contract has named the action, and its tables have made the input.
      actions[action as StsActionName](input as never, { ...dependencies, request }),
    reportFailure: (requestId, error) => dependencies.reportFailure(requestId, error),
  });
}

/** For what is about no resource. Throws IdentityError AccessDenied. */
function demand(action: string, { caller, request, clock, region }: SignedStsContext): void {
  const asked = { action, resource: "*" };
  const context = serviceContext(request, { clock, region }, {});
  const decision = decideService(caller, { ...asked, context });
  if (decision.isAllowed) return;
  throw new ServiceDenial(caller, asked, decision);
}
