// Every operation × every kind of caller × every kind of grant, generated: what authorization decides is
// compared with an oracle that is written as the documentation's tables are, case by case, and knows
// nothing of how the decision is made.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccountId, CanonicalId, Caller, IdentifiedCaller } from "../../src/access/caller.ts";
import type { BucketFacts, ObjectFacts } from "../../src/access/decide.ts";
import { operationRules, type OperationRule } from "../../src/access/operation-rules.ts";
import { compilePolicy } from "../../src/access/policy/compile-policy.ts";
import type { CompiledPolicy, PolicySource } from "../../src/access/policy/compile-policy.ts";
import { parsePolicy } from "../../src/access/policy/policy-document.ts";
import type { AccessDemand } from "../../src/access/request-access.ts";
import { RequestAuthorization } from "../../src/access/request-authorization.ts";
import { ManualClock } from "../../src/base/clock.ts";
import {
  aclGroups,
  type AclGrants,
  type AclPermission,
} from "../../src/model/access-control-list.ts";

const ownerAccount = "111111111111";
const otherAccount = "222222222222";
const ownerId = "a".repeat(64);
const otherId = "b".repeat(64);
const bucketName = "bucket";

const everything = { Effect: "Allow", Action: "*", Resource: "*" };
const nothingAtAll = { Effect: "Deny", Action: "*", Resource: "*" };
/** Allows something, but nothing of S3. */
const elsewhere = { Effect: "Allow", Action: "iam:*", Resource: "*" };

function identityPolicy(kind: PolicySource["kind"], statement: object): CompiledPolicy {
  const text = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  return compilePolicy(parsePolicy(text, "identity"), { kind, name: kind });
}

interface Person {
  readonly caller: Caller;
  readonly account: "owner" | "other" | "none";
  /** What the caller's own side says, boundary and session policy included. */
  readonly side: "allows" | "is silent" | "denies" | "holds back";
  readonly name: string;
}

function person(
  name: string,
  account: "owner" | "other",
  kind: "root" | "user" | "role-session",
  side: Person["side"] = "allows",
): Person {
  const accountId = account === "owner" ? ownerAccount : otherAccount;
  const arns = {
    root: `arn:aws:iam::${accountId}:root`,
    user: `arn:aws:iam::${accountId}:user/${name}`,
    "role-session": `arn:aws:sts::${accountId}:assumed-role/${name}/session`,
  };
  const base = {
    kind: "identified",
    accessKeyId: "AKIA",
    accountId: accountId as AccountId,
    canonicalId: (account === "owner" ? ownerId : otherId) as CanonicalId,
    displayName: account,
    principal: {
      kind,
      arn: arns[kind],
      userId: kind === "root" ? accountId : `AIDA${name}`,
      ...(kind === "role-session" ? { roleArn: `arn:aws:iam::${accountId}:role/${name}` } : {}),
    },
  } as const;
  if (kind === "root") return { caller: base, account, side, name };
  const statements = {
    allows: everything,
    "is silent": elsewhere,
    denies: nothingAtAll,
    "holds back": everything,
  };
  const limit = side === "holds back" ? identityPolicy("boundary", elsewhere) : undefined;
  const caller: IdentifiedCaller = {
    ...base,
    policies: {
      identity: [identityPolicy("identity", statements[side])],
      boundary: kind === "user" ? limit : undefined,
      narrowing: kind === "role-session" && limit !== undefined ? [[limit]] : [],
    },
  };
  return { caller, account, side, name };
}

const people: readonly Person[] = [
  { caller: { kind: "anonymous" }, account: "none", side: "is silent", name: "anonymous" },
  person("owner", "owner", "root"),
  person("alice", "owner", "user"),
  person("silent", "owner", "user", "is silent"),
  person("banned", "owner", "user", "denies"),
  person("bounded", "owner", "user", "holds back"),
  person("worker", "owner", "role-session"),
  person("narrowed", "owner", "role-session", "holds back"),
  person("other", "other", "root"),
  person("bob", "other", "user"),
  person("mute", "other", "user", "is silent"),
];

/** A bucket policy of one statement, by effect and by whom it names. */
interface PolicyCase {
  readonly effect: "Allow" | "Deny";
  readonly names: "everybody" | "owner account" | "other account" | "each user" | "each role";
}

const policyCases: readonly (PolicyCase | undefined)[] = [
  undefined,
  ...(["Allow", "Deny"] as const).flatMap((effect) =>
    (["everybody", "owner account", "other account", "each user", "each role"] as const).map(
      (names) => ({ effect, names }),
    ),
  ),
];

