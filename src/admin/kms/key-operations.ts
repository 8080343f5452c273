// Making keys, describing and listing them, and their states.

import { defaultKeyPolicy } from "../../keys/key-policy.ts";
import type { KmsKeyRecord } from "../../keys/key-records.ts";
import { currentMaterialOf } from "../../keys/kms-ciphers.ts";
import { KmsError } from "../../keys/kms-error.ts";
import type { KmsKeys } from "../../keys/kms-keys.ts";
import { demandAccount, findKey, type KmsOperation, type KmsOutput } from "./kms-call.ts";
import {
  findFlag,
  findInteger,
  findText,
  getKeyIdOrArn,
  getKeyName,
  getPaging,
  getTags,
  getText,
  pagingOutput,
  type TextRules,
} from "./kms-input.ts";
import { checkPolicy } from "./policy-operations.ts";
import { checkTagCount } from "./tag-operations.ts";

const millisecondsPerDay = 86_400_000;
const descriptionRules: TextRules = { maximum: 8192 };

export const createKey: KmsOperation = async (input, call) => {
  const description = findText(input, "Description", descriptionRules) ?? "";
  const tags = getTags(input, "Tags");
  checkTagCount(tags);
  checkSymmetric(input);
  const facts = { ...call.facts, requestTags: tags };
  demandAccount({ ...call, facts }, "kms:CreateKey");
  const { accountId } = call.caller;
  const policy = findText(input, "Policy", { minimum: 1, maximum: 131_072 });
  const skipsLockoutCheck = findFlag(input, "BypassPolicyLockoutSafetyCheck");
  if (policy !== undefined) {
    const manager = "CUSTOMER" as const;
    checkPolicy(
      { ...call, facts },
      { accountId, keyId: "*", manager, tags },
      policy,
      skipsLockoutCheck,
    );
  }
  const record = await call.keys.create({
    accountId,
    description,
    tags,
    manager: "CUSTOMER",
    ...(policy === undefined || policy === defaultKeyPolicy(accountId) ? {} : { policy }),
  });
  return { KeyMetadata: metadataOf(record, call.keys) };
};

/** Holdfast has symmetric keys of its own making, and no others. */
function checkSymmetric(input: Readonly<Record<string, unknown>>): void {
  const spec =
    findText(input, "KeySpec") ?? findText(input, "CustomerMasterKeySpec") ?? "SYMMETRIC_DEFAULT";
  const usage = findText(input, "KeyUsage") ?? "ENCRYPT_DECRYPT";
  const origin = findText(input, "Origin") ?? "AWS_KMS";
  const isSupported =
    spec === "SYMMETRIC_DEFAULT" &&
    usage === "ENCRYPT_DECRYPT" &&
    origin === "AWS_KMS" &&
    !findFlag(input, "MultiRegion") &&
    findText(input, "CustomKeyStoreId") === undefined &&
    findText(input, "XksKeyId") === undefined;
  if (isSupported) return;
  throw new KmsError(
    "UnsupportedOperationException",
    "Only symmetric encryption keys of a single region are supported.",
  );
}

export const describeKey: KmsOperation = async (input, call) => {
  const record = await findKey(call, getKeyName(input), "kms:DescribeKey");
  return { KeyMetadata: metadataOf(record, call.keys) };
};

export const listKeys: KmsOperation = async (input, call) => {
  const { limit, after } = getPaging(input, 100, 1000);
  demandAccount(call, "kms:ListKeys");
  const { accountId } = call.caller;
  const { items, next } = await call.keys.list(accountId, after, limit);
  const Keys = items.map((KeyId) => {
    return { KeyId, KeyArn: call.keys.arnOf({ accountId, keyId: KeyId }) };
  });
  return { Keys, ...pagingOutput(next) };
};

export const updateKeyDescription: KmsOperation = async (input, call) => {
  const description = getText(input, "Description", descriptionRules);
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:UpdateKeyDescription");
  await call.keys.update(keyId, (record) => {
    call.keys.checkNotPendingDeletion(record);
    return { ...record, description };
  });
  return {};
};

export const enableKey: KmsOperation = async (input, call) => {
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:EnableKey");
  await call.keys.update(keyId, (record) => {
    call.keys.checkNotPendingDeletion(record);
    return { ...record, state: "Enabled" };
  });
  return {};
};

export const disableKey: KmsOperation = async (input, call) => {
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:DisableKey");
  await call.keys.update(keyId, (record) => {
    call.keys.checkNotPendingDeletion(record);
    return { ...record, state: "Disabled" };
  });
  return {};
};

export const scheduleKeyDeletion: KmsOperation = async (input, call) => {
  const windowDays = findInteger(input, "PendingWindowInDays", 7, 30) ?? 30;
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:ScheduleKeyDeletion");
  const atMilliseconds = call.keys.now() + windowDays * millisecondsPerDay;
  const record = await call.keys.update(keyId, (current) => {
    call.keys.checkNotPendingDeletion(current);
    return { ...current, state: "PendingDeletion", deletion: { atMilliseconds, windowDays } };
  });
  return {
    KeyId: call.keys.arnOf(record),
    DeletionDate: asSeconds(atMilliseconds),
    KeyState: record.state,
    PendingWindowInDays: windowDays,
  };
};

export const cancelKeyDeletion: KmsOperation = async (input, call) => {
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:CancelKeyDeletion");
  const record = await call.keys.update(keyId, (current) => {
    if (current.state !== "PendingDeletion") {
      const arn = call.keys.arnOf(current);
      throw new KmsError("KMSInvalidStateException", `${arn} is not pending deletion.`);
    }
    const { deletion: _cancelled, ...rest } = current;
    // "The key state of the KMS key is Disabled"; somebody must enable it again.
    return { ...rest, state: "Disabled" };
  });
  return { KeyId: call.keys.arnOf(record) };
};

function metadataOf(record: KmsKeyRecord, keys: KmsKeys): KmsOutput {
  const { accountId, keyId, createdMilliseconds, description, state, manager, deletion } = record;
  return {
    AWSAccountId: accountId,
    KeyId: keyId,
    Arn: keys.arnOf(record),
    CreationDate: asSeconds(createdMilliseconds),
    Enabled: state === "Enabled",
    Description: description,
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: state,
    ...(deletion === undefined ? {} : { DeletionDate: asSeconds(deletion.atMilliseconds) }),
    Origin: "AWS_KMS",
    KeyManager: manager,
    CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
    KeySpec: "SYMMETRIC_DEFAULT",
    EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
    MultiRegion: false,
    CurrentKeyMaterialId: currentMaterialOf(record).id,
  };
}

/** As times stand in KMS's JSON: seconds since the epoch, with a fraction. */
export function asSeconds(milliseconds: number): number {
  return milliseconds / 1000;
}
