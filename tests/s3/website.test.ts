// Buckets as websites, as a browser meets them: pages, folders, redirects and errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { WebsiteConfiguration } from "@aws-sdk/client-s3";
import { assertRefused, sendRaw, startTestServer, textOf } from "./test-server.ts";
import type { RawAnswer, RawRequest } from "./test-server.ts";

const { server, s3, plainS3, newBucket, newBucketName, put, send } = await startTestServer({
  defaultPublicAccessBlock: "off",
  websitePort: 0,
  domains: ["s3.web.example"],
  websiteDomains: ["web.example", "sites.localhost"],
});

const IndexDocument = { Suffix: "index.html" };
const ErrorDocument = { Key: "errors/any.html" };

async function openToAll(Bucket: string, ...Action: string[]): Promise<void> {
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/public/*`];
  const pages = ["*.html", "", "docs/*", "errors/*"].map(
    (name) => `arn:aws:s3:::${Bucket}/${name}`,
  );
  const Statement = { Effect: "Allow", Principal: "*", Action, Resource: [...Resource, ...pages] };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await s3.putBucketPolicy({ Bucket, Policy });
}

/** A site whose missing keys are known to be missing. */
async function newSite(
  website: WebsiteConfiguration,
  actions = ["s3:GetObject", "s3:ListBucket"],
): Promise<string> {
  const Bucket = await newBucket();
  await openToAll(Bucket, ...actions);
  await s3.putBucketWebsite({ Bucket, WebsiteConfiguration: website });
  return Bucket;
}

function visit(
  bucket: string,
  path: string,
  {
    headers = {},
    domain = "web.example",
    ...others
  }: Partial<RawRequest> & { domain?: string } = {},
): Promise<RawAnswer> {
  const host = `${bucket}.${domain}`;
  return send({ path, isSigned: false, ...others, headers: { ...headers, host } });
}

async function putPage(Bucket: string, Key: string, Body: string): Promise<void> {
  await plainS3.putObject({ Bucket, Key, Body, ContentType: "text/html" });
}

function summary({ status, headers, text }: RawAnswer): string {
  return `${status} ${headers.get("location") ?? text}`;
}

test("a configuration reads back as it was put, and goes away", async () => {
  const Bucket = await newBucket();
  const website: WebsiteConfiguration = {
    IndexDocument,
    ErrorDocument,
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: "a/", HttpErrorCodeReturnedEquals: "404" },
        Redirect: { Protocol: "https", HostName: "a.example", HttpRedirectCode: "302" },
      },
      { Redirect: { ReplaceKeyWith: "b" } },
    ],
  };
  await s3.putBucketWebsite({ Bucket, WebsiteConfiguration: website });
  const { $metadata: _, ...found } = await s3.getBucketWebsite({ Bucket });
  assert.deepEqual(found, website);
  await assertRefused(s3.putBucketWebsite({ Bucket, WebsiteConfiguration: {} }), {
    code: "InvalidArgument",
    status: 400,
    fields: { ArgumentName: "IndexDocument", ArgumentValue: "null" },
  });
  const RedirectAllRequestsTo = { HostName: "a.example", Protocol: "ftp" as "http" };
  await assertRefused(
    s3.putBucketWebsite({ Bucket, WebsiteConfiguration: { RedirectAllRequestsTo } }),
    { code: "InvalidRequest", status: 400, message: /^Invalid protocol, / },
  );
  assert.deepEqual((await s3.getBucketWebsite({ Bucket })).RoutingRules, website.RoutingRules);
  await s3.deleteBucketWebsite({ Bucket });
  await assertRefused(s3.getBucketWebsite({ Bucket }), {
    code: "NoSuchWebsiteConfiguration",
    status: 404,
    fields: { BucketName: Bucket },
  });
});

