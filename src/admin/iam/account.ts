// IAM's actions on the account itself: alias, summary, and everything about everybody.

import { arnOf, type EntityRecord } from "../../access/identities/entities.ts";
import { pageOf, type Page, type PageRequest } from "../../access/identities/identity-database.ts";
import type { UserRecord } from "../../access/identities/identity-records.ts";
import { keysPerOwner } from "../../access/identities/access-keys.ts";
import { attachedPerEntity } from "../../access/identities/entity-policies.ts";
import { groupsPerUser } from "../../access/identities/groups.ts";
import { versionsPerPolicy, type ManagedPolicy } from "../../access/identities/managed-policies.ts";
import { iamPolicyCharacters } from "../../access/policy/policy-limits.ts";
import type {
  EntityType,
  GetAccountAuthorizationDetailsOutput,
  GroupDetail,
  ManagedPolicyDetail,
  PolicyDetail,
  RoleDetail,
  UserDetail,
} from "../../model/iam.generated.ts";
import { pageMembers, pageRequestOf, type IamActionTable, type IamContext } from "./iam-action.ts";
import { attachedPolicyOf, encodeDocument, groupOf, userOf } from "./iam-shapes.ts";
import { policyOf, versionOf } from "./managed-policies.ts";
import { usedRoleOf } from "./roles.ts";

export const accountActions: IamActionTable<
  | "GetAccountSummary"
  | "GetAccountAuthorizationDetails"
  | "CreateAccountAlias"
  | "DeleteAccountAlias"
  | "ListAccountAliases"
> = {
  async GetAccountSummary(_input, context) {
    return { SummaryMap: await summarize(context) };
  },

  async GetAccountAuthorizationDetails(input, context) {
    const filter = input.Filter ?? [];
    const wants = (type: EntityType): boolean => filter.length === 0 || filter.includes(type);
    const found: Detail[] = [];
    for (const kind of ["user", "group", "role"] as const) {
      if (!wants(entityTypes[kind])) continue;
      for (const entity of await everything(context, kind)) found.push({ entity });
    }
    for (const scope of ["Local", "AWS"] as const) {
      if (!wants(scope === "AWS" ? "AWSManagedPolicy" : "LocalManagedPolicy")) continue;
      for (const policy of await everyPolicy(context, scope)) {
        // Of AWS's own policies only those that the account uses.
        const isUsed = policy.attachmentCount + policy.boundaryUsageCount > 0;
        if (scope === "Local" || isUsed) found.push({ policy });
      }
    }
    const placed = found.map((detail) => ({ detail, place: placeOf(detail) }));
    const page = pageOf(
      pageRequestOf(input),
      placed.toSorted((left, right) => (left.place < right.place ? -1 : 1)),
      ({ place }) => place,
    );
    const details = await describe(
      page.items.map(({ detail }) => detail),
      context,
    );
    return { ...details, ...pageMembers(page) };
  },

  async CreateAccountAlias(input, { identities, accountId }) {
    await identities.accounts.setAlias(accountId, input.AccountAlias);
  },

  async DeleteAccountAlias(input, { identities, accountId }) {
    await identities.accounts.deleteAlias(accountId, input.AccountAlias);
  },

  async ListAccountAliases(_input, { identities, accountId }) {
    const { alias } = await identities.accounts.get(accountId);
    return { AccountAliases: alias === undefined ? [] : [alias], IsTruncated: false };
  },
};

type Detail = { readonly entity: EntityRecord } | { readonly policy: ManagedPolicy };

const entityTypes = { user: "User", group: "Group", role: "Role" } as const;

function placeOf(detail: Detail): string {
  return "entity" in detail
    ? `${detail.entity.kind}/${detail.entity.name.toLowerCase()}`
    : `zpolicy/${detail.policy.arn}`;
}

const allPages = { maxItems: 1000 };

async function collect<Item>(
  list: (request: PageRequest) => Promise<Page<Item>>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let marker: string | undefined;
  do {
    const page = await list({ ...allPages, marker });
    items.push(...page.items);
    ({ marker } = page);
  } while (marker !== undefined);
  return items;
}

async function everything(
  { identities, accountId }: IamContext,
  kind: EntityRecord["kind"],
): Promise<readonly EntityRecord[]> {
  switch (kind) {
    case "user":
      return collect((request) => identities.users.list(accountId, request));
    case "group":
      return collect((request) => identities.groups.list(accountId, request));
    default:
      return collect((request) => identities.roles.list(accountId, request));
  }
}

async function everyPolicy(
  { identities, accountId }: IamContext,
  scope: "Local" | "AWS",
): Promise<readonly ManagedPolicy[]> {
  return collect((request) => identities.policies.list(accountId, { ...request, scope }));
}

