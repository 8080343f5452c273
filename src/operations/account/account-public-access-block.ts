// Block Public Access of a whole account: S3 Control's Get-, Put- and DeletePublicAccessBlock.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { describeBlock, readBlock } from "../bucket-configuration/public-access-block.ts";
import type { Operation, OperationContext } from "../operation.ts";

type Get = OperationTypes["GetAccountPublicAccessBlock"];
type Put = OperationTypes["PutAccountPublicAccessBlock"];
type Delete = OperationTypes["DeleteAccountPublicAccessBlock"];

export const getAccountPublicAccessBlock: Operation<Get["input"], Get["output"]> = async (
  input,
  context,
) => {
  const accountId = checkAccount(input.AccountId, context);
  const block = await context.store.accountSettings.publicAccessBlockOf(accountId);
  if (block === undefined) {
    throw new S3Error("NoSuchPublicAccessBlockConfiguration", { fields: { AccountId: accountId } });
  }
  return { PublicAccessBlockConfiguration: describeBlock(block) };
};

export const putAccountPublicAccessBlock: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const accountId = checkAccount(input.AccountId, context);
  const block = readBlock(input.PublicAccessBlockConfiguration);
  await context.store.accountSettings.setPublicAccessBlock(accountId, block);
  return {};
};

export const deleteAccountPublicAccessBlock: Operation<Delete["input"], Delete["output"]> = async (
  input,
  context,
) => {
  const accountId = checkAccount(input.AccountId, context);
  await context.store.accountSettings.setPublicAccessBlock(accountId, undefined);
  return {};
};

/** An account administers itself, and no other one. Throws S3Error AccessDenied. */
function checkAccount(accountId: string, { caller }: OperationContext): string {
  if (caller.kind === "identified" && caller.accountId === accountId) return accountId;
  throw new S3Error("AccessDenied");
}
