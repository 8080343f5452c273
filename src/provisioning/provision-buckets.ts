// Buckets of one account and their settings, through the operations that clients use: what they refuse
// is refused here with the same words.

import type { IdentifiedCaller } from "../access/caller.ts";
import { S3Error } from "../model/errors.ts";
import { operations } from "../model/operations.generated.ts";
import { bucketSettings, type BucketSetting } from "./bucket-settings.ts";
import type { ProvisionedBucket } from "./document.ts";
import { ProvisioningError } from "./provisioning-error.ts";
import type { AccountInWork } from "./provision.ts";
import { holdsAll, readSdkValue } from "./sdk-value.ts";

export async function provisionBuckets(
  account: AccountInWork,
  buckets: readonly ProvisionedBucket[],
): Promise<void> {
  for (const bucket of buckets) {
    await inWordsOf(bucket, () => provisionBucket(account, bucket));
  }
  // Two buckets may replicate to each other: both must be there first.
  for (const bucket of buckets) {
    await inWordsOf(bucket, () => provisionSettings(account, bucket, isAppliedLast));
  }
}

function isAppliedLast(settingName: string): boolean {
  return settingName === "replication";
}

async function inWordsOf({ name }: ProvisionedBucket, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    throw new ProvisioningError(`bucket ${name}: ${error.code}: ${error.message}`, {
      cause: error,
    });
  }
}

async function provisionBucket(account: AccountInWork, bucket: ProvisionedBucket): Promise<void> {
  const { changes, dependencies } = account;
  const { name, quota, settings = {} } = bucket;
  const isThere = await isBucketThere(account, name);
  if (!isThere) {
    await changes.make(`+ bucket ${name}`, () =>
      run(account, "CreateBucket", {
        Bucket: name,
        ...(bucket.objectLockEnabled === true ? { ObjectLockEnabledForBucket: true } : {}),
      }),
    );
  }
  for (const unknown of Object.keys(settings)) {
    if (Object.hasOwn(bucketSettings, unknown)) continue;
    throw new ProvisioningError(
      `bucket ${name}: ${unknown} is no setting; they are ${Object.keys(bucketSettings).join(", ")}`,
    );
  }
  await provisionSettings(account, bucket, (settingName) => !isAppliedLast(settingName));
  if (quota === undefined) return;
  const hasBucket = isThere || !changes.isDryRun;
  const found = hasBucket ? await dependencies.findBucketQuota(name) : undefined;
  if (found?.bytes === quota.bytes && found?.objects === quota.objects) return;
  await changes.make(`~ quota of bucket ${name}`, () => dependencies.setBucketQuota(name, quota));
}

async function provisionSettings(
  account: AccountInWork,
  { name, settings = {} }: ProvisionedBucket,
  isMeant: (settingName: string) => boolean,
): Promise<void> {
  const { changes } = account;
  const meant = Object.entries(bucketSettings).filter(([settingName]) => isMeant(settingName));
  if (!meant.some(([settingName]) => settings[settingName] !== undefined)) return;
  const hasBucket = !changes.isDryRun || (await isBucketThere(account, name));
  for (const [settingName, setting] of meant) {
    const value = settings[settingName];
    if (value === undefined) continue;
    for (const part of partsOf(setting, value, `bucket ${name}: ${settingName}`)) {
      const { input, wanted } = part;
      const found = hasBucket ? await findSetting(account, name, setting, input) : undefined;
      if (found !== undefined && isAsWanted(setting, wanted, found)) continue;
      const what = [settingName, ...Object.values(input)].join(" ");
      await changes.make(`${found === undefined ? "+" : "~"} ${what} of bucket ${name}`, () =>
        run(account, setting.put, { Bucket: name, ...input, [setting.member]: wanted }),
      );
    }
  }
}

/** Throws S3Error for a bucket of somebody else. */
async function isBucketThere(account: AccountInWork, name: string): Promise<boolean> {
  if (account.isImagined) return false;
  try {
    await run(account, "HeadBucket", { Bucket: name, ExpectedBucketOwner: account.accountId });
    return true;
  } catch (error) {
    if (error instanceof S3Error && error.code === "NoSuchBucket") return false;
    throw error;
  }
}

/** What is put one by one, with what its requests say beside the bucket. */
function partsOf(
  setting: BucketSetting,
  value: unknown,
  place: string,
): readonly { readonly input: { readonly Id?: string }; readonly wanted: unknown }[] {
  if (setting.isByIds !== true) return [{ input: {}, wanted: readSetting(setting, value, place) }];
  if (!Array.isArray(value)) throw new ProvisioningError(`${place}: must be a list`);
  return value.map((each: unknown, index) => {
    const wanted = readSetting(setting, each, `${place}.${index}`) as { readonly Id?: string };
    if (wanted.Id === undefined) throw new ProvisioningError(`${place}.${index}: Id is missing`);
    return { input: { Id: wanted.Id }, wanted };
  });
}

function readSetting({ put, member }: BucketSetting, value: unknown, place: string): unknown {
  // A policy is its own text, and easier to write as an object.
  if (member === "Policy") return typeof value === "string" ? value : JSON.stringify(value);
  const found = operations[put].input.find(({ name }) => name === member);
  if (found === undefined) throw new ProvisioningError(`${place}: cannot be provisioned`);
  return readSdkValue(found.type, value, place);
}

/** `undefined`: not set. */
async function findSetting(
  account: AccountInWork,
  Bucket: string,
  { get, found }: BucketSetting,
  input: { readonly Id?: string },
): Promise<unknown> {
  try {
    const output = (await run(account, get, { Bucket, ...input })) as Readonly<
      Record<string, unknown>
    >;
    return found === undefined ? output : output[found];
  } catch (error) {
    // S3 has a code for each that is not there.
    if (error instanceof S3Error && error.status === 404) return undefined;
    throw error;
  }
}

function isAsWanted(
  { member, caselessMember }: BucketSetting,
  wanted: unknown,
  found: unknown,
): boolean {
  if (caselessMember !== undefined) {
    const [left, right] = [wanted, found].map((value) => withoutCase(value, caselessMember));
    return holdsAll(left, right);
  }
  if (member !== "Policy") return holdsAll(wanted, found);
  const [left, right] = [wanted, found].map((text) => JSON.parse(String(text)) as unknown);
  return holdsAll(left, right) && holdsAll(right, left);
}

function withoutCase(value: unknown, member: string): unknown {
  const text = JSON.stringify(value, (name, each: unknown) =>
    name === member && typeof each === "string" ? each.toLowerCase() : each,
  );
  return JSON.parse(text) as unknown;
}

function run(
  { accountId, canonicalId, displayName, dependencies }: AccountInWork,
  name: Parameters<typeof dependencies.runOperation>[0],
  input: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const caller: IdentifiedCaller = {
    kind: "identified",
    accessKeyId: "provisioning",
    accountId,
    canonicalId,
    displayName,
    principal: { kind: "root", arn: `arn:aws:iam::${accountId}:root`, userId: accountId },
  };
  return dependencies.runOperation(name, input, caller);
}
