import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { directoryOf } from "../../access/accounts.ts";
import type { AccountId, Caller, CanonicalId, IdentifiedCaller } from "../../access/caller.ts";
import { anonymousCanonicalId } from "../../access/caller.ts";
import { everythingBlocked } from "../../access/public-access-block.ts";
import type { AclGrants, PublicAccessBlock } from "../../model/access-control-list.ts";
import { aclGroups } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type { BucketId } from "../../objects/identifiers.ts";
import type { BucketRecord, ObjectOwnership } from "../../objects/records/bucket-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";
import { readAclSettings } from "./acl-settings.ts";
import type { AclMembers } from "./acl-settings.ts";

const owner = identified("owner", "a");
const writer = identified("writer", "b");
const anonymous: Caller = { kind: "anonymous" };
const key = "photos/cat.jpg";

function identified(name: string, digit: string): IdentifiedCaller {
  const accountId = (digit === "a" ? "111111111111" : "222222222222") as AccountId;
  return {
    kind: "identified",
    accessKeyId: `AKIA${name}`,
    accountId,
    canonicalId: digit.repeat(64) as CanonicalId,
    displayName: name,
    principal: { kind: "root", arn: `arn:aws:iam::${accountId}:root`, userId: accountId },
  };
}

function bucketWith(
  objectOwnership: ObjectOwnership,
  publicAccessBlock?: PublicAccessBlock,
): BucketRecord {
  return {
    v: 1,
    id: "bucket-id" as BucketId,
    name: "shared",
    region: "us-east-1",
    createdMilliseconds: 0,
    ownerId: owner.canonicalId,
    ownerName: owner.displayName,
    ownerAccountId: owner.accountId,
    versioning: "Unversioned",
    objectLockEnabled: false,
    objectOwnership,
    tags: [],
    ...(publicAccessBlock === undefined ? {} : { publicAccessBlock }),
  };
}

async function settled(
  bucket: BucketRecord,
  caller: Caller,
  members: Omit<AclMembers, "Key">,
  accountBlock?: PublicAccessBlock,
): Promise<VersionSettings> {
  // The parts of a context that lists are made of.
  const context = {
    caller,
    accounts: directoryOf([owner, writer]),
    store: {
      buckets: { get: () => bucket },
      accountSettings: { publicAccessBlockOf: () => accountBlock },
    },
  } as unknown as OperationContext;
  const settle = await readAclSettings({ Key: key, ...members }, bucket, context);
  return settle(bucket);
}

const summary = ({ owner: person, acl }: VersionSettings): string =>
  `${person?.name ?? "bucket's"}: ${acl === undefined ? "usual" : listOf(acl)}`;

const listOf = (acl: AclGrants): string =>
  acl
    .map(({ grantee, permission }) => {
      const name = grantee.kind === "group" ? grantee.uri.replace(/.*\//, "") : grantee.displayName;
      return `${name} ${permission}`;
    })
    .join(", ");

describe("owner and list of a new version", () => {
  const handOver = { ACL: "bucket-owner-full-control" };
  const cases: readonly (readonly [ObjectOwnership, Caller, Omit<AclMembers, "Key">, string])[] = [
    ["BucketOwnerEnforced", owner, {}, "bucket's: usual"],
    ["BucketOwnerEnforced", writer, {}, "bucket's: usual"],
    ["BucketOwnerEnforced", anonymous, {}, "bucket's: usual"],
    ["BucketOwnerEnforced", writer, handOver, "bucket's: usual"],
    [
      "BucketOwnerEnforced",
      writer,
      { GrantFullControl: `id=${owner.canonicalId}` },
      "bucket's: usual",
    ],
    ["BucketOwnerPreferred", writer, {}, "writer: usual"],
    ["BucketOwnerPreferred", writer, handOver, "bucket's: usual"],
    ["BucketOwnerPreferred", owner, handOver, "bucket's: usual"],
    [
      "BucketOwnerPreferred",
      writer,
      { ACL: "public-read" },
      "writer: writer FULL_CONTROL, AllUsers READ",
    ],
    ["ObjectWriter", owner, {}, "bucket's: usual"],
    ["ObjectWriter", owner, { ACL: "private" }, "bucket's: usual"],
    ["ObjectWriter", writer, {}, "writer: usual"],
    ["ObjectWriter", writer, { ACL: "private" }, "writer: usual"],
    ["ObjectWriter", writer, handOver, "writer: writer FULL_CONTROL, owner FULL_CONTROL"],
    [
      "ObjectWriter",
      writer,
      { ACL: "bucket-owner-read" },
      "writer: writer FULL_CONTROL, owner READ",
    ],
    // Grants in headers are the whole list: the uploader is not added.
    ["ObjectWriter", writer, { GrantRead: `id=${owner.canonicalId}` }, "writer: owner READ"],
  ];
  for (const [ownership, caller, members, expected] of cases) {
    const name = caller.kind === "anonymous" ? "anonymous" : caller.displayName;
    test(`${ownership}, ${name}, ${JSON.stringify(members)}`, async () => {
      assert.equal(summary(await settled(bucketWith(ownership), caller, members)), expected);
    });
  }

  test("an upload without a signature belongs to the anonymous user", async () => {
    const settings = await settled(bucketWith("ObjectWriter"), anonymous, {});
    assert.deepEqual(settings, { owner: { id: anonymousCanonicalId, name: "" } });
  });
});

const refuses = async (result: Promise<unknown>, code: string, message: string): Promise<void> => {
  await assert.rejects(result, (error) => {
    assert.ok(error instanceof S3Error);
    assert.deepEqual([error.code, error.message], [code, message]);
    return true;
  });
};

describe("refused lists", () => {
  for (const members of [
    { ACL: "private" },
    { ACL: "public-read" },
    { GrantRead: `id=${owner.canonicalId}` },
    { GrantFullControl: `id=${writer.canonicalId}` },
    { GrantFullControl: `id=${owner.canonicalId},id=${writer.canonicalId}` },
  ]) {
    test(`where lists are disabled: ${JSON.stringify(members)}`, async () => {
      await refuses(
        settled(bucketWith("BucketOwnerEnforced"), owner, members),
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
      );
    });
  }

  test("a public list where the bucket or the account blocks it", async () => {
    const open = bucketWith("ObjectWriter");
    const blocking = bucketWith("ObjectWriter", everythingBlocked);
    const asked = { GrantRead: `uri=${aclGroups.authenticatedUsers}` };
    const reason = `User: ${owner.principal.arn} is not authorized to perform: s3:PutObjectAcl on resource: "arn:aws:s3:::shared/${key}" because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting.`;
    await settled(open, owner, asked);
    await refuses(settled(blocking, owner, asked), "AccessDenied", reason);
    await refuses(settled(open, owner, asked, everythingBlocked), "AccessDenied", reason);
    // A stranger is not told how the bucket is set up.
    await refuses(settled(blocking, writer, asked), "AccessDenied", "Access Denied");
    await refuses(settled(blocking, anonymous, asked), "AccessDenied", "Access Denied");
    await settled(blocking, writer, { ACL: "bucket-owner-read" });
  });

  test("a switch that is not BlockPublicAcls lets it be stored", async () => {
    const others = { ...everythingBlocked, blockPublicAcls: false };
    await settled(bucketWith("ObjectWriter", others), owner, { ACL: "public-read" });
  });
});
