// GetSessionToken and GetFederationToken: temporary credentials that users ask for themselves.

import type { IdentifiedCaller } from "../../access/caller.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import { federatedUserArn } from "../../access/identities/identity-names.ts";
import {
  decideService,
  ServiceDenial,
  serviceContext,
} from "../../access/service-authorization.ts";
import type {
  GetFederationTokenInput,
  GetFederationTokenOutput,
  GetSessionTokenInput,
  GetSessionTokenOutput,
} from "../../model/sts.generated.ts";
import { verifyMfa } from "./mfa.ts";
import { packedPolicySize, readSessionPolicies, readSessionTags } from "./session-arguments.ts";
import type { SignedStsContext } from "./sts-action.ts";
import { issueCredentials } from "./temporary-credentials.ts";

/** No permission is needed: the session may do what its user may ("GetSessionToken"). */
export async function getSessionToken(
  input: GetSessionTokenInput,
  context: SignedStsContext,
): Promise<GetSessionTokenOutput> {
  const { caller } = context;
  checkLongLived(caller, "GetSessionToken");
  const mfaMilliseconds = await verifyMfa(input, context);
  const document = await narrowingOf(context);
  const credentials = issueCredentials(
    {
      accountId: caller.accountId,
      kind: caller.principal.kind === "root" ? "root" : "user",
      principalId: caller.principal.userId,
      ...(mfaMilliseconds === undefined ? {} : { mfaMilliseconds }),
      ...(document === undefined ? {} : { policies: { document } }),
    },
    durationOf(input.DurationSeconds, caller),
    context,
  );
  return { Credentials: credentials };
}

export async function getFederationToken(
  input: GetFederationTokenInput,
  context: SignedStsContext,
): Promise<GetFederationTokenOutput> {
  const { caller, identities, request, clock, region } = context;
  checkLongLived(caller, "GetFederationToken");
  const arn = federatedUserArn(caller.accountId, input.Name);
  const tags = readSessionTags(input.Tags, undefined, undefined);
  const policyContext = serviceContext(
    request,
    { clock, region },
    { requestTags: tags.all, resourceAccount: caller.accountId },
  );
  const actions = ["sts:GetFederationToken", ...(tags.all.length > 0 ? ["sts:TagSession"] : [])];
  for (const action of actions) {
    const asked = { action, resource: arn };
    const decision = decideService(caller, { ...asked, context: policyContext });
    if (decision.isAllowed) continue;
    throw new ServiceDenial(caller, asked, decision);
  }
  if ((await narrowingOf(context)) !== undefined) {
    throw new IdentityError("AccessDenied", "Service accounts cannot call GetFederationToken");
  }
  const policies = await readSessionPolicies(input, caller.accountId, identities);
  const packed = packedPolicySize(policies, tags.all);
  const credentials = issueCredentials(
    {
      accountId: caller.accountId,
      kind: "federated-user",
      principalId: caller.principal.userId,
      sessionName: input.Name,
      ...(tags.all.length === 0 ? {} : { tags: tags.all }),
      // "If you do not pass a session policy, the federated user session has no permissions."
      policies: policies ?? {},
    },
    durationOf(input.DurationSeconds, caller),
    context,
  );
  return {
    Credentials: credentials,
    FederatedUser: { FederatedUserId: `${caller.accountId}:${input.Name}`, Arn: arn },
    ...(packed === undefined ? {} : { PackedPolicySize: packed }),
  };
}

function checkLongLived({ principal }: IdentifiedCaller, action: string): void {
  if (principal.session === undefined) return;
  throw new IdentityError("AccessDenied", `Cannot call ${action} with session credentials`);
}

const defaultSeconds = 43_200;
const rootSeconds = 3600;

/** "Sessions for AWS account owners are restricted to a maximum of one hour." */
function durationOf(requested: number | undefined, { principal }: IdentifiedCaller): number {
  const seconds = requested ?? defaultSeconds;
  return principal.kind === "root" ? Math.min(seconds, rootSeconds) : seconds;
}

/** What narrows the key itself narrows the sessions that it asks for. */
async function narrowingOf({ caller, identities }: SignedStsContext): Promise<string | undefined> {
  const key = await identities.accessKeys.find(caller.accessKeyId);
  return key?.service?.policy;
}