function compileCase({ effect, names }: PolicyCase): CompiledPolicy {
  const users = people.flatMap(({ caller }) =>
    caller.kind === "identified" && caller.principal.kind === "user" ? [caller.principal.arn] : [],
  );
  const roles = people.flatMap(({ caller }) =>
    caller.kind === "identified" ? [caller.principal.roleArn ?? []].flat() : [],
  );
  const principals = {
    everybody: "*",
    "owner account": { AWS: ownerAccount },
    "other account": { AWS: otherAccount },
    "each user": { AWS: users },
    "each role": { AWS: roles },
  };
  const Resource = [`arn:aws:s3:::${bucketName}`, `arn:aws:s3:::${bucketName}/*`];
  const statement = { Effect: effect, Principal: principals[names], Action: "s3:*", Resource };
  const text = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  return compilePolicy(parsePolicy(text, "bucket"), { kind: "bucket", name: "bucket policy" });
}

interface GrantCase {
  readonly to: "other" | "everybody" | "signed";
  readonly permission: AclPermission;
}

const grantCases: readonly (GrantCase | undefined)[] = [
  undefined,
  ...(["other", "everybody", "signed"] as const).flatMap((to) =>
    (["READ", "WRITE", "READ_ACP", "WRITE_ACP", "FULL_CONTROL"] as const).map((permission) => ({
      to,
      permission,
    })),
  ),
];

function grantsOf({ to, permission }: GrantCase, owner: string): AclGrants {
  const grantees = {
    other: { kind: "canonical-user", id: otherId },
    everybody: { kind: "group", uri: aclGroups.allUsers },
    signed: { kind: "group", uri: aclGroups.authenticatedUsers },
  } as const;
  return [
    { grantee: { kind: "canonical-user", id: owner }, permission: "FULL_CONTROL" },
    { grantee: grantees[to], permission },
  ];
}

interface World {
  readonly policy: PolicyCase | undefined;
  readonly grant: GrantCase | undefined;
  readonly hasAcls: boolean;
  readonly objectIs: "the owner's" | "the other's";
  readonly ignoresPublicAcls: boolean;
  readonly restrictsPublicBuckets: boolean;
}

const switches = [false, true] as const;
const worlds: readonly World[] = policyCases.flatMap((policy) =>
  grantCases.flatMap((grant) =>
    switches.flatMap((ignoresPublicAcls) =>
      switches.flatMap((restrictsPublicBuckets) => {
        const world = { policy, grant, ignoresPublicAcls, restrictsPublicBuckets };
        return [
          { ...world, hasAcls: false, objectIs: "the owner's" },
          { ...world, hasAcls: true, objectIs: "the owner's" },
          { ...world, hasAcls: true, objectIs: "the other's" },
        ] as const;
      }),
    ),
  ),
);

const rules = new Map<string, OperationRule & { readonly on: "bucket" | "object" }>();
for (const [name, rule] of Object.entries(operationRules)) {
  if (rule === undefined || rule.on === "service" || name === "CreateBucket") continue;
  // Of another service: policies of buckets here do not speak of it.
  if (!rule.action.startsWith("s3:")) continue;
  rules.set(name, rule as OperationRule & { readonly on: "bucket" | "object" });
}

/** How a statement of a bucket policy names somebody. */
function isNamed({ names }: PolicyCase, { caller, account }: Person): boolean {
  switch (names) {
    case "everybody":
      return true;
    case "owner account":
      return account === "owner";
    case "other account":
      return account === "other";
    case "each user":
      return caller.kind === "identified" && caller.principal.kind === "user";
    default:
      return caller.kind === "identified" && caller.principal.kind === "role-session";
  }
}

/** The documentation's tables, in the order in which a reader works them off. */
function oracle(rule: OperationRule, who: Person, world: World): boolean {
  const { policy, objectIs, hasAcls } = world;
  const isOwnersRoot = who.name === "owner";
  if (isOwnersRoot && /^s3:(?:Get|Put|Delete)BucketPolicy$/.test(rule.action)) return true;
  // An explicit deny of anybody wins over everything.
  if (who.side === "denies") return false;
  const isNamedHere = policy !== undefined && isNamed(policy, who);
  if (policy?.effect === "Deny" && isNamedHere) return false;
  const ownSideAllows = who.side === "allows";
  const byAcl = hasAcls && isGranted(rule, who, world);
  const isForeign = hasAcls && objectIs === "the other's";
  if (rule.acl?.of === "object" && isForeign) {
    // Somebody else's object: its list decides, and the caller's own account must agree.
    if (who.account === "none") return byAcl;
    return byAcl && ownSideAllows;
  }
  const isOutside = who.account !== "owner";
  const isPublic = policy?.names === "everybody";
  const byPolicy =
    policy?.effect === "Allow" &&
    isNamedHere &&
    !(isOutside && isPublic && world.restrictsPublicBuckets);
  if (who.account === "none") return byPolicy || byAcl;
  if (who.account === "other") return (byPolicy || byAcl) && ownSideAllows;
  if (ownSideAllows) return true;
  if (!byPolicy) return false;
  switch (policy.names) {
    case "owner account":
      // Hands the question to the account's own policies, which have answered.
      return false;
    case "each user":
      // Named itself: silence of policies and boundary does not hold it back.
      return true;
    default:
      // Everybody, or its role: what boundary and session policy leave out stays out.
      return who.side === "is silent";
  }
}

