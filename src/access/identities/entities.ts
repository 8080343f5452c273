// Users, groups and roles as transactions find and keep them: by name, by id, with the errors of IAM
// for those that are not there.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { AccountId } from "../caller.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys } from "./identity-keys.ts";
import { identityArn } from "./identity-names.ts";
import {
  decodeEntityName,
  decodeGroup,
  decodeRole,
  decodeUser,
  type EntityNameRecord,
  type GroupRecord,
  type PolicyRecord,
  type RoleRecord,
  type UserRecord,
} from "./identity-records.ts";

export type EntityRecord = UserRecord | GroupRecord | RoleRecord;
export type EntityKind = EntityRecord["kind"];

/** What policies are attached to or put into. */
export interface EntityReference {
  readonly kind: EntityKind;
  readonly accountId: AccountId;
  readonly name: string;
}

export interface EntityRecords {
  readonly user: UserRecord;
  readonly group: GroupRecord;
  readonly role: RoleRecord;
}

const decoders: { readonly [Kind in EntityKind]: (value: Uint8Array) => EntityRecords[Kind] } = {
  user: decodeUser,
  group: decodeGroup,
  role: decodeRole,
};

export function decodeEntity<Kind extends EntityKind>(
  kind: Kind,
  value: Uint8Array,
): EntityRecords[Kind] {
  return decoders[kind](value);
}

const titles = { user: "user", group: "group", role: "role" } as const;

/** In the order in which lists show them. */
export function sortByName<Named extends { readonly name: string }>(
  entities: readonly Named[],
): readonly Named[] {
  return entities.toSorted((left, right) => (foldedName(left) < foldedName(right) ? -1 : 1));
}

export function foldedName({ name }: { readonly name: string }): string {
  return name.toLowerCase();
}

export function arnOf(record: EntityRecord | PolicyRecord): string {
  const kind = "kind" in record ? record.kind : "policy";
  return identityArn(record.accountId, kind, record.path, record.name);
}

export async function findEntity<Kind extends EntityKind>(
  transaction: Transaction,
  kind: Kind,
  accountId: string,
  name: string,
): Promise<EntityRecords[Kind] | undefined> {
  const value = await transaction.get(identityKeys[kind](accountId, name));
  return value === undefined ? undefined : decoders[kind](value);
}

/** Throws IdentityError NoSuchEntity. */
export async function getEntity<Kind extends EntityKind>(
  transaction: Transaction,
  kind: Kind,
  accountId: string,
  name: string,
): Promise<EntityRecords[Kind]> {
  const found = await findEntity(transaction, kind, accountId, name);
  if (found === undefined) throw noSuchEntity(kind, name);
  return found;
}

/** By the unique id, which a change of the name leaves alone. */
export async function findEntityById(
  transaction: Transaction,
  accountId: string,
  id: string,
): Promise<EntityRecord | undefined> {
  const value = await transaction.get(identityKeys.entityName(accountId, id));
  if (value === undefined) return undefined;
  const { kind, name } = decodeEntityName(value);
  const found = await findEntity(transaction, kind, accountId, name);
  return found?.id === id ? found : undefined;
}

/** Stores a record under its name and its id. */
export function setEntity(transaction: Transaction, record: EntityRecord): void {
  const { kind, accountId, id, name } = record;
  transaction.set(identityKeys[kind](accountId, name), encodeRecord(record));
  const place: EntityNameRecord = { v: 1, kind, name };
  transaction.set(identityKeys.entityName(accountId, id), encodeRecord(place));
}

export function deleteEntity(transaction: Transaction, record: EntityRecord): void {
  transaction.delete(identityKeys[record.kind](record.accountId, record.name));
  transaction.delete(identityKeys.entityName(record.accountId, record.id));
}

/** Throws IdentityError EntityAlreadyExists. */
export async function checkNameIsFree(
  transaction: Transaction,
  kind: EntityKind,
  accountId: string,
  name: string,
): Promise<void> {
  const taken = await findEntity(transaction, kind, accountId, name);
  if (taken === undefined) return;
  throw new IdentityError(
    "EntityAlreadyExists",
    `${titles[kind].replace(/^./, (letter) => letter.toUpperCase())} with name ${name} already exists.`,
  );
}

/** Stores a record under a new name or path. Throws IdentityError EntityAlreadyExists. */
export async function moveEntity<Moved extends UserRecord | GroupRecord>(
  transaction: Transaction,
  before: Moved,
  after: Moved,
): Promise<void> {
  if (after.name.toLowerCase() !== before.name.toLowerCase()) {
    await checkNameIsFree(transaction, before.kind, before.accountId, after.name);
    transaction.delete(identityKeys[before.kind](before.accountId, before.name));
  }
  setEntity(transaction, after);
}

/** What must go before its entity can: users and roles hold on to policies as groups do. */
export function checkHoldsNoPolicies(record: EntityRecord): void {
  if (record.attachedPolicyArns.length > 0) {
    throw deleteConflict("must detach all policies first");
  }
  if (Object.keys(record.inlinePolicies).length > 0) {
    throw deleteConflict("must delete policies first");
  }
}

export function deleteConflict(what: string): IdentityError {
  return new IdentityError("DeleteConflict", `Cannot delete entity, ${what}.`);
}

function noSuchEntity(kind: EntityKind, name: string): IdentityError {
  return new IdentityError(
    "NoSuchEntity",
    `The ${titles[kind]} with name ${name} cannot be found.`,
  );
}
