// Every implemented operation × who asks for it, generated from the tables: exactly those who may are
// let in, by exactly the actions that the rules name, and everybody else gets AccessDenied.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import { operationRules } from "../../src/access/operation-rules.ts";
import { operations as definitions } from "../../src/model/operations.generated.ts";
import { notImplemented, operations } from "../../src/operations/index.ts";
import { formBody, formType, signedFieldsV4 } from "../raw/browser-form.ts";
import { allow, policy, startIamServer, text, type Pair } from "../iam/iam-server.ts";
import { minimalRequests, type ImplementedName, type MinimalRequest } from "./minimal-requests.ts";
import { elementOf, md5Base64, sendRaw, type RawAnswer } from "./test-server.ts";

const otherRoot = {
  accessKeyId: "AKIAOTHERROOT0000000",
  secretAccessKey: "secret of the other root",
};
const otherUser = {
  accessKeyId: "AKIAOTHERUSER0000000",
  secretAccessKey: "secret of the other user",
};
const { server, iam, s3, newUser, accountId } = await startIamServer({
  defaultObjectOwnership: "ObjectWriter",
  provisioning: {
    accounts: [
      {
        name: "other",
        accessKeys: [otherRoot],
        users: [
          {
            name: "user",
            inlinePolicies: { everything: policy(allow("*")) },
            accessKeys: [otherUser],
          },
        ],
      },
    ],
  },
});
const ownRoot: Pair = server.credentials;
const { pair: holder } = await newUser("holder");
const { pair: lacker } = await newUser("lacker");
const anonymous = undefined;

const kms = new KMS({ endpoint: server.endpoint, region: server.region, credentials: ownRoot });
after(() => kms.destroy());
const kmsKey = text((await kms.createKey({})).KeyMetadata?.Arn);

await s3.createBucket({ Bucket: "source" });
await s3.putObject({ Bucket: "source", Key: "key", Body: "text" });
await s3.createBucket({ Bucket: "versioned", ObjectLockEnabledForBucket: true });

type Place = Readonly<Record<string, string>>;

let places = 0;

/** A bucket of its own, so that what one caller does is nothing to the next. */
async function newPlace(request: MinimalRequest): Promise<Place> {
  const Bucket = `bucket-${(places += 1)}`;
  const Key = "key";
  const made = {
    bucket: Bucket,
    key: Key,
    source: "source/key",
    versioned: "versioned",
    kmsKey,
    account: accountId,
    ResourceArn: encodeURIComponent(`arn:aws:s3:::${Bucket}`),
  };
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  if (request.needs === "no bucket") return made;
  await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: request.needs === "lock" });
  if (request.needs === "no object") return made;
  const archived = request.needs === "archived" ? { StorageClass: "GLACIER" as const } : {};
  await s3.putObject({ Bucket, Key, Body: "text", ...archived });
  const upload: Record<string, string> = {};
  if (request.needs === "upload") {
    const { UploadId = "" } = await s3.createMultipartUpload({ Bucket, Key });
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: "part" };
    upload["upload"] = UploadId;
    upload["etag"] = text((await s3.uploadPart(part)).ETag);
  }
  const place = { ...made, ...upload, tomorrow };
  if (request.after !== undefined) {
    const answer = await send(request.after, place, ownRoot);
    assert.ok(answer.status < 300, `${request.after} before it: ${answer.text}`);
  }
  return place;
}

async function send(
  name: ImplementedName,
  place: Place,
  caller: Pair | undefined,
  versionId?: string,
): Promise<RawAnswer> {
  if (name === "PostObject") return sendForm(place, caller);
  const definition = definitions[name];
  const request = minimalRequests[name];
  const fill = (template: string): string =>
    template.replaceAll(/\{(\w+)\}/g, (_, key: string) => text(place[key]));
  const literal = definition.query.map((pair) => `${pair.name}=${pair.value}`);
  const query = [...literal, ...(request.query === undefined ? [] : [fill(request.query)])];
  if (versionId !== undefined) query.push(`versionId=${versionId}`);
  const headers: Record<string, string> = {};
  for (const [header, value] of Object.entries(request.headers ?? {}))
    headers[header] = fill(value);
  const body = fill(request.body ?? "");
  if (body !== "") headers["content-md5"] = md5Base64(body);
  const { bucket, key } = place;
  const paths = { service: "/", bucket: `/${bucket}`, object: `/${bucket}/${key}` };
  const path = "path" in definition ? fill(definition.path) : paths[definition.level];
  const credentials = caller === undefined ? { isSigned: false } : { credentials: caller };
  const { method } = definition;
  return sendRaw(server, { method, path, query: query.join("&"), headers, body, ...credentials });
}

