// Service accounts: access keys of users and roots for programs, narrowed by a policy of their own.

import type { AccessKey, AccessKeyOwner } from "../../access/identities/access-keys.ts";
import type { ServiceAccountFacts } from "../../access/identities/identity-records.ts";
import { identityArn, rootArn } from "../../access/identities/identity-names.ts";
import { checkPolicyDocument } from "../../access/identities/policy-checks.ts";
import type { ManagementInput } from "../../model/management-actions.ts";
import type { JsonObject } from "../json/json-api.ts";
import {
  nextToken,
  pageRequestOf,
  timeText,
  pathOf,
  type ManagementActionTable,
  type ManagementCall,
  type ManagementSubject,
} from "./management-action.ts";
import { invalid, ManagementError } from "./management-error.ts";

export const serviceAccountActions: ManagementActionTable<
  "CreateServiceAccount" | "ListServiceAccounts" | "UpdateServiceAccount" | "DeleteServiceAccount"
> = {
  CreateServiceAccount: {
    subject: ownerSubject,
    async run(input, call) {
      call.demandUnnarrowed();
      const { Name, Description, Policy, ExpiresAt } = input;
      const expiresMilliseconds = futureTime(ExpiresAt, call);
      checkPolicy(Policy);
      const owner = ownerOf(input, call);
      const { accessKeys } = call.dependencies.identities;
      const { key, secret } = await accessKeys.createServiceAccount(owner, {
        ...(Name === undefined ? {} : { name: Name }),
        ...(Description === undefined ? {} : { description: Description }),
        ...(Policy === undefined ? {} : { policy: Policy }),
        ...(expiresMilliseconds === undefined ? {} : { expiresMilliseconds }),
      });
      const described = describe(key, owner);
      return { ServiceAccount: { ...described, SecretAccessKey: secret } };
    },
  },

  ListServiceAccounts: {
    subject: ownerSubject,
    async run(input, call) {
      const owner = ownerOf(input, call);
      const { accessKeys } = call.dependencies.identities;
      const page = await accessKeys.listServiceAccounts(owner, pageRequestOf(input));
      const ServiceAccounts = page.items.map((key) => describe(key, owner));
      return { ServiceAccounts, ...nextToken(page) };
    },
  },

  UpdateServiceAccount: {
    subject: keySubject,
    async run(input, call) {
      call.demandUnnarrowed();
      const { owner, key } = await getServiceAccount(input.AccessKeyId, call);
      const facts = changedFacts(key.service ?? {}, input, call);
      const { accessKeys } = call.dependencies.identities;
      await accessKeys.updateServiceAccount(owner, key.accessKeyId, facts);
      const status = input.Status ?? key.status;
      if (status !== key.status) await accessKeys.setStatus(owner, key.accessKeyId, status);
      return { ServiceAccount: describe({ ...key, service: facts, status }, owner) };
    },
  },

  DeleteServiceAccount: {
    subject: keySubject,
    async run({ AccessKeyId }, call) {
      const { owner, key } = await getServiceAccount(AccessKeyId, call);
      await call.dependencies.identities.accessKeys.delete(owner, key.accessKeyId);
      return {};
    },
  },
};

/** The caller itself unless another user of its account is named. */
function ownerOf(
  { UserName }: { readonly UserName?: string | undefined },
  { caller }: ManagementCall,
): AccessKeyOwner {
  const { accountId, principal } = caller;
  if (UserName !== undefined) return { accountId, userName: UserName };
  if (principal.kind === "root") return { accountId, userName: undefined };
  if (principal.kind === "user") return { accountId, userName: principal.userName };
  throw invalid("UserName must be given by a caller that is neither a user nor a root");
}

async function ownerSubject(
  input: { readonly UserName?: string | undefined },
  call: ManagementCall,
): Promise<ManagementSubject> {
  return subjectOf(ownerOf(input, call), call);
}

