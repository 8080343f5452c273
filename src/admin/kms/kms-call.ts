// One call of the KMS API: who asks, what for, and what operations share: finding a key and asking
// whether the caller may do this with it.

import type { IdentifiedCaller } from "../../access/caller.ts";
import {
  decideAccountAccess,
  decideKeyAccess,
  type KeyDecision,
} from "../../access/key-authorization.ts";
import { keyContextOf } from "../../access/key-context.ts";
import { contextOf, type RequestFacts } from "../../access/request-context.ts";
import type { EncryptionContext } from "../../keys/key-provider.ts";
import type { KmsKeyRecord } from "../../keys/key-records.ts";
import { KmsError } from "../../keys/kms-error.ts";
import type { KmsKeys } from "../../keys/kms-keys.ts";

/** What an operation gets; its input is what the client sent as JSON. */
export interface KmsCall {
  readonly keys: KmsKeys;
  readonly caller: IdentifiedCaller;
  readonly facts: RequestFacts;
}

export type KmsInput = Readonly<Record<string, unknown>>;
export type KmsOutput = Readonly<Record<string, unknown>>;
export type KmsOperation = (input: KmsInput, call: KmsCall) => Promise<KmsOutput>;

export type KmsAction = `kms:${string}`;

export interface ActionFacts {
  readonly encryptionContext?: EncryptionContext;
  /** How the request named the key, where it was by an alias. */
  readonly alias?: string;
}

/** The key of a name, after the caller was found to be allowed `action` on it. */
export async function findKey(
  { keys, caller, facts }: KmsCall,
  name: string,
  action: KmsAction,
  extra: ActionFacts = {},
): Promise<KmsKeyRecord> {
  const record = await keys.get(name, caller.accountId);
  const alias = name.split(":").at(-1) as string; // a split has one part at least
  const isAlias = alias.startsWith("alias/");
  demandKey({ keys, caller, facts }, record, action, isAlias ? { ...extra, alias } : extra);
  return record;
}

/** Throws KmsError AccessDeniedException. */
export function demandKey(
  call: KmsCall,
  record: KmsKeyRecord,
  action: KmsAction,
  extra: ActionFacts = {},
): void {
  demandKeyUnder(call, record, call.keys.policyOf(record), action, extra);
}

/** As `demandKey`, if the key had this policy. */
function demandKeyUnder(
  { keys, caller, facts }: KmsCall,
  record: KmsKeyRecord,
  policy: string,
  action: KmsAction,
  extra: ActionFacts = {},
): void {
  const { accountId } = record;
  const key = { keyArn: keys.arnOf(record), accountId, policy };
  const context = keyContextOf(facts, { accountId, tags: record.tags, ...extra });
  check(decideKeyAccess({ caller, action, key, context }));
}

/** For what is about no key in particular. */
export function demandAccount({ caller, facts }: KmsCall, action: KmsAction): void {
  check(decideAccountAccess(caller, action, contextOf(facts, {})));
}

function check({ isAllowed, message }: KeyDecision): void {
  if (!isAllowed) throw new KmsError("AccessDeniedException", message);
}
