// Aliases: names of keys, of the same account.

import { aliasArnOf, parseKeyReference } from "../../keys/key-arn.ts";
import { KmsError } from "../../keys/kms-error.ts";
import type { NamedAlias } from "../../keys/kms-keys.ts";
import {
  demandAccount,
  findKey,
  type KmsCall,
  type KmsOperation,
  type KmsOutput,
} from "./kms-call.ts";
import { findText, getKeyName, getPaging, getText, invalid, pagingOutput } from "./kms-input.ts";
import { asSeconds } from "./key-operations.ts";

export const createAlias: KmsOperation = async (input, call) => {
  const aliasName = getAliasName(input);
  const keyId = await findTarget(input, call, "kms:CreateAlias");
  await call.keys.putAlias(call.caller.accountId, aliasName, keyId, "create");
  return {};
};

export const updateAlias: KmsOperation = async (input, call) => {
  const aliasName = getAliasName(input);
  const keyId = await findTarget(input, call, "kms:UpdateAlias");
  // Both keys must let it: the one that loses the name, and the one that gets it.
  await findKey(call, aliasName, "kms:UpdateAlias");
  await call.keys.putAlias(call.caller.accountId, aliasName, keyId, "update");
  return {};
};

export const deleteAlias: KmsOperation = async (input, call) => {
  const aliasName = getAliasName(input);
  await findKey(call, aliasName, "kms:DeleteAlias");
  await call.keys.deleteAlias(call.caller.accountId, aliasName);
  return {};
};

export const listAliases: KmsOperation = async (input, call) => {
  const { limit, after } = getPaging(input, 50, 100);
  const name = findText(input, "KeyId", { minimum: 1, maximum: 2048 });
  demandAccount(call, "kms:ListAliases");
  const { accountId } = call.caller;
  if (name === undefined) {
    const { items, next } = await call.keys.listAliases(accountId, after, limit);
    return listOf(items, next, call);
  }
  const { keyId } = await call.keys.get(name, accountId);
  // A key has few aliases: those of the account are read through until the page is full.
  const found: NamedAlias[] = [];
  let from = after;
  do {
    const page = await call.keys.listAliases(accountId, from, 1000);
    found.push(...page.items.filter((alias) => alias.keyId === keyId));
    from = page.next;
  } while (from !== undefined && found.length <= limit);
  const items = found.slice(0, limit);
  const next = found.length > limit ? items.at(-1)?.aliasName : undefined;
  return listOf(items, next, call);
};

function listOf(
  items: readonly NamedAlias[],
  next: string | undefined,
  { keys, caller: { accountId } }: KmsCall,
): KmsOutput {
  const Aliases = items.map(({ aliasName, keyId, createdMilliseconds, updatedMilliseconds }) => ({
    AliasName: aliasName,
    AliasArn: aliasArnOf({ region: keys.region, accountId }, aliasName),
    TargetKeyId: keyId,
    CreationDate: asSeconds(createdMilliseconds),
    LastUpdatedDate: asSeconds(updatedMilliseconds),
  }));
  return { Aliases, ...pagingOutput(next) };
}

function getAliasName(input: Readonly<Record<string, unknown>>): string {
  const name = getText(input, "AliasName", {
    minimum: 1,
    maximum: 256,
    pattern: /^[a-zA-Z0-9:/_-]+$/,
  });
  if (!name.startsWith("alias/") || name === "alias/") throw invalid("Invalid identifier");
  if (name.startsWith("alias/aws/")) {
    // Names that only AWS gives.
    throw new KmsError("NotAuthorizedException", "Aliases of AWS cannot be made or changed.");
  }
  if (name.slice("alias/".length).includes(":")) {
    throw invalid(`${name} contains invalid characters for an alias`);
  }
  return name;
}

async function findTarget(
  input: Readonly<Record<string, unknown>>,
  call: KmsCall,
  action: "kms:CreateAlias" | "kms:UpdateAlias",
): Promise<string> {
  const name = getKeyName({ TargetKeyId: input["TargetKeyId"] }, "TargetKeyId");
  const { accountId } = call.caller;
  const reference = parseKeyReference(name, { region: call.keys.region, accountId });
  if (reference.kind === "alias") throw invalid("Aliases must refer to keys. Not aliases");
  return (await findKey(call, name, action)).keyId;
}
