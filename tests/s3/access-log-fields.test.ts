// The fields of an access record one by one, where what they say depends on who asks and how ("Amazon S3
// server access log format", User Guide, LogFormat.html).

import assert from "node:assert/strict";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { GetObjectCommand, S3 } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { createServer } from "../../src/app.ts";
import { testCertificate, testKey } from "../http/test-certificate.ts";
import { allow, startIamServer, trust } from "../iam/iam-server.ts";
import {
  encodePolicy,
  formBody,
  formType,
  signedFieldsV2,
  signedFieldsV4,
} from "../raw/browser-form.ts";
import {
  logBucket,
  logInto,
  readLog,
  type LoggedBucket,
  type LogRecord,
} from "./access-log-reader.ts";
import { assertRefused, startTestServerAlone } from "./test-server.ts";

const test = await startIamServer();
const { s3, server } = test;

let buckets = 0;
async function newBucket(): Promise<string> {
  buckets += 1;
  const Bucket = `bucket-${buckets}`;
  await s3.createBucket({ Bucket });
  return Bucket;
}

async function newLogged(): Promise<LoggedBucket> {
  return logBucket(test, await newBucket(), await newBucket());
}

/** Access control lists count in it, and may let in everybody. */
async function enableLists(Bucket: string): Promise<void> {
  const Rules = [{ ObjectOwnership: "ObjectWriter" as const }];
  await s3.putBucketOwnershipControls({ Bucket, OwnershipControls: { Rules } });
  await s3.deletePublicAccessBlock({ Bucket });
}

const url = (Bucket: string, rest: string): string => `${server.endpoint}/${Bucket}${rest}`;

async function fetchText(address: string, init: RequestInit = {}): Promise<number> {
  const answer = await fetch(address, init);
  await answer.text();
  return answer.status;
}

/** The head of a request as it is, and the status of its answer. */
function sendHead(...lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1", () => {
      socket.write(`${lines.join("\r\n")}\r\nConnection: close\r\n\r\n`);
    });
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(text.slice(9, 12)));
  });
}

describe("the operation", () => {
  it("of a torrent tells the size of the object beside that of the answer", async () => {
    const { Bucket, records } = await newLogged();
    await s3.putObject({ Bucket, Key: "key", Body: "text" });
    const { Body } = await s3.getObjectTorrent({ Bucket, Key: "key" });
    const torrent = await Body?.transformToByteArray();
    const { operation, objectSize, bytesSent, key } = (await records()).at(-1) as LogRecord; // GET has just made one
    assert.deepEqual([operation, key, objectSize], ["REST.GET.OBJECT_TORRENT", "key", "4"]);
    assert.equal(bytesSent, String(torrent?.length));
  });
});

describe("the requester", () => {
  it("is a canonical id, the ARN of a user or of a role's session, or a dash", async () => {
    const { Bucket, records } = await newLogged();
    const alice = await test.newUser("alice", allow(["s3:*", "sts:AssumeRole"]));
    const { Role } = await test.iam.createRole({
      RoleName: "reader",
      AssumeRolePolicyDocument: trust(test.arn("user/alice")),
    });
    await test.iam.putRolePolicy({
      RoleName: "reader",
      PolicyName: "read",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [allow("s3:*")] }),
    });
    const { Credentials } = await alice.sts.assumeRole({
      RoleArn: Role?.Arn,
      RoleSessionName: "morning",
    });
    const session = test.as({
      accessKeyId: Credentials?.AccessKeyId ?? "",
      secretAccessKey: Credentials?.SecretAccessKey ?? "",
      sessionToken: Credentials?.SessionToken ?? "",
    });
    for (const client of [s3, alice.s3, session.s3]) await client.headBucket({ Bucket });
    await fetchText(url(Bucket, "/"));
    const { Owner } = await s3.listBuckets();
    const seen = await records();
    assert.deepEqual(
      seen.map(({ requester }) => requester),
      [
        Owner?.ID,
        test.arn("user/alice"),
        `arn:aws:sts::${test.accountId}:assumed-role/reader/morning`,
        "-",
      ],
    );
    assert.ok(seen.every(({ owner }) => owner === Owner?.ID));
  });
});

