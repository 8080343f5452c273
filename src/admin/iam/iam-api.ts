// IAM as a service on S3's endpoint: who asks, whether the action is allowed, and the action itself.

import {
  decideService,
  ServiceDenial,
  serviceContext,
} from "../../access/service-authorization.ts";
import type { IdentifiedCaller } from "../../access/caller.ts";
import type { IdentityStore } from "../../access/identities/identity-store.ts";
import type { ServiceApi, ServiceRequest } from "../../access/service-request.ts";
import { assert } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { iam } from "../../model/iam.generated.ts";
import { iamConstraints } from "../../model/service-constraints.ts";
import { createQueryApi } from "../query/query-api.ts";
import { QueryError } from "../query/query-error.ts";
import { accessKeyActions } from "./access-keys.ts";
import { accountActions } from "./account.ts";
import { subjectOf } from "./action-subjects.ts";
import { entityPolicyActions } from "./entity-policies.ts";
import { groupActions } from "./groups.ts";
import type { IamActionName, IamActionTable, IamContext } from "./iam-action.ts";
import { managedPolicyActions } from "./managed-policies.ts";
import { mfaDeviceActions } from "./mfa-devices.ts";
import { oidcProviderActions } from "./oidc-providers.ts";
import { roleActions } from "./roles.ts";
import { simulationActions } from "./simulation.ts";
import { userActions } from "./users.ts";

export interface IamDependencies {
  readonly identities: IdentityStore;
  readonly clock: Clock;
  readonly region: string;
  reportFailure(requestId: string, error: unknown): void;
}

/** Complete: an action of the contract that is missing here does not compile. */
const actions: IamActionTable = {
  ...userActions,
  ...accessKeyActions,
  ...groupActions,
  ...roleActions,
  ...managedPolicyActions,
  ...entityPolicyActions,
  ...oidcProviderActions,
  ...mfaDeviceActions,
  ...simulationActions,
  ...accountActions,
};

export function createIamApi(dependencies: IamDependencies): ServiceApi {
  return createQueryApi({
    service: "iam",
    contract: iam,
    constraints: iamConstraints,
    explainsPatterns: true,
    run: (action, input, request) =>
      // The contract has named the action, and its tables have made the input.
      runAction(action as IamActionName, input as never, request, dependencies),
    reportFailure: (requestId, error) => dependencies.reportFailure(requestId, error),
  });
}

async function runAction(
  name: IamActionName,
  input: never,
  request: ServiceRequest,
  { identities, clock, region }: IamDependencies,
): Promise<unknown> {
  const { caller } = request;
  assert(caller.kind === "identified", "no action of IAM goes without a signature");
  checkSession(caller);
  const context: IamContext = { caller, accountId: caller.accountId, identities, clock };
  const { resource, facts } = await subjectOf(name, input, context);
  const action = `iam:${name}`;
  const policyContext = serviceContext(
    request,
    { clock, region },
    { ...facts, resourceAccount: caller.accountId },
  );
  const decision = decideService(caller, { action, resource, context: policyContext });
  if (!decision.isAllowed) throw new ServiceDenial(caller, { action, resource }, decision);
  return actions[name](input, context);
}

/**
 * "You cannot call any IAM API operations unless MFA authentication information is included in the
 * request" (GetSessionToken), and federated users cannot at all (GetFederationToken).
 */
function checkSession({ principal }: IdentifiedCaller): void {
  const { kind, session } = principal;
  if (session === undefined || kind === "role-session") return;
  if (kind !== "federated-user" && session.mfaMilliseconds !== undefined) return;
  throw new QueryError(
    "InvalidClientTokenId",
    "The security token included in the request is invalid",
    { status: 403 },
  );
}
