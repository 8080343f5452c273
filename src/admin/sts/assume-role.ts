// AssumeRole: temporary credentials of a role for somebody whom its trust policy names.

import type { IdentifiedCaller } from "../../access/caller.ts";
import { arnOf, findEntity } from "../../access/identities/entities.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import { assumedRoleArn } from "../../access/identities/identity-names.ts";
import type { RoleRecord } from "../../access/identities/identity-records.ts";
import type { IdentityStore } from "../../access/identities/identity-store.ts";
import { serviceContext } from "../../access/service-authorization.ts";
import type { PolicyContext } from "../../access/policy/evaluate.ts";
import type { AssumeRoleInput, AssumeRoleOutput } from "../../model/sts.generated.ts";
import { QueryError, validationError } from "../query/query-error.ts";
import { verifyMfa } from "./mfa.ts";
import { mayAssume, notAuthorized } from "./role-trust.ts";
import {
  packedPolicySize,
  readSessionPolicies,
  readSessionTags,
  type SessionTags,
} from "./session-arguments.ts";
import type { SignedStsContext } from "./sts-action.ts";
import { issueCredentials } from "./temporary-credentials.ts";

export async function assumeRole(
  input: AssumeRoleInput,
  context: SignedStsContext,
): Promise<AssumeRoleOutput> {
  const { caller, identities } = context;
  const { RoleArn } = input;
  checkMayAssumeRoles(caller);
  if (input.ProvidedContexts !== undefined && input.ProvidedContexts.length > 0) {
    throw new QueryError("InvalidParameterValue", "Provided contexts are not supported.");
  }
  const place = parseRoleArn(RoleArn);
  const role = await findRole(place, RoleArn, identities);
  const tags = readSessionTags(input.Tags, input.TransitiveTagKeys, caller);
  const mfaMilliseconds = await verifyMfa(input, context);
  const sourceIdentity = readSourceIdentity(input, caller);
  if (role === undefined) throw notAuthorized(caller.principal.arn, "sts:AssumeRole", RoleArn);
  const policyContext = contextOf(input, context, { role, tags, mfaMilliseconds, sourceIdentity });
  for (const action of actionsOf(input, tags)) {
    if (mayAssume({ caller, role, action, context: policyContext })) continue;
    throw notAuthorized(caller.principal.arn, action, RoleArn);
  }
  // AWS counts the credentials of GetSessionToken too (github.com/coinbase/assume-role/issues/24).
  const isChained = caller.principal.session !== undefined;
  const durationSeconds = checkDuration(input.DurationSeconds, role, isChained);
  const policies = await readSessionPolicies(input, role.accountId, identities);
  const packed = packedPolicySize(policies, tags.all);
  const credentials = issueCredentials(
    {
      accountId: role.accountId,
      kind: "role-session",
      principalId: role.id,
      sessionName: input.RoleSessionName,
      ...(mfaMilliseconds === undefined ? {} : { mfaMilliseconds }),
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
      ...(tags.all.length === 0 ? {} : { tags: tags.all }),
      ...(tags.transitiveKeys.length === 0 ? {} : { transitiveTagKeys: tags.transitiveKeys }),
      ...(policies === undefined ? {} : { policies }),
      ...(isChained ? { isChained } : {}),
    },
    durationSeconds,
    context,
  );
  return {
    Credentials: credentials,
    AssumedRoleUser: assumedRoleUser(role, input.RoleSessionName),
    ...(packed === undefined ? {} : { PackedPolicySize: packed }),
    ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
  };
}

function checkMayAssumeRoles({ principal }: IdentifiedCaller): void {
  switch (principal.kind) {
    case "root":
      throw new IdentityError("AccessDenied", "Roles may not be assumed by root accounts.");
    case "federated-user":
      // "You cannot call any STS operations except GetCallerIdentity" (GetFederationToken).
      throw new IdentityError("AccessDenied", "Cannot call AssumeRole with federated credentials");
    default:
  }
}

export interface RolePlace {
  readonly accountId: string;
  readonly name: string;
}

export function parseRoleArn(arn: string): RolePlace {
  const match = /^arn:aws:iam::(\d{12}):role\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]+)$/.exec(arn);
  if (match === null) throw validationError("Request ARN is invalid");
  return { accountId: match[1] as string, name: match[2] as string };
}

/** The path is part of the ARN: a role of the same name at another path is another. */
export async function findRole(
  { accountId, name }: RolePlace,
  arn: string,
  identities: IdentityStore,
): Promise<RoleRecord | undefined> {
  const role = await identities.database.run((transaction) =>
    findEntity(transaction, "role", accountId, name),
  );
  return role !== undefined && arnOf(role) === arn ? role : undefined;
}

export function assumedRoleUser(
  role: RoleRecord,
  sessionName: string,
): { readonly AssumedRoleId: string; readonly Arn: string } {
  return {
    AssumedRoleId: `${role.id}:${sessionName}`,
    Arn: assumedRoleArn(role.accountId, role.name, sessionName),
  };
}

function contextOf(
  input: AssumeRoleInput,
  { request, clock, region }: SignedStsContext,
  facts: {
    readonly role: RoleRecord;
    readonly tags: SessionTags;
    readonly mfaMilliseconds: number | undefined;
    readonly sourceIdentity: string | undefined;
  },
): PolicyContext {
  const { role, tags, mfaMilliseconds, sourceIdentity } = facts;
  return serviceContext(
    request,
    { clock, region },
    {
      keys: {
        "sts:rolesessionname": input.RoleSessionName,
        "sts:externalid": input.ExternalId,
        "sts:sourceidentity": sourceIdentity,
        "sts:transitivetagkeys": tags.transitiveKeys.length === 0 ? undefined : tags.transitiveKeys,
        ...(mfaMilliseconds === undefined
          ? {}
          : { "aws:multifactorauthpresent": "true", "aws:multifactorauthage": "0" }),
      },
      requestTags: tags.all,
      resourceTags: role.tags,
      resourceAccount: role.accountId,
    },
  );
}

function actionsOf(input: AssumeRoleInput, tags: SessionTags): readonly string[] {
  const actions = ["sts:AssumeRole"];
  if (tags.all.length > 0) actions.push("sts:TagSession");
  if (input.SourceIdentity !== undefined) actions.push("sts:SetSourceIdentity");
  return actions;
}

/** "After you set the source identity, the value cannot be changed", in chains of roles neither. */
function readSourceIdentity(
  { SourceIdentity }: AssumeRoleInput,
  { principal }: IdentifiedCaller,
): string | undefined {
  const inherited = principal.session?.sourceIdentity;
  if (inherited === undefined || SourceIdentity === undefined || SourceIdentity === inherited) {
    return SourceIdentity ?? inherited;
  }
  throw new IdentityError(
    "AccessDenied",
    "The source identity of a session cannot be changed once it is set.",
  );
}

const defaultSeconds = 3600;
const chainedSeconds = 3600;

export function checkDuration(
  requested: number | undefined,
  role: RoleRecord,
  isChained: boolean,
): number {
  const seconds = requested ?? defaultSeconds;
  if (isChained && seconds > chainedSeconds) {
    throw validationError(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  if (seconds > role.maximumSessionSeconds) {
    throw validationError(
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
  }
  return seconds;
}
