// Every example of docs/administration.md, run as it stands there. In what the examples show, `…` is
// anything, and a key with EXAMPLE in it is the one that was made: later commands get it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { managementActions } from "../../src/model/management-actions.ts";
import { adminActions } from "../../src/cli/admin-actions.ts";
import { ServerProcess } from "../app/server-process.ts";
import { startIdentityServer } from "../s3/identity-server.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const text = readFileSync("docs/administration.md", "utf8");

interface Example {
  readonly command: string;
  readonly shown: readonly string[];
}

function readExamples(): readonly Example[] {
  const blocks = [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(
    ([, block = ""]) => block,
  );
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((example) => {
        const [command = "", ...shown] = example.trimEnd().split("\n");
        return { command, shown };
      }),
  );
}

/** As a shell would, of what the examples need: words, and texts in single quotes. */
function readWords(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "");
}

const exampleKey = /AKIAEXAMPLE[A-Z2-7]{9}/g;
const keys = new Map<string, string>();

function matchLine(shown: string, line: string): boolean {
  const names: string[] = [];
  const pattern = squeeze(shown)
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("…", ".*")
    .replaceAll(exampleKey, (name) => {
      const known = keys.get(name);
      if (known !== undefined) return known;
      names.push(name);
      return "(AKIA[A-Z2-7]{16})";
    });
  const match = new RegExp(`^${pattern}$`).exec(squeeze(line));
  for (const [at, name] of names.entries()) keys.set(name, match?.[at + 1] ?? "");
  return match !== null;
}

const squeeze = (line: string): string => line.trimEnd().replaceAll(/ {2,}/g, " ");

/** A line that is nothing but `…` stands for any number of lines. */
function check(example: Example, output: string): void {
  const lines = output.trimEnd().split("\n");
  let at = 0;
  let mayMore = false;
  for (const shown of example.shown) {
    if (shown === "…") {
      mayMore = true;
      continue;
    }
    if (mayMore)
      at += Math.max(
        lines.slice(at).findIndex((line) => matchLine(shown, line)),
        0,
      );
    assert.ok(
      matchLine(shown, lines[at] ?? ""),
      `${example.command}\nshows ${shown}\nprints ${lines[at]}`,
    );
    at += 1;
    mayMore = false;
  }
  assert.ok(mayMore || at === lines.length, `${example.command} prints more:\n${output}`);
}

async function prepare(): Promise<void> {
  const { accounts, accessKeys, users, roles, entityPolicies } = server.identities;
  const { accountId } = await accounts.create({ displayName: "studio", accountId: "111122223333" });
  const root = await accessKeys.create({ accountId, userName: undefined });
  await users.create(accountId, { userName: "anna" });
  const anna = { kind: "user", accountId, name: "anna" } as const;
  await entityPolicies.attach(anna, "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess");
  const trust = { Effect: "Allow", Principal: { AWS: "111122223333" }, Action: "sts:AssumeRole" };
  await roles.create(accountId, {
    roleName: "worker",
    assumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: trust }),
  });
  const s3 = server.client({ accessKeyId: root.key.accessKeyId, secretAccessKey: root.secret });
  await s3.createBucket({ Bucket: "photos" });
  await s3.putObject({ Bucket: "photos", Key: "cat.jpg", Body: "12345" });
  await prepareReplication();
  await prepareInventory();
  const Statement = {
    Sid: "OfficeOnly",
    Effect: "Deny",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::photos/*",
    Condition: { NotIpAddress: { "aws:SourceIp": "192.0.2.0/24" } },
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await s3.putBucketPolicy({ Bucket: "photos", Policy });
}

async function prepareReplication(): Promise<void> {
  const s3 = server.client(server.root);
  for (const Bucket of ["originals", "copies"]) {
    await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: true });
  }
  const Destination = { Bucket: "arn:aws:s3:::copies" };
  const Role = `arn:aws:iam::${server.accountId}:role/replication`;
  const Rules = [{ Status: "Enabled" as const, Prefix: "", Destination }];
  const ReplicationConfiguration = { Role, Rules };
  await s3.putBucketReplication({ Bucket: "originals", ReplicationConfiguration });
}

async function prepareInventory(): Promise<void> {
  const s3 = server.client(server.root);
  await s3.createBucket({ Bucket: "reports" });
  const Statement = {
    Effect: "Allow",
    Principal: { Service: "s3.amazonaws.com" },
    Action: "s3:PutObject",
    Resource: "arn:aws:s3:::reports/*",
  };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await s3.putBucketPolicy({ Bucket: "reports", Policy });
  const Id = "everything";
  await s3.putBucketInventoryConfiguration({
    Bucket: "originals",
    Id,
    InventoryConfiguration: {
      Id,
      IsEnabled: true,
      IncludedObjectVersions: "Current",
      Schedule: { Frequency: "Weekly" },
      Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: "CSV" } },
    },
  });
}

test("every action has an example", () => {
  const shown = new Set(readExamples().map(({ command }) => readWords(command)[2]));
  assert.deepEqual(shown, new Set(adminActions.map(({ command }) => command)));
  assert.equal(shown.size, Object.keys(managementActions).length);
});

test("the examples print what they show", async () => {
  await prepare();
  for (const example of readExamples()) {
    const command = example.command.replaceAll(exampleKey, (name) => keys.get(name) ?? name);
    const [program, ...words] = readWords(command);
    assert.equal(program, "holdfast");
    await using run = new ServerProcess(words, {
      AWS_ACCESS_KEY_ID: server.root.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.root.secretAccessKey,
      AWS_ENDPOINT_URL: server.endpoint,
    });
    const { code, output, errors } = await run.ended();
    assert.deepEqual([code, errors], [0, ""], command);
    check(example, output);
  }
});