function isGranted(rule: OperationRule, who: Person, world: World): boolean {
  const { acl } = rule;
  if (acl === undefined) return false;
  const ownerIs = acl.of === "object" && world.objectIs === "the other's" ? "other" : "owner";
  // The first grant of each list gives its owner everything.
  if (who.account === ownerIs) return true;
  const { grant } = world;
  if (grant === undefined) return false;
  if (grant.permission !== acl.permission && grant.permission !== "FULL_CONTROL") return false;
  if (grant.to === "other") return who.account === "other";
  if (world.ignoresPublicAcls) return false;
  return grant.to === "everybody" || who.account !== "none";
}

const clock = new ManualClock(Date.UTC(2026, 0, 1));

async function decideReally(rule: OperationRule, who: Person, world: World): Promise<boolean> {
  const { policy, grant, hasAcls, objectIs } = world;
  const block = {
    blockPublicAcls: false,
    blockPublicPolicy: false,
    ignorePublicAcls: world.ignoresPublicAcls,
    restrictPublicBuckets: world.restrictsPublicBuckets,
  };
  const objectOwner = objectIs === "the other's" ? otherId : ownerId;
  const bucket: BucketFacts = {
    name: bucketName,
    ownerAccountId: ownerAccount,
    ownerId,
    hasAcls,
    acl: grant && grantsOf(grant, ownerId),
    policy: policy && compiledCases.get(policy),
    isPolicyPublic: policy?.effect === "Allow" && policy.names === "everybody",
    publicAccessBlock: block,
  };
  const object: ObjectFacts = {
    ownerId: objectOwner,
    acl: grant && grantsOf(grant, objectOwner),
    tags: [],
  };
  const access = new RequestAuthorization(
    {
      caller: who.caller,
      clock,
      region: "us-east-1",
      headers: { get: () => undefined },
      query: () => undefined,
      remoteAddress: "192.0.2.1",
      isEncrypted: false,
      authentication: { form: "header", signatureVersion: "v4" },
      requestTags: [],
    },
    {
      bucket: async () => bucket,
      known: () => undefined,
      object: async () => object,
      publicAccessBlock: async () => bucket.publicAccessBlock,
    },
  );
  return access.allows({
    action: rule.action as AccessDemand["action"],
    bucketName,
    ...(rule.on === "object" ? { key: "key" } : {}),
    ...(rule.acl === undefined ? {} : { acl: rule.acl }),
  });
}

const compiledCases = new Map(
  policyCases.flatMap((each) => (each === undefined ? [] : [[each, compileCase(each)] as const])),
);

async function compare(rule: OperationRule, chosen: readonly World[]): Promise<void> {
  for (const world of chosen) {
    for (const who of people) {
      const decided = await decideReally(rule, who, world);
      const expected = oracle(rule, who, world);
      if (decided === expected) continue;
      assert.equal(decided, expected, JSON.stringify({ rule, who: who.name, world }, undefined, 1));
    }
  }
}

/** What the decision can depend on of an operation, beside the name of its action. */
function shapeOf({ on, acl, action }: OperationRule): string {
  return JSON.stringify({ on, acl, isPolicy: action.endsWith("BucketPolicy") });
}

const shapes = new Map([...rules].map(([name, rule]) => [shapeOf(rule), { name, rule }]));
for (const { name, rule } of shapes.values()) {
  test(`operations like ${name}: ${people.length} callers in ${worlds.length} worlds`, () =>
    compare(rule, worlds));
}

const plainWorlds = worlds.filter(
  ({ grant, ignoresPublicAcls, objectIs }) =>
    grant === undefined && !ignoresPublicAcls && objectIs === "the owner's",
);
for (const [name, rule] of rules) {
  test(`${name}: ${people.length} callers and ${plainWorlds.length} policies`, () =>
    compare(rule, plainWorlds));
}