function sendForm({ bucket, key }: Place, caller: Pair | undefined): Promise<RawAnswer> {
  const fields = [["key", text(key)]] as const;
  const conditions = [{ bucket }, ["eq", "$key", text(key)]];
  const signed = caller === undefined ? [] : signedFieldsV4(caller, conditions);
  return sendRaw(server, {
    method: "POST",
    path: `/${bucket}`,
    headers: { "content-type": formType },
    body: formBody([...fields, ...signed]),
    isSigned: false,
  });
}

/** DeleteObjects is answered as a whole, each of its keys by itself. */
function assertDenied(name: ImplementedName, answer: RawAnswer, who: string): void {
  const hasOwnAnswers = name === "DeleteObjects" && answer.status === 200;
  if (!hasOwnAnswers) assert.equal(answer.status, 403, `${who}: ${answer.text}`);
  // Answers to HEAD have no body.
  if (definitions[name].method === "HEAD") return;
  assert.equal(elementOf(answer.text, "Code"), "AccessDenied", `${who}: ${answer.text}`);
}

function assertLetIn(name: ImplementedName, answer: RawAnswer, who: string): void {
  const { absence } = minimalRequests[name];
  if (absence !== undefined) return assert.equal(answer.status, absence, `${who}: ${answer.text}`);
  assert.ok(answer.status < 300, `${who}: ${answer.status} ${answer.text}`);
  assert.equal(elementOf(answer.text, "Code"), undefined, `${who}: ${answer.text}`);
}

async function permit(UserName: string, ...statements: readonly object[]): Promise<void> {
  await iam.putUserPolicy({
    UserName,
    PolicyName: "inline",
    PolicyDocument: policy(...statements),
  });
}

async function check(
  name: ImplementedName,
  actions: readonly string[],
  versionId?: string,
): Promise<void> {
  const request = minimalRequests[name];
  const place = await newPlace(request);
  const ask = (caller: Pair | undefined, at: Place = place): Promise<RawAnswer> =>
    send(name, at, caller, versionId);
  await permit("holder", allow(actions));
  for (const missing of actions) {
    await permit("lacker", { Effect: "Allow", NotAction: missing, Resource: "*" });
    assertDenied(name, await ask(lacker), `a user with everything but ${missing}`);
  }
  assertDenied(name, await ask(anonymous), "anonymous");
  for (const [who, caller] of Object.entries({ otherRoot, otherUser })) {
    if (request.isOfAnyAccount !== true) assertDenied(name, await ask(caller), who);
    else assertLetIn(name, await ask(caller, await newPlace(request)), who);
  }
  assertLetIn(name, await ask(ownRoot), "the owner's root");
  assertLetIn(name, await ask(holder, await newPlace(request)), "a user with exactly the actions");
}

const names = Object.keys(minimalRequests) as ImplementedName[];

test("the requests are those of the implemented operations", () => {
  const implemented = Object.entries(operations).filter(
    ([name, each]) => each !== notImplemented && name !== "Preflight",
  );
  assert.deepEqual(names.toSorted(), implemented.map(([name]) => name).toSorted());
});

for (const name of names) {
  const rule = operationRules[name];
  const {
    action = rule?.action,
    alsoDemands = [],
    versionAlsoDemands = [],
  } = minimalRequests[name];
  const own = text(action);
  test(`${name} lets in who may ${[own, ...alsoDemands].join(", ")}`, () =>
    check(name, [own, ...alsoDemands]));
  const ofVersion = rule?.versionAction;
  if (ofVersion === undefined) continue;
  test(`${name} of a version lets in who may ${[ofVersion, ...versionAlsoDemands].join(", ")}`, () =>
    check(name, [ofVersion, ...versionAlsoDemands], "null"));
}
