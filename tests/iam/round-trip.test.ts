// What tools like Terraform do with identities: apply, refresh by reading everything that the AWS
// provider reads of each resource (internal/service/iam), find nothing to change, destroy in reverse,
// and all of it again. Documents must come back byte for byte.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertRefused, startIamServer, text } from "./iam-server.ts";

const { iam, arn } = await startIamServer();

const UserName = "round.trip@example";
const GroupName = "round-trip";
const RoleName = "round-trip";
const PolicyName = "round-trip";
const Path = "/tools/";
const PolicyArn = arn("policy/tools/round-trip");
const boundary = "arn:aws:iam::aws:policy/AmazonS3FullAccess";
const managed = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
/** "The returned list of tags is sorted by tag key" (ListUserTags and its like). */
const sortedTags = [
  { Key: "a key: with/signs", Value: "" },
  { Key: "zone", Value: "b" },
];
const Tags = sortedTags.toReversed();

/** Blanks, order and spelling of its own. */
function documentOf(action: string): string {
  return `{
  "Statement": { "Resource":["arn:aws:s3:::a/*" , "arn:aws:s3:::b"],
    "Action": "${action}",   "Effect":"Allow", "Sid": "only" },
  "Version" : "2012-10-17" }
`;
}

const trust = `{"Version":"2012-10-17",
  "Statement":[{"Effect":"Allow","Principal":{"AWS":"${arn("root")}"},"Action":"sts:AssumeRole"}]}`;
const inline = documentOf("s3:GetObject");

/** Documents travel percent-encoded (RFC 3986), as the API reference says of each of them. */
const decoded = (document: string | undefined): string => decodeURIComponent(text(document));

interface Resource {
  readonly apply: () => Promise<void>;
  /** Asserts that what was applied is all that is there. */
  readonly plan: () => Promise<void>;
  readonly destroy: () => Promise<void>;
  /** Asserts that the read by which the provider finds out says that it is gone. */
  readonly checkGone: () => Promise<void>;
}

const none = "NoSuchEntity";

const policy: Resource = {
  async apply() {
    await iam.createPolicy({
      PolicyName,
      Path,
      Description: "first – ü",
      PolicyDocument: documentOf("s3:GetObject"),
      Tags,
    });
    // An update is a new version that becomes the default; the old one stays.
    await iam.createPolicyVersion({
      PolicyArn,
      PolicyDocument: documentOf("s3:PutObject"),
      SetAsDefault: true,
    });
  },
  async plan() {
    const { Policy } = await iam.getPolicy({ PolicyArn });
    assert.equal(Policy?.PolicyName, PolicyName);
    assert.equal(Policy.Path, Path);
    assert.equal(Policy.Arn, PolicyArn);
    assert.equal(Policy.Description, "first – ü");
    assert.equal(Policy.DefaultVersionId, "v2");
    assert.deepEqual(Policy.Tags, Tags);
    for (const [VersionId, action] of Object.entries({ v1: "s3:GetObject", v2: "s3:PutObject" })) {
      const { PolicyVersion } = await iam.getPolicyVersion({ PolicyArn, VersionId });
      assert.equal(decoded(PolicyVersion?.Document), documentOf(action));
      assert.equal(PolicyVersion?.IsDefaultVersion, VersionId === "v2");
    }
    const { Versions } = await iam.listPolicyVersions({ PolicyArn });
    assert.deepEqual(
      Versions?.map(({ VersionId }) => VersionId),
      ["v2", "v1"],
    );
    assert.deepEqual((await iam.listPolicyTags({ PolicyArn })).Tags, sortedTags);
  },
  async destroy() {
    const { Versions = [] } = await iam.listPolicyVersions({ PolicyArn });
    for (const { VersionId, IsDefaultVersion } of Versions) {
      if (IsDefaultVersion !== true) await iam.deletePolicyVersion({ PolicyArn, VersionId });
    }
    await iam.deletePolicy({ PolicyArn });
  },
  checkGone: () => assertRefused(iam.getPolicy({ PolicyArn }), none),
};

const user: Resource = {
  async apply() {
    await iam.createUser({ UserName, Path, Tags, PermissionsBoundary: boundary });
  },
  async plan() {
    const { User } = await iam.getUser({ UserName });
    assert.equal(User?.UserName, UserName);
    assert.equal(User.Path, Path);
    assert.equal(User.Arn, arn(`user/tools/${UserName}`));
    assert.deepEqual(User.Tags, Tags);
    assert.equal(User.PermissionsBoundary?.PermissionsBoundaryArn, boundary);
    assert.deepEqual((await iam.listUserTags({ UserName })).Tags, sortedTags);
  },
  async destroy() {
    // With `force_destroy` the provider looks for whatever would hold the user back.
    assert.deepEqual((await iam.listMFADevices({ UserName })).MFADevices, []);
    assert.deepEqual((await iam.listSSHPublicKeys({ UserName })).SSHPublicKeys ?? [], []);
    assert.deepEqual((await iam.listSigningCertificates({ UserName })).Certificates, []);
    await assertRefused(iam.deleteLoginProfile({ UserName }), none);
    await iam.deleteUser({ UserName });
  },
  checkGone: () => assertRefused(iam.getUser({ UserName }), none),
};