describe("signature version and type of authentication", () => {
  it("tell headers, presigned URLs and forms of both versions, and nobody", async () => {
    const { Bucket, records } = await newLogged();
    await s3.putObject({ Bucket, Key: "key", Body: "text" });
    const presigned = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "key" }));
    assert.equal(await fetchText(presigned), 200);
    const v2 = "AWSAccessKeyId=nobody&Signature=none&Expires=4102444800";
    assert.equal(await fetchText(url(Bucket, `/key?${v2}`)), 403);
    const headers = { authorization: "AWS nobody:none", date: new Date().toUTCString() };
    assert.equal(await fetchText(url(Bucket, "/key"), { headers }), 403);
    const unknown = { authorization: "Bearer token" };
    assert.equal(await fetchText(url(Bucket, "/key"), { headers: unknown }), 400);
    const conditions = [{ bucket: Bucket }, ["starts-with", "$key", ""]];
    const document = { expiration: "2100-01-01T00:00:00Z", conditions };
    for (const signed of [
      signedFieldsV4(server.credentials, conditions),
      signedFieldsV2(server.credentials, encodePolicy(document)),
    ]) {
      const body = formBody([["key", "of a form"], ...signed]);
      const sent = { method: "POST", headers: { "content-type": formType }, body };
      assert.equal(await fetchText(url(Bucket, ""), sent), 204);
    }
    assert.equal(await fetchText(url(Bucket, "/key")), 403);
    const seen = await records();
    assert.deepEqual(
      seen.map((record) =>
        [record.operation, record.signatureVersion, record.authentication].join(" "),
      ),
      [
        "REST.PUT.OBJECT SigV4 AuthHeader",
        "REST.GET.OBJECT SigV4 QueryString",
        "REST.GET.OBJECT SigV2 QueryString",
        "REST.GET.OBJECT SigV2 AuthHeader",
        "REST.GET.OBJECT - -",
        "REST.POST.OBJECT SigV4 -",
        "REST.POST.OBJECT SigV2 -",
        "REST.GET.OBJECT - -",
      ],
    );
    const form = seen.find(({ operation }) => operation === "REST.POST.OBJECT");
    assert.deepEqual([form?.status, form?.objectSize], ["204", String("file content".length)]);
    assert.equal(form?.requester, (await s3.listBuckets()).Owner?.ID);
  });
});

describe("operation", () => {
  it("of a query is named by what it does", async () => {
    const { Bucket, records } = await newLogged();
    await s3.putObject({ Bucket, Key: "rows.csv", Body: "1\n" });
    const { Payload } = await s3.selectObjectContent({
      Bucket,
      Key: "rows.csv",
      Expression: "SELECT * FROM S3Object",
      ExpressionType: "SQL",
      InputSerialization: { CSV: {} },
      OutputSerialization: { CSV: {} },
    });
    for await (const _ of Payload ?? []);
    const seen = await records();
    assert.deepEqual(
      seen.map(({ operation, status }) => `${operation} ${status}`),
      ["REST.PUT.OBJECT 200", "REST.SELECT.OBJECT 200"],
    );
  });
});

describe("cipher suite and TLS version", () => {
  it("are those of the connection", async () => {
    await using secure = await createServer({
      tls: { key: testKey, certificate: testCertificate },
    });
    const root = new S3({
      endpoint: secure.endpoint.replace("127.0.0.1", "localhost"),
      region: "us-east-1",
      credentials: { ...secure.credentials },
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler: { httpsAgent: { ca: testCertificate } },
    });
    for (const Bucket of ["logged", "logs"]) await root.createBucket({ Bucket });
    await logInto(root, "logged", "logs");
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const options = { port: secure.port, path: "/logged/", ca: testCertificate, maxVersion };
      await new Promise<void>((resolve, reject) => {
        const request = httpsRequest({ ...options, host: "localhost" }, (answer) => {
          answer.resume().on("end", resolve);
        });
        request.on("error", reject).end();
      });
    }
    await secure.runWorker("access-log");
    const [older, newer] = await readLog(root, "logs");
    assert.equal(older?.tlsVersion, "TLSv1.2");
    assert.match(older.cipherSuite, /^ECDHE-ECDSA-(?:AES|CHACHA)/);
    assert.equal(newer?.tlsVersion, "TLSv1.3");
    assert.match(newer.cipherSuite, /^TLS_(?:AES|CHACHA20)_/);
    root.destroy();
  });
});

