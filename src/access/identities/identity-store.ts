// Everything about accounts and their identities behind one door: built once, handed to whoever
// administers them (IAM, STS, provisioning) or finds out who is asking.

import { AccessKeys } from "./access-keys.ts";
import { Accounts } from "./account-records.ts";
import { EntityPolicies } from "./entity-policies.ts";
import { Groups } from "./groups.ts";
import { IdentityDatabase, type IdentityDatabaseOptions } from "./identity-database.ts";
import { ManagedPolicies } from "./managed-policies.ts";
import { MfaDevices } from "./mfa-devices.ts";
import { OidcProviders } from "./oidc-providers.ts";
import { Roles } from "./roles.ts";
import { Users } from "./users.ts";

export class IdentityStore {
  readonly database: IdentityDatabase;
  readonly accounts: Accounts;
  readonly users: Users;
  readonly groups: Groups;
  readonly roles: Roles;
  readonly accessKeys: AccessKeys;
  /** Managed policies. */
  readonly policies: ManagedPolicies;
  /** Attached and inline policies, and boundaries, of users, groups and roles. */
  readonly entityPolicies: EntityPolicies;
  readonly oidcProviders: OidcProviders;
  readonly mfaDevices: MfaDevices;

  constructor(options: IdentityDatabaseOptions) {
    const database = new IdentityDatabase(options);
    this.database = database;
    this.accounts = new Accounts(database);
    this.users = new Users(database);
    this.groups = new Groups(database);
    this.roles = new Roles(database);
    this.accessKeys = new AccessKeys(database);
    this.policies = new ManagedPolicies(database);
    this.entityPolicies = new EntityPolicies(database);
    this.oidcProviders = new OidcProviders(database);
    this.mfaDevices = new MfaDevices(database);
  }
}
