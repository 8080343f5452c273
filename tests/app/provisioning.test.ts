// A declared server: accounts, identities and buckets are there when it answers, a second start changes
// nothing, a dry run says what would change, and mistakes are named before anything is done.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { createServer, type HoldfastServer } from "../../src/app.ts";
import { TemporaryDirectory } from "./server-process.ts";

const main = new URL("../../src/main.ts", import.meta.url).pathname;

const declaration = `
policies:
  - name: read-photos
    document:
      Version: "2012-10-17"
      Statement:
        - { Effect: Allow, Action: ["s3:GetObject", "s3:ListBucket"], Resource: "arn:aws:s3:::photos*" }
groups:
  - name: readers
    policies: [read-photos]
users:
  - name: alice
    groups: [readers]
    tags: { team: a }
    accessKeys:
      - { accessKeyId: AKIAALICEALICEALICE1, secretAccessKey: { fromEnvironment: ALICE_SECRET } }
  - name: boss
    policies: ["arn:aws:iam::aws:policy/AdministratorAccess"]
    accessKeys:
      - { accessKeyId: AKIABOSSBOSSBOSSBOSS, secretAccessKey: { fromFile: boss-secret } }
roles:
  - name: worker
    maximumSessionSeconds: 7200
    trustPolicy:
      Version: "2012-10-17"
      Statement: [{ Effect: Allow, Principal: { AWS: "*" }, Action: "sts:AssumeRole" }]
    inlinePolicies:
      everything: { Version: "2012-10-17", Statement: [{ Effect: Allow, Action: "s3:*", Resource: "*" }] }
buckets:
  - name: photos
    quota: { bytes: 1MiB }
    settings:
      versioning: { Status: Enabled }
      tagging: { TagSet: [{ Key: team, Value: a }] }
      cors: { CORSRules: [{ AllowedOrigins: ["https://*.example"], AllowedMethods: [GET, HEAD] }] }
      lifecycle: { Rules: [{ ID: drafts, Filter: { Prefix: drafts/ }, Status: Enabled, Expiration: { Days: 3 } }] }
      website: { IndexDocument: { Suffix: index.html }, RoutingRules: [{ Redirect: { Protocol: https } }] }
      accelerate: { Status: Enabled }
      inventory:
        - Id: daily
          IsEnabled: true
          IncludedObjectVersions: Current
          Schedule: { Frequency: Daily }
          Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: CSV } }
      analytics: [{ Id: all, StorageClassAnalysis: {} }]
      metrics: [{ Id: all }, { Id: cats, Filter: { Prefix: cats/ } }]
      publicAccessBlock: { BlockPublicPolicy: false, RestrictPublicBuckets: false, BlockPublicAcls: true, IgnorePublicAcls: true }
      policy:
        Version: "2012-10-17"
        Statement: [{ Sid: open, Effect: Allow, Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" }]
accounts:
  - name: team-b
    id: "222222222222"
    email: b@example.com
    accessKeys:
      - { accessKeyId: AKIATEAMBTEAMBTEAMB1, secretAccessKey: team-b-secret-key }
    quota: { objects: 1000 }
    buckets:
      - { name: team-b-files, objectLockEnabled: true, quota: { objects: 1 } }
`;