const group: Resource = {
  async apply() {
    await iam.createGroup({ GroupName, Path });
    await iam.addUserToGroup({ GroupName, UserName });
  },
  async plan() {
    const { Group, Users } = await iam.getGroup({ GroupName });
    assert.equal(Group?.GroupName, GroupName);
    assert.equal(Group.Path, Path);
    assert.equal(Group.Arn, arn("group/tools/round-trip"));
    assert.deepEqual(
      Users?.map((each) => each.UserName),
      [UserName],
    );
    const { Groups } = await iam.listGroupsForUser({ UserName });
    assert.deepEqual(
      Groups?.map((each) => each.GroupName),
      [GroupName],
    );
  },
  async destroy() {
    await iam.removeUserFromGroup({ GroupName, UserName });
    await iam.deleteGroup({ GroupName });
  },
  checkGone: () => assertRefused(iam.getGroup({ GroupName }), none),
};

const role: Resource = {
  async apply() {
    await iam.createRole({
      RoleName,
      Path,
      Description: "a role",
      MaxSessionDuration: 7200,
      AssumeRolePolicyDocument: trust,
      PermissionsBoundary: boundary,
      Tags,
    });
  },
  async plan() {
    const { Role } = await iam.getRole({ RoleName });
    assert.equal(Role?.Path, Path);
    assert.equal(Role.Arn, arn("role/tools/round-trip"));
    assert.equal(Role.Description, "a role");
    assert.equal(Role.MaxSessionDuration, 7200);
    assert.equal(decoded(Role.AssumeRolePolicyDocument), trust);
    assert.equal(Role.PermissionsBoundary?.PermissionsBoundaryArn, boundary);
    assert.deepEqual(Role.Tags, Tags);
    assert.deepEqual((await iam.listRoleTags({ RoleName })).Tags, sortedTags);
  },
  async destroy() {
    assert.deepEqual((await iam.listInstanceProfilesForRole({ RoleName })).InstanceProfiles, []);
    await iam.deleteRole({ RoleName });
  },
  checkGone: () => assertRefused(iam.getRole({ RoleName }), none),
};

/** An inline policy and the attachments, of each kind of identity. */
const policies: Resource = {
  async apply() {
    await iam.putUserPolicy({ UserName, PolicyName: "inline", PolicyDocument: inline });
    await iam.putGroupPolicy({ GroupName, PolicyName: "inline", PolicyDocument: inline });
    await iam.putRolePolicy({ RoleName, PolicyName: "inline", PolicyDocument: inline });
    for (const each of [PolicyArn, managed]) {
      await iam.attachUserPolicy({ UserName, PolicyArn: each });
      await iam.attachGroupPolicy({ GroupName, PolicyArn: each });
      await iam.attachRolePolicy({ RoleName, PolicyArn: each });
    }
  },
  async plan() {
    const ofUser = await iam.getUserPolicy({ UserName, PolicyName: "inline" });
    const ofGroup = await iam.getGroupPolicy({ GroupName, PolicyName: "inline" });
    const ofRole = await iam.getRolePolicy({ RoleName, PolicyName: "inline" });
    for (const { PolicyDocument } of [ofUser, ofGroup, ofRole]) {
      assert.equal(decoded(PolicyDocument), inline);
    }
    const listed = [
      await iam.listUserPolicies({ UserName }),
      await iam.listGroupPolicies({ GroupName }),
      await iam.listRolePolicies({ RoleName }),
    ];
    for (const { PolicyNames } of listed) assert.deepEqual(PolicyNames, ["inline"]);
    const attached = [
      await iam.listAttachedUserPolicies({ UserName }),
      await iam.listAttachedGroupPolicies({ GroupName }),
      await iam.listAttachedRolePolicies({ RoleName }),
    ];
    for (const { AttachedPolicies = [] } of attached) {
      assert.deepEqual(
        new Set(AttachedPolicies.map((each) => each.PolicyArn)),
        new Set([PolicyArn, managed]),
      );
    }
    const entities = await iam.listEntitiesForPolicy({ PolicyArn });
    assert.deepEqual(
      [
        entities.PolicyUsers?.map((each) => each.UserName),
        entities.PolicyGroups?.map((each) => each.GroupName),
        entities.PolicyRoles?.map((each) => each.RoleName),
      ],
      [[UserName], [GroupName], [RoleName]],
    );
    assert.equal((await iam.getPolicy({ PolicyArn })).Policy?.AttachmentCount, 3);
  },
  async destroy() {
    for (const each of [PolicyArn, managed]) {
      await iam.detachUserPolicy({ UserName, PolicyArn: each });
      await iam.detachGroupPolicy({ GroupName, PolicyArn: each });
      await iam.detachRolePolicy({ RoleName, PolicyArn: each });
    }
    await iam.deleteUserPolicy({ UserName, PolicyName: "inline" });
    await iam.deleteGroupPolicy({ GroupName, PolicyName: "inline" });
    await iam.deleteRolePolicy({ RoleName, PolicyName: "inline" });
  },
  async checkGone() {
    await assertRefused(iam.getUserPolicy({ UserName, PolicyName: "inline" }), none);
    await assertRefused(iam.getGroupPolicy({ GroupName, PolicyName: "inline" }), none);
    await assertRefused(iam.getRolePolicy({ RoleName, PolicyName: "inline" }), none);
    await assertRefused(iam.detachRolePolicy({ RoleName, PolicyArn }), none);
    assert.equal((await iam.getPolicy({ PolicyArn })).Policy?.AttachmentCount, 0);
  },
};