test("pages and folders", async () => {
  const site = await newSite({ IndexDocument });
  await putPage(site, "index.html", "root");
  await putPage(site, "docs/index.html", "docs");
  await putPage(site, "docs/a b.html", "page");
  assert.equal(summary(await visit(site, "/")), "200 root");
  assert.equal(summary(await visit(site, "/?x=y")), "200 root");
  assert.equal(summary(await visit(site, "/docs/")), "200 docs");
  assert.equal(summary(await visit(site, "/docs/a%20b.html")), "200 page");
  const folder = await visit(site, "/docs");
  assert.equal(summary(folder), "302 /docs/");
  assert.equal(folder.headers.get("x-amz-error-code"), "Found");
  assert.match(folder.text, /<h1>302 Found<\/h1>\n<ul>\n<li>Code: Found<\/li>/);
  assert.equal(summary(await visit(site, "/", { domain: "sites.localhost" })), "200 root");
  const page = await visit(site, "/docs/a%20b.html", { headers: { range: "bytes=1-2" } });
  assert.deepEqual([page.status, page.text], [206, "ag"]);
  assert.equal(page.headers.get("content-type"), "text/html");
  const etag = page.headers.get("etag") ?? "";
  const again = await visit(site, "/docs/a%20b.html", { headers: { "if-none-match": etag } });
  assert.deepEqual([again.status, again.text], [304, ""]);
  const head = await visit(site, "/docs/", { method: "HEAD" });
  assert.deepEqual([head.status, head.headers.get("content-length")], [200, "4"]);
});

test("a folder is found by who may not list, and what is there and private is none", async () => {
  const site = await newSite({ IndexDocument }, ["s3:GetObject"]);
  await putPage(site, "docs/part/index.html", "part");
  await put(site, "private", "secret");
  await putPage(site, "private/index.html", "page");
  assert.equal(summary(await visit(site, "/docs/part")), "302 /docs/part/");
  assert.equal((await visit(site, "/docs/other")).status, 403);
  assert.equal((await visit(site, "/private")).status, 403);
});

test("a folder's redirect stays on the site", async () => {
  const site = await newSite({ IndexDocument }, ["s3:GetObject", "s3:ListBucket"]);
  await putPage(site, "/evil.example/index.html", "page");
  assert.equal(summary(await visit(site, "//evil.example")), "302 /%2Fevil.example/");
});

test("errors are pages", async () => {
  const site = await newSite({ IndexDocument });
  const missing = await visit(site, "/no<thing>.html");
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal(missing.headers.get("x-amz-error-code"), "NoSuchKey");
  assert.equal(missing.headers.get("x-amz-error-detail-key"), "no<thing>.html");
  assert.match(missing.text, /<title>404 Not Found<\/title>[^]*<h1>404 Not Found<\/h1>/);
  assert.match(
    missing.text,
    /<li>Code: NoSuchKey<\/li>\n<li>Message: The specified key does not exist\.<\/li>\n<li>Key: no&lt;thing&gt;\.html<\/li>\n<li>RequestId: /,
  );
  const post = await visit(site, "/index.html", { method: "POST", body: "x" });
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
  const head = await visit(site, "/none.html", { method: "HEAD" });
  assert.deepEqual([head.status, head.text], [404, ""]);
  const bare = await newBucket();
  const unset = await visit(bare, "/");
  assert.match(unset.text, /<li>Code: NoSuchWebsiteConfiguration<\/li>[^]*BucketName: bucket-/);
  assert.equal((await visit(newBucketName(), "/")).headers.get("x-amz-error-code"), "NoSuchBucket");
});

test("an error document is shown with the status of the error", async () => {
  const site = await newSite({ IndexDocument, ErrorDocument });
  const without = await visit(site, "/none.html");
  assert.equal(without.status, 404);
  assert.match(
    without.text,
    /<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document<\/h3>\n<ul>\n<li>Code: NoSuchKey<\/li>\n.*\n<li>Key: errors\/any\.html<\/li>/,
  );
  await putPage(site, ErrorDocument.Key, "sorry");
  await put(site, "private.txt", "secret");
  const headers = { range: "bytes=0-0", "if-none-match": "*" };
  assert.equal(summary(await visit(site, "/none.html", { headers })), "404 sorry");
  assert.equal(summary(await visit(site, "/")), "404 sorry");
  const denied = await visit(site, "/private.txt");
  assert.equal(summary(denied), "403 sorry");
  assert.equal(denied.headers.get("content-type"), "text/html");
  assert.equal(denied.headers.get("x-amz-error-code"), "AccessDenied");
  await s3.putObject({
    Bucket: site,
    Key: ErrorDocument.Key,
    WebsiteRedirectLocation: "https://help.example/",
  });
  assert.equal(summary(await visit(site, "/none.html")), "301 https://help.example/");
});

