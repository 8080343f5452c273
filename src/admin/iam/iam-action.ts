// What the actions of IAM are given and what they answer.

import type { AccountId, IdentifiedCaller } from "../../access/caller.ts";
import type { IdentityStore } from "../../access/identities/identity-store.ts";
import type { Page } from "../../access/identities/identity-database.ts";
import type { Clock } from "../../base/clock.ts";
import type { IamActions } from "../../model/iam.generated.ts";
import { validationError } from "../query/query-error.ts";

export interface IamContext {
  readonly caller: IdentifiedCaller;
  /** The caller's: IAM answers about nothing else. */
  readonly accountId: AccountId;
  readonly identities: IdentityStore;
  readonly clock: Clock;
}

export type IamActionName = keyof IamActions;

export type IamAction<Name extends IamActionName> = (
  input: IamActions[Name]["input"],
  context: IamContext,
) => Promise<IamActions[Name]["output"]>;

/** Some of the actions, as the files of this folder define them. */
export type IamActionTable<Name extends IamActionName = IamActionName> = {
  readonly [Each in Name]: IamAction<Each>;
};

/**
 * The user that a request without a name is about: the caller; `undefined` for the account's root, who
 * has keys and devices as users have.
 */
export function ownUserName({ principal }: IdentifiedCaller): string | undefined {
  if (principal.kind === "root") return undefined;
  if (principal.kind === "user" && principal.userName !== undefined) return principal.userName;
  throw validationError("Must specify userName when calling with non-User credentials");
}

/** What every paged list begins with. */
export interface PagedInput {
  readonly Marker?: string | undefined;
  readonly MaxItems?: number | undefined;
}

export function pageRequestOf({ Marker, MaxItems }: PagedInput): {
  marker: string | undefined;
  maxItems: number | undefined;
} {
  return { marker: Marker, maxItems: MaxItems };
}

export function pageMembers({ marker }: Page<unknown>): {
  readonly IsTruncated: boolean;
  readonly Marker?: string;
} {
  return marker === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: marker };
}