describe("aclRequired", () => {
  it("is Yes where nothing but a list lets the caller in, and where a request sets one", async () => {
    const { Bucket, records } = await newLogged();
    await enableLists(Bucket);
    await s3.putObject({ Bucket, Key: "own", Body: "x" });
    await s3.getObject({ Bucket, Key: "own" });
    await s3.putObject({ Bucket, Key: "full", Body: "x", ACL: "bucket-owner-full-control" });
    await s3.putObject({ Bucket, Key: "listed", Body: "x", ACL: "public-read" });
    const GrantRead = "uri=http://acs.amazonaws.com/groups/global/AllUsers";
    await s3.putObject({ Bucket, Key: "granted", Body: "x", GrantRead });
    await s3.putObjectAcl({ Bucket, Key: "own", ACL: "public-read" });
    for (const key of ["own", "listed", "granted"]) await fetchText(url(Bucket, `/${key}`));
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${Bucket}/own`,
      },
    });
    await s3.putBucketPolicy({ Bucket, Policy });
    await fetchText(url(Bucket, "/own"));
    const seen = (await records()).filter(({ key }) => key !== "-");
    assert.deepEqual(
      seen.map(({ operation, key, aclRequired }) => `${operation} ${key} ${aclRequired}`),
      [
        "REST.PUT.OBJECT own -",
        "REST.GET.OBJECT own -",
        "REST.PUT.OBJECT full -",
        "REST.PUT.OBJECT listed Yes",
        "REST.PUT.OBJECT granted Yes",
        "REST.PUT.ACL own Yes",
        "REST.GET.OBJECT own Yes",
        "REST.GET.OBJECT listed Yes",
        "REST.GET.OBJECT granted Yes",
        "REST.GET.OBJECT own -",
      ],
    );
  });

  it("is judged for each key of a batch", async () => {
    const { Bucket, records } = await newLogged();
    await enableLists(Bucket);
    await s3.putBucketAcl({ Bucket, ACL: "public-read-write" });
    const body = "<Delete><Object><Key>a</Key></Object></Delete>";
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", Buffer.from(body))).toString(
      "base64",
    );
    const headers = { "x-amz-checksum-sha256": digest };
    await fetchText(url(Bucket, "?delete"), { method: "POST", headers, body });
    const seen = await records();
    const batch = seen.find(({ operation }) => operation === "BATCH.DELETE.OBJECT");
    assert.deepEqual([batch?.key, batch?.status, batch?.aclRequired], ["a", "204", "Yes"]);
  });
});

describe("the request line, and what the client says of itself", () => {
  it("stand as they were sent, but for what would break the line", async () => {
    const { Bucket, records } = await newLogged();
    const host = `Host: 127.0.0.1:${server.port}`;
    await sendHead(
      `GET /${Bucket}/a%20b?x-user=johndoe&prefix= HTTP/1.0`,
      host,
      'Referer: http://example.com/"quoted"',
      'User-Agent: () { :;}; echo "x" 200 -',
    );
    await sendHead(`GET /${Bucket}/?prefix=&max-keys=1 HTTP/1.1`, host);
    const [object, listing] = await records();
    assert.equal(object?.requestLine, `GET /${Bucket}/a%20b?x-user=johndoe&prefix= HTTP/1.0`);
    assert.equal(object.referer, "http://example.com/%22quoted%22");
    assert.equal(object.userAgent, "() { :;}; echo %22x%22 200 -");
    assert.equal(object.hostHeader, `127.0.0.1:${server.port}`);
    assert.equal(object.remoteAddress, "127.0.0.1");
    // Parameters of a listing are not what it is about.
    assert.equal(listing?.operation, "REST.GET.BUCKET");
    assert.match(listing.line, / "-" "-" - \S+ - - - 127\.0\.0\.1:\d+ - - - -$/);
  });
});

describe("sizes and error codes", () => {
  it("tell the whole object, also of ranges and where nothing was sent", async () => {
    const { Bucket, records } = await newLogged();
    const object = { Bucket, Key: "key" };
    const { ETag } = await s3.putObject({ ...object, Body: "twelve bytes" });
    await s3.getObject({ ...object, Range: "bytes=2-4" });
    await s3.headObject(object);
    await s3.getObject({ ...object, IfNoneMatch: ETag }).catch(() => {});
    const changed = s3.getObject({ ...object, IfMatch: '"other"' });
    await assertRefused(changed, { code: "PreconditionFailed", status: 412 });
    await s3.getObjectTagging(object);
    const seen = await records();
    assert.deepEqual(
      seen.map((each) => [each.operation, each.status, each.errorCode, each.objectSize].join(" ")),
      [
        "REST.PUT.OBJECT 200 - 12",
        "REST.GET.OBJECT 206 - 12",
        "REST.HEAD.OBJECT 200 - 12",
        "REST.GET.OBJECT 304 - 12",
        "REST.GET.OBJECT 412 PreconditionFailed -",
        "REST.GET.OBJECT_TAGGING 200 - -",
      ],
    );
    const sent = seen.map(({ bytesSent }) => bytesSent);
    assert.deepEqual(sent.slice(0, 4), ["-", "3", "-", "-"]);
    assert.ok(Number(sent[4]) > 100, "an error's document is sent");
  });
});

describe("a visit of a website", () => {
  it("is anonymous, and about the page that it got", async () => {
    await using sites = await startTestServerAlone({
      websiteDomains: ["web.example"],
      defaultPublicAccessBlock: "off",
    });
    const Bucket = await sites.newBucket();
    const target = await sites.newBucket();
    await sites.put(Bucket, "a b/index.html", "page");
    const Resource = `arn:aws:s3:::${Bucket}/*`;
    const Statement = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await sites.s3.putBucketPolicy({ Bucket, Policy });
    const WebsiteConfiguration = { IndexDocument: { Suffix: "index.html" } };
    await sites.s3.putBucketWebsite({ Bucket, WebsiteConfiguration });
    await logInto(sites.s3, Bucket, target);
    const headers = { host: `${Bucket}.web.example` };
    for (const path of ["/a%20b/", "/gone"]) await sites.send({ path, headers, isSigned: false });
    await sites.server.runWorker("access-log");
    const seen = await readLog(sites.s3, target);
    assert.deepEqual(
      seen.map((each) => [each.operation, each.key, each.status, each.errorCode].join(" ")),
      ["WEBSITE.GET.OBJECT a%2520b/index.html 200 -", "WEBSITE.GET.OBJECT gone 403 AccessDenied"],
    );
    const [page] = seen;
    assert.equal(page?.requestLine, "GET /a%20b/ HTTP/1.1");
    assert.deepEqual([page.bytesSent, page.objectSize], ["4", "4"]);
    assert.deepEqual([page.requester, page.signatureVersion, page.authentication], ["-", "-", "-"]);
    assert.equal(page.hostHeader, `${Bucket}.web.example`);
  });
});

describe("operations", () => {
  it("are named by the resource, also where it is refused who asks", async () => {
    const { Bucket, records } = await newLogged();
    const input = { Bucket };
    await s3.getBucketPolicyStatus(input).catch(() => {});
    await s3.getPublicAccessBlock(input);
    await s3.getBucketOwnershipControls(input);
    await s3.getBucketRequestPayment(input);
    await s3.getBucketLogging(input);
    await s3.getObjectLockConfiguration(input).catch(() => {});
    await s3.listObjectVersions(input);
    await s3.listMultipartUploads(input);
    await s3.listBucketIntelligentTieringConfigurations(input);
    await s3.listObjectAnnotations({ Bucket, Key: "none" }).catch(() => {});
    const headers = { authorization: "AWS nobody:none", date: new Date().toUTCString() };
    await fetchText(url(Bucket, "?delete"), { method: "POST", headers, body: "<Delete/>" });
    await fetchText(url(Bucket, "/k?partNumber=1&uploadId=u"), { method: "PUT", headers });
    assert.deepEqual(
      (await records()).map(({ operation }) => operation),
      [
        "REST.GET.POLICY_STATUS",
        "REST.GET.PUBLIC_ACCESS_BLOCK",
        "REST.GET.OWNERSHIP_CONTROLS",
        "REST.GET.REQUEST_PAYMENT",
        "REST.GET.LOGGING_STATUS",
        "REST.GET.OBJECT_LOCK_CONFIGURATION",
        "REST.GET.BUCKETVERSIONS",
        "REST.GET.UPLOADS",
        "REST.GET.INTELLIGENT_TIERING",
        "REST.GET.OBJECT_ANNOTATIONS",
        "REST.POST.MULTI_OBJECT_DELETE",
        "REST.PUT.PART",
      ],
    );
  });
});
