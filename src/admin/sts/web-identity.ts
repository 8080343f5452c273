// AssumeRoleWithWebIdentity: temporary credentials of a role for whoever an OpenID Connect provider
// vouches for. The token stands in for the signature.

import { arnOf } from "../../access/identities/entities.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import type { RoleRecord } from "../../access/identities/identity-records.ts";
import { evaluatePolicies } from "../../access/policy/evaluate.ts";
import { serviceContext } from "../../access/service-authorization.ts";
import type { WebIdentity } from "../../access/web-identity/web-identities.ts";
import type {
  AssumeRoleWithWebIdentityInput,
  AssumeRoleWithWebIdentityOutput,
} from "../../model/sts.generated.ts";
import { validationError } from "../query/query-error.ts";
import { assumedRoleUser, checkDuration, findRole, parseRoleArn } from "./assume-role.ts";
import { trustPolicyOf } from "./role-trust.ts";
import {
  packedPolicySize,
  readSessionPolicies,
  readSessionTags,
  type SessionTags,
} from "./session-arguments.ts";
import type { StsContext } from "./sts-action.ts";
import { issueCredentials } from "./temporary-credentials.ts";

export async function assumeRoleWithWebIdentity(
  input: AssumeRoleWithWebIdentityInput,
  context: StsContext,
): Promise<AssumeRoleWithWebIdentityOutput> {
  const { identities, webIdentities } = context;
  const { RoleArn, RoleSessionName } = input;
  if (input.ProviderId !== undefined) {
    throw validationError("ProviderId is for OAuth 2.0 access tokens alone.");
  }
  const place = parseRoleArn(RoleArn);
  const identity = await webIdentities.verify(input.WebIdentityToken, place.accountId);
  const { sourceIdentity } = identity;
  const tags = readSessionTags(
    identity.tags.map(([Key, Value]) => ({ Key, Value })),
    identity.transitiveTagKeys,
    undefined,
  );
  const role = await findRole(place, RoleArn, identities);
  if (role === undefined) throw notAuthorized("sts:AssumeRoleWithWebIdentity");
  checkTrust(input, context, { role, identity, tags });
  const durationSeconds = checkDuration(input.DurationSeconds, role, false);
  const policies = await readSessionPolicies(input, role.accountId, identities);
  const packed = packedPolicySize(policies, tags.all);
  const credentials = issueCredentials(
    {
      accountId: role.accountId,
      kind: "role-session",
      principalId: role.id,
      sessionName: RoleSessionName,
      federatedKeys: identity.federatedKeys,
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
      ...(tags.all.length === 0 ? {} : { tags: tags.all }),
      ...(tags.transitiveKeys.length === 0 ? {} : { transitiveTagKeys: tags.transitiveKeys }),
      ...(policies === undefined ? {} : { policies }),
    },
    durationSeconds,
    context,
  );
  return {
    Credentials: credentials,
    SubjectFromWebIdentityToken: identity.subject,
    AssumedRoleUser: assumedRoleUser(role, RoleSessionName),
    Provider: identity.providerArn,
    Audience: identity.audience,
    ...(packed === undefined ? {} : { PackedPolicySize: packed }),
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
  };
}

/** Throws IdentityError AccessDenied. */
function checkTrust(
  input: AssumeRoleWithWebIdentityInput,
  { request, clock, region }: StsContext,
  facts: {
    readonly role: RoleRecord;
    readonly identity: WebIdentity;
    readonly tags: SessionTags;
  },
): void {
  const { role, identity, tags } = facts;
  const policyContext = serviceContext(
    request,
    { clock, region },
    {
      keys: {
        ...Object.fromEntries(identity.contextKeys),
        "sts:rolesessionname": input.RoleSessionName,
        "sts:sourceidentity": identity.sourceIdentity,
        "sts:transitivetagkeys": tags.transitiveKeys.length === 0 ? undefined : tags.transitiveKeys,
      },
      requestTags: tags.all,
      resourceTags: role.tags,
      resourceAccount: role.accountId,
    },
  );
  const { principal } = identity;
  const trust = trustPolicyOf(role);
  const actions = ["sts:AssumeRoleWithWebIdentity"];
  if (tags.all.length > 0) actions.push("sts:TagSession");
  if (identity.sourceIdentity !== undefined) actions.push("sts:SetSourceIdentity");
  for (const action of actions) {
    const asked = { action, resource: arnOf(role), principal, context: policyContext };
    if (evaluatePolicies([trust], asked).effect !== "Allow") throw notAuthorized(action);
  }
}

/** The same words for a role that is not there. */
function notAuthorized(action: string): IdentityError {
  return new IdentityError("AccessDenied", `Not authorized to perform ${action}`);
}
