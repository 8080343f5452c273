// Quotas and usage of buckets and accounts. The owner's account sets those of its buckets; that of an
// account is set by whoever runs the server.

import type { Quota } from "../../objects/records/quota-record.ts";
import type { JsonObject } from "../json/json-api.ts";
import {
  accountSubject,
  bucketArn,
  type ManagementActionTable,
  type ManagementSubject,
} from "./management-action.ts";
import { invalid } from "./management-error.ts";
import { describeUsage } from "./usage.ts";

export const quotaActions: ManagementActionTable<
  "GetBucketQuota" | "SetBucketQuota" | "GetAccountQuota" | "SetAccountQuota" | "GetUsage"
> = {
  GetBucketQuota: {
    subject: bucketSubject,
    async run({ Bucket }, call) {
      const bucket = await call.getBucket(Bucket);
      const usage = await call.dependencies.objects.quotas.bucketUsage(bucket);
      return { Bucket, ...describeQuota(bucket.quota), Usage: describeUsage(usage) };
    },
  },

  SetBucketQuota: {
    subject: bucketSubject,
    async run({ Bucket, ...limits }, call) {
      await call.getBucket(Bucket);
      const quota = quotaOf(limits);
      await call.dependencies.objects.quotas.setBucketQuota(Bucket, quota);
      return { Bucket, ...describeQuota(quota) };
    },
  },

  GetAccountQuota: {
    subject: accountSubject,
    async run(input, call) {
      const { identities, objects } = call.dependencies;
      const { accountId } = await identities.accounts.get(call.accountOf(input));
      const quota = await objects.quotas.accountQuota(accountId);
      const usage = await objects.quotas.accountUsage(accountId);
      return { AccountId: accountId, ...describeQuota(quota), Usage: describeUsage(usage) };
    },
  },

  SetAccountQuota: {
    isForRootAccount: true,
    subject: accountSubject,
    async run({ AccountId, ...limits }, call) {
      const { identities, objects } = call.dependencies;
      await identities.accounts.get(AccountId);
      const quota = quotaOf(limits);
      await objects.quotas.setAccountQuota(AccountId, quota);
      return { AccountId, ...describeQuota(quota) };
    },
  },

  GetUsage: {
    subject(input, call) {
      if (input.Bucket === undefined) return accountSubject(input, call);
      if (input.AccountId === undefined) return { resource: bucketArn(input.Bucket) };
      throw invalid("Bucket and AccountId exclude each other");
    },
    async run(input, call) {
      const { identities, objects } = call.dependencies;
      if (input.Bucket !== undefined) {
        const bucket = await call.getBucket(input.Bucket);
        const usage = await objects.quotas.bucketUsage(bucket);
        const Uploads = await objects.quotas.countUploads(bucket);
        return { Bucket: input.Bucket, ...describeUsage(usage), Uploads };
      }
      const { accountId } = await identities.accounts.get(call.accountOf(input));
      const usage = await objects.quotas.accountUsage(accountId);
      const Uploads = await objects.quotas.countAccountUploads(accountId);
      return { AccountId: accountId, ...describeUsage(usage), Uploads };
    },
  },
};

function bucketSubject({ Bucket }: { readonly Bucket: string }): ManagementSubject {
  return { resource: bucketArn(Bucket) };
}

interface Limits {
  readonly Bytes?: number | undefined;
  readonly Objects?: number | undefined;
}

/** `undefined`: nothing is bounded. */
function quotaOf({ Bytes, Objects }: Limits): Quota | undefined {
  if (Bytes === undefined && Objects === undefined) return undefined;
  return {
    ...(Bytes === undefined ? {} : { bytes: Bytes }),
    ...(Objects === undefined ? {} : { objects: Objects }),
  };
}

/** What is not bounded is not there. */
function describeQuota(quota: Quota | undefined): JsonObject {
  return { Quota: { Bytes: quota?.bytes, Objects: quota?.objects } };
}
