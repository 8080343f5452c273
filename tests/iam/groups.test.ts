// Groups of IAM and who is in them, through the official client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, assertRefused, policy, startIamServer, text } from "./iam-server.ts";

const { iam, arn, newUser } = await startIamServer();

describe("groups", () => {
  test("a group reads back with its members", async () => {
    const { Group } = await iam.createGroup({ GroupName: "readers", Path: "/teams/" });
    assert.equal(Group?.Arn, arn("group/teams/readers"));
    assert.match(text(Group?.GroupId), /^AGPA[A-Z2-7]{17}$/);
    for (const UserName of ["bob", "anna"]) {
      await iam.createUser({ UserName });
      await iam.addUserToGroup({ GroupName: "readers", UserName });
    }
    await iam.addUserToGroup({ GroupName: "readers", UserName: "bob" });
    const read = await iam.getGroup({ GroupName: "readers" });
    assert.deepEqual(read.Group, Group);
    assert.deepEqual(
      read.Users?.map(({ UserName }) => UserName),
      ["anna", "bob"],
    );
    const { Groups } = await iam.listGroupsForUser({ UserName: "bob" });
    assert.deepEqual(Groups, [Group]);
    assert.deepEqual((await iam.listGroups({ PathPrefix: "/teams/" })).Groups, [Group]);
    const page = await iam.getGroup({ GroupName: "readers", MaxItems: 1 });
    assert.equal(page.IsTruncated, true);
    const rest = await iam.getGroup({ GroupName: "readers", Marker: page.Marker });
    assert.deepEqual(
      rest.Users?.map(({ UserName }) => UserName),
      ["bob"],
    );
  });

  test("a group that is taken, that is not there, that is not empty", async () => {
    await iam.createGroup({ GroupName: "taken" });
    await assertRefused(iam.createGroup({ GroupName: "TAKEN" }), "EntityAlreadyExists");
    await assertRefused(
      iam.getGroup({ GroupName: "none" }),
      "NoSuchEntity",
      "The group with name none cannot be found.",
    );
    await iam.createUser({ UserName: "member" });
    await assertRefused(
      iam.addUserToGroup({ GroupName: "none", UserName: "member" }),
      "NoSuchEntity",
    );
    await iam.addUserToGroup({ GroupName: "taken", UserName: "member" });
    await assertRefused(iam.deleteGroup({ GroupName: "taken" }), "DeleteConflict");
    await assertRefused(iam.deleteUser({ UserName: "member" }), "DeleteConflict");
    await iam.removeUserFromGroup({ GroupName: "taken", UserName: "member" });
    await iam.deleteGroup({ GroupName: "taken" });
    await iam.deleteUser({ UserName: "member" });
  });

  test("a member may what its group may, from the next request on", async () => {
    const user = await newUser("joining");
    await iam.createGroup({ GroupName: "listers" });
    await iam.putGroupPolicy({
      GroupName: "listers",
      PolicyName: "list",
      PolicyDocument: policy(allow("iam:ListUsers")),
    });
    await assertRefused(
      user.iam.listUsers({}),
      "AccessDenied",
      `User: ${arn("user/joining")} is not authorized to perform: iam:ListUsers on resource: ${arn("user/")} because no identity-based policy allows the iam:ListUsers action`,
    );
    await iam.addUserToGroup({ GroupName: "listers", UserName: "joining" });
    await user.iam.listUsers({});
    await iam.updateGroup({ GroupName: "listers", NewGroupName: "renamed" });
    await user.iam.listUsers({});
    await iam.removeUserFromGroup({ GroupName: "renamed", UserName: "joining" });
    await assertRefused(user.iam.listUsers({}), "AccessDenied");
  });
});