test("on a port for websites the whole host or its first label names the bucket", async () => {
  const site = await newSite({ IndexDocument });
  await putPage(site, "index.html", "by label");
  await s3.createBucket({ Bucket: "www.shop.example" });
  await openToAll("www.shop.example", "s3:GetObject");
  await s3.putBucketWebsite({
    Bucket: "www.shop.example",
    WebsiteConfiguration: { IndexDocument },
  });
  await putPage("www.shop.example", "index.html", "by name");
  const { websiteEndpoint = "" } = server;
  const port = Number(new URL(websiteEndpoint).port);
  const onPort = async (host: string): Promise<string> =>
    summary(await sendRaw({ ...server, port }, { path: "/", isSigned: false, headers: { host } }));
  assert.equal(await onPort(`${site}.localhost:${port}`), "200 by label");
  assert.equal(await onPort(`${site}.web.example`), "200 by label");
  assert.equal(await onPort("WWW.Shop.example"), "200 by name");
  assert.match(await onPort("shop.example"), /Code: NoSuchBucket[^]*BucketName: shop</);
  assert.match(await onPort(`127.0.0.1:${port}`), /Code: NoSuchBucket/);
  assert.match(await onPort("localhost"), /Code: NoSuchBucket[^]*BucketName: localhost</);
});

test("the longer of two domains has the host", async () => {
  const site = await newSite({ IndexDocument });
  await putPage(site, "index.html", "root");
  const ofS3 = await visit(site, "/index.html", { domain: "s3.web.example" });
  assert.equal(summary(ofS3), "200 root");
  assert.match((await visit(site, "/none", { domain: "s3.web.example" })).text, /^<\?xml/);
});

test("visitors see what everybody may see, whatever they sign", async () => {
  const site = await newSite({ IndexDocument }, ["s3:GetObject"]);
  await put(site, "private.txt", "secret");
  await putPage(site, "index.html", "root");
  const denied = await visit(site, "/private.txt");
  assert.equal(denied.status, 403);
  assert.match(denied.text, /<h1>403 Forbidden<\/h1>[^]*<li>Code: AccessDenied<\/li>/);
  assert.equal((await visit(site, "/private.txt", { isSigned: true })).status, 403);
  assert.equal((await visit(site, "/none.html")).status, 403, "who may not list is not told");
  assert.equal(summary(await visit(site, "/", { isSigned: true })), "200 root");
  assert.equal(await textOf(await s3.getObject({ Bucket: site, Key: "private.txt" })), "secret");
});

test("redirects of objects, of rules and of everything", async () => {
  const site = await newSite({
    IndexDocument,
    ErrorDocument,
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: "old/" },
        Redirect: { ReplaceKeyPrefixWith: "new/", HttpRedirectCode: "307" },
      },
      {
        Condition: { HttpErrorCodeReturnedEquals: "404", KeyPrefixEquals: "app/" },
        Redirect: { HostName: "other.example", Protocol: "https", ReplaceKeyWith: "#!/" },
      },
    ],
  });
  await putPage(site, "app/index.html", "app");
  await plainS3.putObject({
    Bucket: site,
    Key: "moved.html",
    Body: "never shown",
    WebsiteRedirectLocation: "/app/?from=moved",
  });
  assert.equal(
    summary(await visit(site, "/old/a.html")),
    `307 http://${site}.web.example/new/a.html`,
  );
  assert.equal(summary(await visit(site, "/app/none.html")), "301 https://other.example/#!/");
  assert.equal(summary(await visit(site, "/moved.html")), "301 /app/?from=moved");
  const head = await visit(site, "/moved.html", { method: "HEAD" });
  assert.equal(head.headers.get("location"), "/app/?from=moved");
  const RedirectAllRequestsTo = { HostName: "new.example", Protocol: "https" as const };
  const all = await newSite({ RedirectAllRequestsTo });
  assert.equal(summary(await visit(all, "/a%20b?c")), "301 https://new.example/a%20b?c");
});

test("a page of another origin may read a site's pages by its CORS rules", async () => {
  const site = await newSite({ IndexDocument });
  await putPage(site, "index.html", "root");
  const CORSRules = [{ AllowedMethods: ["GET"], AllowedOrigins: ["https://app.example"] }];
  await s3.putBucketCors({ Bucket: site, CORSConfiguration: { CORSRules } });
  const headers = { origin: "https://app.example" };
  const read = await visit(site, "/", { headers });
  assert.equal(read.headers.get("access-control-allow-origin"), "https://app.example");
  const asked = { ...headers, "access-control-request-method": "GET" };
  const preflight = await visit(site, "/", { method: "OPTIONS", headers: asked });
  assert.equal(preflight.status, 200, preflight.text);
  assert.equal(preflight.headers.get("access-control-allow-methods"), "GET");
});
