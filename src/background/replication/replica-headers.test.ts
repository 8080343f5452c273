// Which access control lists mean the same on every server, and what of a version becomes headers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aclGroups, type AclGrants } from "../../model/access-control-list.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { CompiledRule } from "../../objects/replication-rules.ts";
import {
  cannedAclOf,
  headersOf,
  integrityHeaders,
  retentionDocument,
  taggingDocument,
} from "./replica-headers.ts";

const record: ObjectRecord = {
  v: 1,
  sequence: 1,
  versionId: "v" as ObjectRecord["versionId"],
  lastModifiedMilliseconds: 0,
  etag: "c4ca4238a0b923820dcc509a6f75849b",
  sizeBytes: 1,
  content: { extents: [] },
  attributes: {},
};
const owner = {
  grantee: { kind: "canonical-user", id: "owner" },
  permission: "FULL_CONTROL",
} as const;
const other = { grantee: { kind: "canonical-user", id: "other" }, permission: "READ" } as const;
const group = (uri: string, permission: "READ" | "WRITE") =>
  ({ grantee: { kind: "group", uri }, permission }) as const;
const rule: CompiledRule = {
  id: "r",
  prefix: "",
  tags: [],
  replicatesDeleteMarkers: false,
  replicatesReplicaModifications: false,
  replicatesKms: false,
  replicatesExisting: false,
  destination: { Bucket: "arn:aws:s3:::target" },
  thresholdMilliseconds: undefined,
  hasMetrics: false,
};

describe("access control lists", () => {
  const cases: readonly [string, AclGrants | undefined, string | undefined][] = [
    ["none", undefined, "private"],
    ["the owner alone", [owner], "private"],
    ["everybody may read", [owner, group(aclGroups.allUsers, "READ")], "public-read"],
    [
      "everybody may read and write",
      [group(aclGroups.allUsers, "WRITE"), owner, group(aclGroups.allUsers, "READ")],
      "public-read-write",
    ],
    [
      "every account may read",
      [owner, group(aclGroups.authenticatedUsers, "READ")],
      "authenticated-read",
    ],
    ["an account", [owner, other], undefined],
    ["an account and everybody", [owner, other, group(aclGroups.allUsers, "READ")], undefined],
  ];
  for (const [name, acl, expected] of cases) {
    test(name, () => {
      const listed = acl === undefined ? record : { ...record, acl };
      assert.equal(cannedAclOf(listed, "owner"), expected);
    });
  }
});

const defined = (headers: Readonly<Record<string, string | undefined>>) =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));

describe("headers", () => {
  const options = { keepsTags: true, nowMilliseconds: 1000 };
  test("say nothing of a version that is as usual", () => {
    assert.deepEqual(defined(headersOf(record, rule, options)), {});
  });

  test("carry metadata, tags, and the retention that has not ended", () => {
    const described: ObjectRecord = {
      ...record,
      attributes: {
        contentType: "text/plain",
        userMetadata: { plain: "a b", name: "Zoë" },
        storageClass: "STANDARD_IA",
        tags: [["a&b", "c=d e"]],
      },
      lock: { retention: { mode: "GOVERNANCE", untilMilliseconds: 2000 }, legalHold: "OFF" },
    };
    assert.deepEqual(defined(headersOf(described, rule, options)), {
      "content-type": "text/plain",
      "x-amz-meta-plain": "a b",
      "x-amz-meta-name": "=?UTF-8?B?Wm/Dqw==?=",
      "x-amz-storage-class": "STANDARD_IA",
      "x-amz-tagging": "a%26b=c%3Dd%20e",
      "x-amz-object-lock-mode": "GOVERNANCE",
      "x-amz-object-lock-retain-until-date": "1970-01-01T00:00:02.000Z",
      "x-amz-object-lock-legal-hold": "OFF",
    });
    const later = { keepsTags: false, nowMilliseconds: 2000 };
    const names = Object.keys(defined(headersOf(described, rule, later)));
    assert.ok(!names.includes("x-amz-object-lock-mode") && !names.includes("x-amz-tagging"));
  });

  test("name what the bytes are compared with, where the ETag is an MD5", () => {
    const checksum = { algorithm: "CRC32", value: "AAAAAA==", type: "FULL_OBJECT" } as const;
    assert.deepEqual(integrityHeaders({ ...record, checksum }), {
      "content-md5": "xMpCOKC5I4INzFCab3WEmw==",
      "x-amz-sdk-checksum-algorithm": "CRC32",
      "x-amz-checksum-crc32": "AAAAAA==",
    });
    const encryption = { kind: "aws:kms", keyArn: "", wrappedKey: "" } as const;
    assert.deepEqual(integrityHeaders({ ...record, encryption }), {});
  });

  test("documents hold any text", () => {
    assert.match(taggingDocument([["<a>", "&"]]), /<Key>&#60;a&#62;<\/Key><Value>&#38;<\/Value>/);
    assert.match(retentionDocument("COMPLIANCE", 0), /<RetainUntilDate>1970-01-01T00:00:00/);
  });
});