async function describe(
  details: readonly Detail[],
  context: IamContext,
): Promise<GetAccountAuthorizationDetailsOutput> {
  const UserDetailList: UserDetail[] = [];
  const GroupDetailList: GroupDetail[] = [];
  const RoleDetailList: RoleDetail[] = [];
  const Policies: ManagedPolicyDetail[] = [];
  for (const detail of details) {
    if ("policy" in detail) Policies.push(await policyDetail(detail.policy, context));
    else if (detail.entity.kind === "user") {
      UserDetailList.push(await userDetail(detail.entity, context));
    } else if (detail.entity.kind === "group") {
      GroupDetailList.push({
        ...groupOf(detail.entity),
        GroupPolicyList: inlinePolicies(detail.entity),
        AttachedManagedPolicies: detail.entity.attachedPolicyArns.map(attachedPolicyOf),
      });
    } else {
      RoleDetailList.push({
        ...(await usedRoleOf(detail.entity, context)),
        Arn: arnOf(detail.entity),
        InstanceProfileList: [],
        RolePolicyList: inlinePolicies(detail.entity),
        AttachedManagedPolicies: detail.entity.attachedPolicyArns.map(attachedPolicyOf),
      });
    }
  }
  return { UserDetailList, GroupDetailList, RoleDetailList, Policies };
}

async function userDetail(
  user: UserRecord,
  { identities, accountId }: IamContext,
): Promise<UserDetail> {
  const groups = await collect((request) =>
    identities.users.listGroups(accountId, user.name, request),
  );
  return {
    ...userOf(user),
    UserPolicyList: inlinePolicies(user),
    GroupList: groups.map(({ name }) => name),
    AttachedManagedPolicies: user.attachedPolicyArns.map(attachedPolicyOf),
  };
}

async function policyDetail(
  policy: ManagedPolicy,
  { identities, accountId }: IamContext,
): Promise<ManagedPolicyDetail> {
  const versions = await identities.policies.listVersions(accountId, policy.arn);
  return { ...policyOf(policy), PolicyVersionList: versions.items.map(versionOf) };
}

function inlinePolicies(entity: EntityRecord): readonly PolicyDetail[] {
  return Object.entries(entity.inlinePolicies).map(([PolicyName, document]) => ({
    PolicyName,
    PolicyDocument: encodeDocument(document),
  }));
}

/**
 * IAM's own quotas for what an account may have: this server lets it have more, and tools that look at
 * them before they make something find room.
 */
const accountQuotas = {
  UsersQuota: 5000,
  GroupsQuota: 300,
  RolesQuota: 1000,
  PoliciesQuota: 1500,
  PolicyVersionsInUseQuota: 10_000,
  ServerCertificatesQuota: 20,
  InstanceProfilesQuota: 1000,
  SigningCertificatesPerUserQuota: 2,
} as const;

/** Counts and quotas by the names of GetAccountSummary's map. */
async function summarize(context: IamContext): Promise<Readonly<Record<string, number>>> {
  const { identities, accountId } = context;
  const [users, groups, roles, policies, devices, providers, rootKeys] = await Promise.all([
    everything(context, "user"),
    everything(context, "group"),
    everything(context, "role"),
    everyPolicy(context, "Local"),
    collect((request) => identities.mfaDevices.list(accountId, request)),
    identities.oidcProviders.list(accountId),
    identities.accessKeys.list({ accountId, userName: undefined }),
  ]);
  const enabled = devices.filter(({ ownerId }) => ownerId !== undefined);
  const versions = await Promise.all(
    policies.map(({ arn }) => identities.policies.listVersions(accountId, arn)),
  );
  return {
    Users: users.length,
    Groups: groups.length,
    Roles: roles.length,
    Policies: policies.length,
    PolicyVersionsInUse: versions.reduce((sum, { items }) => sum + items.length, 0),
    Providers: providers.length,
    MFADevices: devices.length,
    MFADevicesInUse: enabled.length,
    AccountMFAEnabled: enabled.some(({ ownerId }) => ownerId === accountId) ? 1 : 0,
    AccountAccessKeysPresent: rootKeys.items.length > 0 ? 1 : 0,
    AccountPasswordPresent: 0,
    AccountSigningCertificatesPresent: 0,
    ServerCertificates: 0,
    InstanceProfiles: 0,
    ...accountQuotas,
    AccessKeysPerUserQuota: keysPerOwner,
    GroupsPerUserQuota: groupsPerUser,
    AttachedPoliciesPerUserQuota: attachedPerEntity,
    AttachedPoliciesPerGroupQuota: attachedPerEntity,
    AttachedPoliciesPerRoleQuota: attachedPerEntity,
    VersionsPerPolicyQuota: versionsPerPolicy,
    PolicySizeQuota: iamPolicyCharacters.managed,
    UserPolicySizeQuota: iamPolicyCharacters.inline.user,
    GroupPolicySizeQuota: iamPolicyCharacters.inline.group,
    RolePolicySizeQuota: iamPolicyCharacters.inline.role,
    AssumeRolePolicySizeQuota: iamPolicyCharacters.trust,
  };
}