class Declared {
  readonly #directory = new TemporaryDirectory();
  readonly data = join(this.#directory.path, "data");
  readonly file = join(this.#directory.path, "holdfast.yaml");

  constructor(text: string) {
    this.write(text);
    writeFileSync(join(this.#directory.path, "boss-secret"), "boss-secret-key\n");
  }

  write(text: string): void {
    writeFileSync(this.file, text);
  }

  /** What `holdfast plan` prints. */
  plan(): {
    readonly lines: readonly string[];
    readonly code: number | null;
    readonly error: string;
  } {
    const options = {
      encoding: "utf8",
      env: { ...process.env, ALICE_SECRET: "alice-secret-key" },
    } as const;
    const parameters = [main, "plan", "--config", this.file, "--data", this.data];
    const { stdout, stderr, status } = spawnSync(process.execPath, parameters, options);
    return { lines: stdout.trimEnd().split("\n"), code: status, error: stderr };
  }

  async start(): Promise<HoldfastServer> {
    const { readProvisioning } = await import("../../src/start-up/read-provisioning.ts");
    const provisioning = await readProvisioning(this.file, { ALICE_SECRET: "alice-secret-key" });
    const store = { directory: this.data };
    return createServer({ store, provisioning });
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

function clientOf(server: HoldfastServer, accessKeyId: string, secretAccessKey: string): S3 {
  const { endpoint, region } = server;
  const credentials = { accessKeyId, secretAccessKey };
  return new S3({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

describe("a declared server", () => {
  test("has its identities and buckets when it answers", async () => {
    using declared = new Declared(declaration);
    await using server = await declared.start();
    const boss = clientOf(server, "AKIABOSSBOSSBOSSBOSS", "boss-secret-key");
    await boss.putObject({ Bucket: "photos", Key: "cat.jpg", Body: "meow" });
    assert.equal((await boss.getBucketVersioning({ Bucket: "photos" })).Status, "Enabled");
    const alice = clientOf(server, "AKIAALICEALICEALICE1", "alice-secret-key");
    assert.equal((await alice.getObject({ Bucket: "photos", Key: "cat.jpg" })).ContentLength, 4);
    await assert.rejects(alice.putObject({ Bucket: "photos", Key: "dog.jpg", Body: "wuff" }), {
      name: "AccessDenied",
    });
    const draft = await boss.putObject({ Bucket: "photos", Key: "drafts/cat.jpg", Body: "meow" });
    assert.match(draft.Expiration ?? "", /rule-id="drafts"/);
    const page = { headers: { Origin: "https://app.example" } };
    const shown = await fetch(`${server.endpoint}/photos/cat.jpg`, page);
    assert.equal(await shown.text(), "meow");
    assert.equal(shown.headers.get("access-control-allow-origin"), "https://app.example");
    const website = await boss.getBucketWebsite({ Bucket: "photos" });
    assert.equal(website.RoutingRules?.[0]?.Redirect?.Protocol, "https");
    const { Status } = await boss.getBucketAccelerateConfiguration({ Bucket: "photos" });
    assert.equal(Status, "Enabled");
    await assert.rejects(
      boss.putObject({ Bucket: "photos", Key: "big", Body: Buffer.alloc(2 * 1024 * 1024) }),
      { name: "QuotaExceeded" },
    );
    const other = clientOf(server, "AKIATEAMBTEAMBTEAMB1", "team-b-secret-key");
    const { Buckets = [] } = await other.listBuckets({});
    assert.deepEqual(
      Buckets.map(({ Name }) => Name),
      ["team-b-files"],
    );
    await other.putObject({ Bucket: "team-b-files", Key: "1", Body: "1" });
    await assert.rejects(other.putObject({ Bucket: "team-b-files", Key: "2", Body: "2" }), {
      name: "QuotaExceeded",
    });
    for (const each of [boss, alice, other]) each.destroy();
  });

  test("a plan says everything of a new directory, and nothing after the start", async () => {
    using declared = new Declared(declaration);
    const before = declared.plan();
    assert.equal(before.code, 3, before.error);
    for (const line of [
      "+ policy read-photos",
      "+ user alice",
      "+ role worker",
      "+ bucket photos",
      "+ account team-b",
    ]) {
      assert.ok(before.lines.includes(line), before.lines.join("\n"));
    }
    await (await declared.start()).close();
    assert.deepEqual(declared.plan(), { lines: ["nothing to change"], code: 0, error: "" });
    await (await declared.start()).close();

    declared.write(
      declaration
        .replace("Status: Enabled", "Status: Suspended")
        .replace("team-b-secret-key", "another-secret-key")
        .replace('"s3:ListBucket"]', '"s3:ListBucket", "s3:PutObject"]'),
    );
    assert.deepEqual(declared.plan().lines, [
      "~ policy read-photos",
      "~ versioning of bucket photos",
      "~ access key AKIATEAMBTEAMBTEAMB1 of account team-b",
      "3 to change",
    ]);
    await using changed = await declared.start();
    const other = clientOf(changed, "AKIATEAMBTEAMBTEAMB1", "another-secret-key");
    assert.equal((await other.listBuckets({})).Buckets?.length, 1);
    other.destroy();
  });
});

describe("a mistake", () => {
  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ["a misspelt name", "bukkets: []", /Unrecognized key.*bukkets/],
    ["no YAML", "buckets: [", /--config/],
    [
      "an unknown setting",
      "buckets: [{ name: b-b, settings: { flying: {} } }]",
      /flying is no setting/,
    ],
    [
      "a wrong value",
      "buckets: [{ name: b-b, settings: { versioning: { Status: Maybe } } }]",
      /versioning\.Status: must be one of Enabled, Suspended/,
    ],
    [
      "a missing variable",
      "users: [{ name: a, accessKeys: [{ accessKeyId: AKIAAKIAAKIAAKIAAKIA, secretAccessKey: { fromEnvironment: NOT_THERE } }] }]",
      /NOT_THERE is not set/,
    ],
  ];
  for (const [name, text, message] of mistakes) {
    test(`${name} is one clear line`, () => {
      using declared = new Declared(text);
      const { code, error } = declared.plan();
      assert.ok(code === 1 || code === 2, error);
      assert.match(error, message);
      assert.equal(error.trimEnd().split("\n").length, 1, error);
    });
  }
});

test("a declared key cannot have the id of the server's own", async () => {
  const key = "{ accessKeyId: MY-ROOT-KEY, secretAccessKey: another-secret }";
  using file = new Declared(`users: [{ name: a, accessKeys: [${key}] }]`);
  const { readProvisioning } = await import("../../src/start-up/read-provisioning.ts");
  const provisioning = await readProvisioning(file.file, {});
  const credentials = { accessKeyId: "MY-ROOT-KEY", secretAccessKey: "the-root-secret" };
  await assert.rejects(createServer({ store: "memory", credentials, provisioning }), {
    name: "ProvisioningError",
    message: /access key MY-ROOT-KEY of user a is the server's own root key/,
  });
});

test("a variable may hold the text itself, but not beside a file", () => {
  using directory = new TemporaryDirectory();
  const parameters = [main, "plan", "--data", join(directory.path, "data")];
  const env = { ...process.env, HOLDFAST_CONFIG_TEXT: "buckets: [{ name: photos }]" };
  const planned = spawnSync(process.execPath, parameters, { encoding: "utf8", env });
  assert.deepEqual(planned.stdout.trimEnd().split("\n"), ["+ bucket photos", "1 to change"]);
  const file = join(directory.path, "holdfast.yaml");
  writeFileSync(file, "buckets: []");
  const both = spawnSync(process.execPath, [...parameters, "--config", file], {
    encoding: "utf8",
    env,
  });
  assert.equal(both.status, 2);
  assert.match(both.stderr, /cannot be given together/);
});

test("the server's own option takes the file too", () => {
  const help = execFileSync(process.execPath, [main, "--help"], { encoding: "utf8" });
  assert.match(help, /--config FILE/);
  assert.match(help, /holdfast plan/);
});