/** What policies name is the owner. Of a key that is not there, or not to be seen, there is none. */
async function keySubject(
  { AccessKeyId }: { readonly AccessKeyId: string },
  call: ManagementCall,
): Promise<ManagementSubject> {
  const found = await findServiceAccount(AccessKeyId, call);
  return found === undefined ? { resource: "*" } : subjectOf(found.owner, call);
}

async function subjectOf(
  { accountId, userName }: AccessKeyOwner,
  { dependencies, caller }: ManagementCall,
): Promise<ManagementSubject> {
  if (userName === undefined) return { accountId, resource: rootArn(accountId) };
  const { principal } = caller;
  if (principal.userName === userName) return { accountId, resource: principal.arn };
  const { users } = dependencies.identities;
  const path = await pathOf(users.get(accountId, userName));
  return { accountId, resource: identityArn(accountId, "user", path, userName) };
}

interface FoundServiceAccount {
  readonly owner: AccessKeyOwner;
  readonly key: AccessKey;
}

/** Of the caller's account; principals of the server's root account find those of all. */
async function findServiceAccount(
  accessKeyId: string,
  { caller, isOfRootAccount, dependencies }: ManagementCall,
): Promise<FoundServiceAccount | undefined> {
  const { accessKeys, users } = dependencies.identities;
  const key = await accessKeys.find(accessKeyId);
  if (key?.service === undefined) return undefined;
  const { accountId, ownerId } = key;
  if (accountId !== caller.accountId && !isOfRootAccount) return undefined;
  if (ownerId === accountId) return { key, owner: { accountId, userName: undefined } };
  const user = await users.findById(accountId, ownerId);
  return user && { key, owner: { accountId, userName: user.name } };
}

async function getServiceAccount(
  accessKeyId: string,
  call: ManagementCall,
): Promise<FoundServiceAccount> {
  const found = await findServiceAccount(accessKeyId, call);
  if (found !== undefined) return found;
  throw new ManagementError(
    "NoSuchEntityException",
    `The service account ${accessKeyId} cannot be found.`,
  );
}

function changedFacts(
  before: ServiceAccountFacts,
  input: ManagementInput<"UpdateServiceAccount">,
  call: ManagementCall,
): ServiceAccountFacts {
  const { Name, Description, Policy, ExpiresAt, RemovePolicy, RemoveExpiry } = input;
  if (Policy !== undefined && RemovePolicy === true) {
    throw invalid("Policy and RemovePolicy exclude each other");
  }
  if (ExpiresAt !== undefined && RemoveExpiry === true) {
    throw invalid("ExpiresAt and RemoveExpiry exclude each other");
  }
  checkPolicy(Policy);
  const { policy, expiresMilliseconds, ...rest } = before;
  const newPolicy = RemovePolicy === true ? undefined : (Policy ?? policy);
  const newExpiry =
    RemoveExpiry === true ? undefined : (futureTime(ExpiresAt, call) ?? expiresMilliseconds);
  return {
    ...rest,
    ...(Name === undefined ? {} : { name: Name }),
    ...(Description === undefined ? {} : { description: Description }),
    ...(newPolicy === undefined ? {} : { policy: newPolicy }),
    ...(newExpiry === undefined ? {} : { expiresMilliseconds: newExpiry }),
  };
}

/** Throws IdentityError MalformedPolicyDocument. */
function checkPolicy(policy: string | undefined): void {
  if (policy !== undefined) checkPolicyDocument(policy, "session", "Policy");
}

function futureTime(
  text: string | undefined,
  { dependencies }: ManagementCall,
): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = Date.parse(text);
  if (milliseconds > dependencies.clock.now()) return milliseconds;
  throw invalid("ExpiresAt: must be in the future");
}

function describe(key: AccessKey, { accountId, userName }: AccessKeyOwner): JsonObject {
  const { name, description, policy, expiresMilliseconds } = key.service ?? {};
  return {
    AccessKeyId: key.accessKeyId,
    AccountId: accountId,
    UserName: userName,
    Name: name,
    Description: description,
    Status: key.status,
    CreatedAt: timeText(key.createdMilliseconds),
    ExpiresAt: timeText(expiresMilliseconds),
    Policy: policy,
  };
}