let AccessKeyId = "";

const accessKey: Resource = {
  async apply() {
    const { AccessKey } = await iam.createAccessKey({ UserName });
    AccessKeyId = text(AccessKey?.AccessKeyId);
    await iam.updateAccessKey({ UserName, AccessKeyId, Status: "Inactive" });
  },
  async plan() {
    const { AccessKeyMetadata = [] } = await iam.listAccessKeys({ UserName });
    assert.deepEqual(
      AccessKeyMetadata.map((each) => [each.UserName, each.AccessKeyId, each.Status]),
      [[UserName, AccessKeyId, "Inactive"]],
    );
    const lastUsed = await iam.getAccessKeyLastUsed({ AccessKeyId });
    assert.equal(lastUsed.UserName, UserName);
    assert.deepEqual(lastUsed.AccessKeyLastUsed, { ServiceName: "N/A", Region: "N/A" });
  },
  async destroy() {
    await iam.deleteAccessKey({ UserName, AccessKeyId });
  },
  async checkGone() {
    assert.deepEqual((await iam.listAccessKeys({ UserName })).AccessKeyMetadata, []);
  },
};

const OpenIDConnectProviderArn = arn("oidc-provider/identity.example.com/realm");
const thumbprint = "a".repeat(40);

const identityProvider: Resource = {
  async apply() {
    await iam.createOpenIDConnectProvider({
      Url: "https://identity.example.com/realm",
      ClientIDList: ["one", "two"],
      ThumbprintList: [thumbprint],
      Tags,
    });
  },
  async plan() {
    const {
      $metadata: _,
      CreateDate,
      ...provider
    } = await iam.getOpenIDConnectProvider({
      OpenIDConnectProviderArn,
    });
    assert.ok(CreateDate instanceof Date);
    assert.deepEqual(provider, {
      Url: "identity.example.com/realm",
      ClientIDList: ["one", "two"],
      ThumbprintList: [thumbprint],
      Tags,
    });
    const listed = await iam.listOpenIDConnectProviderTags({ OpenIDConnectProviderArn });
    assert.deepEqual(listed.Tags, sortedTags);
  },
  async destroy() {
    await iam.deleteOpenIDConnectProvider({ OpenIDConnectProviderArn });
  },
  checkGone: () => assertRefused(iam.getOpenIDConnectProvider({ OpenIDConnectProviderArn }), none),
};

/** In the order in which they need one another. */
const resources = { policy, user, group, role, policies, accessKey, identityProvider };
const all = Object.entries(resources);

for (const round of ["first", "second"]) {
  test(`${round} round: apply, plan, destroy`, async () => {
    for (const [, resource] of all) await resource.apply();
    // Twice: reading changes nothing.
    for (let time = 0; time < 2; time += 1) {
      for (const [, resource] of all) await resource.plan();
    }
    for (const [, resource] of all.toReversed()) {
      await resource.destroy();
      await resource.checkGone();
    }
  });
}

test("what is applied a second time, or destroyed while it is needed, is refused", async () => {
  for (const [, resource] of all) await resource.apply();
  const exists = "EntityAlreadyExists";
  await assertRefused(iam.createUser({ UserName }), exists);
  await assertRefused(iam.createGroup({ GroupName }), exists);
  await assertRefused(iam.createRole({ RoleName, AssumeRolePolicyDocument: trust }), exists);
  await assertRefused(iam.createPolicy({ PolicyName, Path, PolicyDocument: inline }), exists);
  for (const deletion of [
    iam.deleteUser({ UserName }),
    iam.deleteGroup({ GroupName }),
    iam.deleteRole({ RoleName }),
    iam.deletePolicy({ PolicyArn }),
  ]) {
    await assertRefused(deletion, "DeleteConflict");
  }
  for (const [, resource] of all) await resource.plan();
  for (const [, resource] of all.toReversed()) await resource.destroy();
});
