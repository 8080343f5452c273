// Accounts: making, showing, changing and deleting them, and what they own.

import type { AccountRecord } from "../../access/identities/identity-records.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { JsonObject } from "../json/json-api.ts";
import {
  accountSubject,
  nextToken,
  pageRequestOf,
  timeText,
  type ManagementActionTable,
  type ManagementCall,
} from "./management-action.ts";
import { invalid, ManagementError } from "./management-error.ts";
import { describeUsage } from "./usage.ts";

export const accountActions: ManagementActionTable<
  | "CreateAccount"
  | "ListAccounts"
  | "GetAccount"
  | "UpdateAccount"
  | "DeleteAccount"
  | "ListBucketsOfAccount"
> = {
  CreateAccount: {
    isForRootAccount: true,
    subject: () => ({ resource: "*" }),
    async run({ Name, Email, AccountId, CanonicalId }, call) {
      const account = await call.dependencies.identities.accounts.create({
        displayName: Name,
        ...(Email === undefined ? {} : { email: Email }),
        ...(AccountId === undefined ? {} : { accountId: AccountId }),
        ...(CanonicalId === undefined ? {} : { canonicalId: CanonicalId }),
      });
      return { Account: describe(account, call) };
    },
  },

  ListAccounts: {
    isForRootAccount: true,
    subject: () => ({ resource: "*" }),
    async run(input, call) {
      const page = await call.dependencies.identities.accounts.list(pageRequestOf(input));
      return { Accounts: page.items.map((each) => describe(each, call)), ...nextToken(page) };
    },
  },

  GetAccount: {
    subject: accountSubject,
    async run(input, call) {
      const account = await call.dependencies.identities.accounts.get(call.accountOf(input));
      return { Account: describe(account, call) };
    },
  },

  UpdateAccount: {
    isForRootAccount: true,
    subject: accountSubject,
    async run({ AccountId, Name, Email }, call) {
      if (Name === undefined && Email === undefined) throw invalid("Name or Email must be given");
      const account = await call.dependencies.identities.accounts.update(AccountId, {
        ...(Name === undefined ? {} : { displayName: Name }),
        ...(Email === undefined ? {} : { email: Email === "" ? null : Email }),
      });
      return { Account: describe(account, call) };
    },
  },

  DeleteAccount: {
    isForRootAccount: true,
    subject: accountSubject,
    async run({ AccountId }, call) {
      const { objects, identities, keys } = call.dependencies;
      if (AccountId === objects.rootAccount.accountId) {
        throw conflict("The server's root account cannot be deleted.");
      }
      const { canonicalId } = await identities.accounts.get(AccountId);
      const bucket = await findBucket(call, canonicalId);
      if (bucket !== undefined) throw conflict(`The account still owns the bucket ${bucket}.`);
      const key = (await keys.list(AccountId, undefined, 1)).items[0];
      if (key !== undefined) throw conflict(`The account still owns the KMS key ${key}.`);
      await identities.accounts.delete(AccountId);
      await objects.accountSettings.setPublicAccessBlock(AccountId, undefined);
      await objects.quotas.setAccountQuota(AccountId, undefined);
      return {};
    },
  },

  ListBucketsOfAccount: {
    subject: accountSubject,
    async run({ AccountId, Prefix = "", MaxItems = 100, NextToken }, call) {
      const { objects, identities } = call.dependencies;
      const account = await identities.accounts.get(AccountId ?? call.caller.accountId);
      const page = await objects.buckets.list({
        ownerId: account.canonicalId,
        prefix: Prefix,
        after: NextToken === undefined ? undefined : parseToken(NextToken),
        limit: MaxItems,
        accepts: () => true,
      });
      const Buckets = await Promise.all(page.buckets.map((each) => describeBucket(each, call)));
      return {
        Buckets,
        ...(page.next === undefined ? {} : { NextToken: formatToken(page.next) }),
      };
    },
  },
};

function describe(account: AccountRecord, call: ManagementCall): JsonObject {
  const { accountId, canonicalId, displayName, email, alias, createdMilliseconds } = account;
  return {
    AccountId: accountId,
    CanonicalId: canonicalId,
    Name: displayName,
    Email: email,
    Alias: alias,
    CreatedAt: timeText(createdMilliseconds),
    IsRootAccount: accountId === call.dependencies.objects.rootAccount.accountId,
  };
}

async function describeBucket(bucket: BucketRecord, call: ManagementCall): Promise<JsonObject> {
  const usage = await call.dependencies.objects.quotas.bucketUsage(bucket);
  return {
    Name: bucket.name,
    CreatedAt: timeText(bucket.createdMilliseconds),
    Versioning: bucket.versioning,
    ...describeUsage(usage),
    QuotaBytes: bucket.quota?.bytes,
    QuotaObjects: bucket.quota?.objects,
  };
}

async function findBucket(call: ManagementCall, ownerId: string): Promise<string | undefined> {
  const { buckets } = call.dependencies.objects;
  const all = { prefix: "", after: undefined, accepts: () => true };
  const page = await buckets.list({ ownerId, limit: 1, ...all });
  return page.buckets[0]?.name;
}

function conflict(message: string): ManagementError {
  return new ManagementError("DeleteConflictException", message);
}

function formatToken(name: string): string {
  return Buffer.from(name, "utf8").toString("base64url");
}

function parseToken(token: string): string {
  const name = Buffer.from(token, "base64url").toString("utf8");
  if (name === "" || formatToken(name) !== token) throw invalid("NextToken: is none of ours");
  return name;
}
