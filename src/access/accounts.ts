// The accounts that a server knows: who can own buckets and objects, and be named in grants.

import type { AccountId, CanonicalId } from "./caller.ts";

export interface Account {
  readonly accountId: AccountId;
  readonly canonicalId: CanonicalId;
  readonly displayName: string;
  readonly email?: string;
}

export interface AccountDirectory {
  findById(accountId: string): Promise<Account | undefined>;
  findByCanonicalId(canonicalId: string): Promise<Account | undefined>;
  /** S3 tells an address of none from an address of several. */
  findByEmail(email: string): Promise<readonly Account[]>;
  /** Whether there is such a user or role, in an account that is here; sessions count as their role. */
  hasPrincipal(arn: string): Promise<boolean>;
}

/** A directory without users and roles that knows the accounts it was given. */
export function directoryOf(accounts: readonly Account[]): AccountDirectory {
  return {
    findById: async (id) => accounts.find(({ accountId }) => accountId === id),
    findByCanonicalId: async (id) => accounts.find(({ canonicalId }) => canonicalId === id),
    findByEmail: async (address) =>
      accounts.filter(({ email }) => email?.toLowerCase() === address.toLowerCase()),
    hasPrincipal: async () => false,
  };
}
