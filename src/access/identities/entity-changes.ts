// What users, groups and roles have in common above a single transaction: lists below a path, and new
// names and paths.

import type { AccountId } from "../caller.ts";
import {
  decodeEntity,
  getEntity,
  moveEntity,
  type EntityKind,
  type EntityRecords,
} from "./entities.ts";
import type { IdentityDatabase, Page, PageRequest } from "./identity-database.ts";
import { identityRanges } from "./identity-keys.ts";
import { checkPath, checkPathPrefix } from "./identity-names.ts";

export interface EntityListRequest extends PageRequest {
  readonly pathPrefix?: string | undefined;
}

/** Throws IdentityError ValidationError. */
export async function listEntities<Kind extends EntityKind>(
  database: IdentityDatabase,
  kind: Kind,
  accountId: AccountId,
  request: EntityListRequest,
): Promise<Page<EntityRecords[Kind]>> {
  const prefix = checkPathPrefix(request.pathPrefix);
  return database.page(
    request,
    (after) => identityRanges.named(kind, accountId, after),
    ({ value }) => {
      const entity = decodeEntity(kind, value);
      return entity.path.startsWith(prefix) ? entity : undefined;
    },
  );
}

/** `newName` has been checked. Throws IdentityError NoSuchEntity, EntityAlreadyExists. */
export async function renameEntity<Kind extends "user" | "group">(
  database: IdentityDatabase,
  kind: Kind,
  accountId: AccountId,
  name: string,
  change: { readonly newName: string | undefined; readonly newPath: string | undefined },
): Promise<EntityRecords[Kind]> {
  const newPath = change.newPath === undefined ? undefined : checkPath(change.newPath);
  return database.change(accountId, async (transaction) => {
    const before = await getEntity(transaction, kind, accountId, name);
    const after = {
      ...before,
      name: change.newName ?? before.name,
      path: newPath ?? before.path,
    };
    await moveEntity(transaction, before, after);
    return after;
  });
}
