// POST Object: what browsers send, byte for byte, and every way in which it is refused.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import {
  assertErrorAnswer,
  elementOf,
  startTestServer,
  textOf,
  type RawAnswer,
  type Refusal,
} from "../s3/test-server.ts";
import {
  boundary,
  encodePolicy,
  formBody,
  formType,
  signatureV4,
  signedFieldsV2,
  signedFieldsV4,
  type Condition,
  type FormField,
} from "./browser-form.ts";

const server = await startTestServer({
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
});
const { s3 } = server;
const signer = server.server.credentials;
const bucket = await server.newBucket();

function post(
  body: Uint8Array,
  options: { readonly headers?: Record<string, string>; readonly to?: string } = {},
): Promise<RawAnswer> {
  const { headers = {}, to = bucket } = options;
  return server.send({
    method: "POST",
    path: `/${to}`,
    headers: { "content-type": formType, ...headers },
    body,
    isSigned: false,
  });
}

/** Fields with their signature; each is allowed to say what it says. */
function signed(fields: readonly FormField[], more: readonly Condition[] = []): FormField[] {
  const conditions = fields.map(([name, value]) => ["eq", `$${name}`, value]);
  return [...fields, ...signedFieldsV4(signer, [{ bucket }, ...conditions, ...more])];
}

async function refuses(body: Uint8Array, expected: Refusal, to?: string): Promise<void> {
  const before = await s3.listObjectVersions({ Bucket: bucket });
  assertErrorAnswer(await post(body, to === undefined ? {} : { to }), expected);
  const after = await s3.listObjectVersions({ Bucket: bucket });
  assert.deepEqual(after.Versions, before.Versions, "a refused form leaves no trace");
}

const denied = (reason: string): Refusal => ({
  code: "AccessDenied",
  status: 403,
  message: `Invalid according to Policy: ${reason}`,
});
const invalidPolicy = (reason: string | RegExp): Refusal => ({
  code: "InvalidPolicyDocument",
  status: 400,
  message: typeof reason === "string" ? `Invalid Policy: ${reason}` : reason,
});

describe("a signed form", () => {
  test("stores its file with everything that its fields say", async () => {
    const tagging = `<Tagging><TagSet><Tag><Key>a b</Key><Value>1/2</Value></Tag></TagSet></Tagging>`;
    const fields: FormField[] = [
      ["key", "photos/ä b.txt"],
      ["acl", "public-read"],
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Cache-Control", "max-age=60"],
      ["Content-Disposition", 'attachment; filename="x.txt"'],
      ["Content-Encoding", "identity"],
      ["Expires", "Wed, 21 Oct 2026 07:28:00 GMT"],
      ["tagging", tagging],
      ["x-amz-storage-class", "STANDARD_IA"],
      ["x-amz-meta-uuid", "14365123651274"],
      ["x-amz-meta-name", "Ünïcode"],
      ["x-amz-website-redirect-location", "/elsewhere"],
      ["x-amz-server-side-encryption", "AES256"],
    ];
    const answer = await post(formBody(signed(fields)));
    assert.equal(answer.status, 204, answer.text);
    assert.equal(answer.text, "");
    const etag = `"${createHash("md5").update("file content").digest("hex")}"`;
    assert.equal(answer.headers.get("etag"), etag);
    assert.equal(
      answer.headers.get("location"),
      `http://127.0.0.1:${server.server.port}/${bucket}/photos/%C3%A4%20b.txt`,
    );
    assert.equal(answer.headers.get("x-amz-server-side-encryption"), "AES256");
    const Key = "photos/ä b.txt";
    const stored = await s3.getObject({ Bucket: bucket, Key });
    assert.equal(stored.ETag, etag);
    assert.equal(stored.ContentType, "text/plain; charset=utf-8");
    assert.equal(stored.CacheControl, "max-age=60");
    assert.equal(stored.ContentDisposition, 'attachment; filename="x.txt"');
    assert.equal(stored.ContentEncoding, "identity");
    assert.equal(stored.ExpiresString, "Wed, 21 Oct 2026 07:28:00 GMT");
    assert.equal(stored.StorageClass, "STANDARD_IA");
    assert.equal(stored.WebsiteRedirectLocation, "/elsewhere");
    assert.equal(stored.Metadata?.["uuid"], "14365123651274");
    assert.equal(await textOf(stored), "file content");
    const { TagSet } = await s3.getObjectTagging({ Bucket: bucket, Key });
    assert.deepEqual(TagSet, [{ Key: "a b", Value: "1/2" }]);
    assert.equal((await s3.getObjectAcl({ Bucket: bucket, Key })).Grants?.length, 2);
  });

  test("of Signature Version 2 does too, with names in any case", async () => {
    const policy = {
      expiration: new Date(Date.now() + 60_000).toISOString(),
      conditions: [
        { bUcKeT: bucket },
        ["StArTs-WiTh", "$KeY", "v2-"],
        { ACL: "private" },
        ["content-length-range", 0, 1024],
      ],
    };
    const fields: FormField[] = [
      ["kEy", "v2-object"],
      ["aCl", "private"],
      ...signedFieldsV2(signer, policy),
    ];
    assert.equal((await post(formBody(fields))).status, 204);
    assert.equal(
      await textOf(await s3.getObject({ Bucket: bucket, Key: "v2-object" })),
      "file content",
    );
  });

  test("may be sent to the bucket's own host", async () => {
    const host = `${bucket}.localhost:${server.server.port}`;
    const answer = await server.send({
      method: "POST",
      path: "/",
      headers: { "content-type": formType, host },
      body: formBody(signed([["key", "hosted"]])),
      isSigned: false,
    });
    assert.equal(answer.status, 204, answer.text);
    assert.equal(answer.headers.get("location"), `http://${host}/hosted`);
    await s3.headObject({ Bucket: bucket, Key: "hosted" });
  });

  test("fills in the name of the file, without the folders before it", async () => {
    for (const name of ["cat.jpg", String.raw`C:\photos\cat.jpg`, "/home/me/cat.jpg"]) {
      const fields = [
        ["key", "u/${filename}"],
        ["x-amz-meta-$1", "$&${filename}"],
      ] as const;
      const conditions = [
        { bucket },
        ["starts-with", "$key", "u/"],
        ["starts-with", "$x-amz-meta-$1", ""],
      ];
      const body = formBody([...fields, ...signedFieldsV4(signer, conditions)], {
        name,
        content: name,
      });
      assert.equal((await post(body)).status, 204);
      const stored = await s3.getObject({ Bucket: bucket, Key: "u/cat.jpg" });
      assert.equal(await textOf(stored), name);
      assert.equal(stored.Metadata?.["$1"], "$&cat.jpg");
    }
  });

  test("answers as it asks to", async () => {
    const status = async (value: string): Promise<RawAnswer> =>
      post(
        formBody(
          signed([
            ["key", "s"],
            ["success_action_status", value],
          ]),
        ),
      );
    assert.equal((await status("200")).status, 200);
    assert.equal((await status("204")).status, 204);
    assert.equal((await status("404")).status, 204);
    const made = await status("201");
    assert.equal(made.status, 201);
    const etag = `"${createHash("md5").update("file content").digest("hex")}"`;
    const location = `http://127.0.0.1:${server.server.port}/${bucket}/s`;
    assert.deepEqual(
      ["Location", "Bucket", "Key", "ETag"].map((name) => elementOf(made.text, name)),
      [location, bucket, "s", etag],
    );
    assert.match(made.text, /^<\?xml [^>]*\?>\n?<PostResponse><Location>/);
    for (const name of ["success_action_redirect", "redirect"]) {
      const url = "https://example.com/done?a=b";
      const redirected = await post(
        formBody(
          signed([
            ["key", "s"],
            [name, url],
          ]),
        ),
      );
      assert.equal(redirected.status, 303, redirected.text);
      assert.equal(
        redirected.headers.get("location"),
        `${url}&bucket=${bucket}&key=s&etag=${encodeURIComponent(etag)}`,
      );
    }
    const nowhere = signed([
      ["key", "s"],
      ["success_action_redirect", "not an address"],
    ]);
    assert.equal((await post(formBody(nowhere))).status, 204);
  });

  test("may hold anything behind its file, any bytes in it, and a large one", async () => {
    const content = Buffer.alloc(3_000_000, `\r\n--${boundary.slice(0, -1)}\0\r\n--`);
    const behind: FormField[] = [
      ["acl", "public-read"],
      ["Submit", "Upload"],
    ];
    const body = formBody(signed([["key", "large"]]), { name: "x", content }, behind);
    assert.equal((await post(body)).status, 204);
    const stored = await s3.getObject({ Bucket: bucket, Key: "large" });
    assert.ok(content.equals(Buffer.from((await stored.Body?.transformToByteArray()) ?? [])));
    assert.equal((await s3.getObjectAcl({ Bucket: bucket, Key: "large" })).Grants?.length, 1);
    const empty = formBody(signed([["key", "empty"]]), { name: "x", content: "" });
    assert.equal((await post(empty)).status, 204);
    assert.equal((await s3.headObject({ Bucket: bucket, Key: "empty" })).ContentLength, 0);
  });

  test("is checked against the checksum in its fields", async () => {
    const sha256 = createHash("sha256").update("file content").digest("base64");
    const right = await post(
      formBody(
        signed([
          ["key", "sum"],
          ["x-amz-checksum-sha256", sha256],
        ]),
      ),
    );
    assert.equal(right.status, 204, right.text);
    assert.equal(right.headers.get("x-amz-checksum-sha256"), sha256);
    const wrong = createHash("sha256").update("other").digest("base64");
    await refuses(
      formBody(
        signed([
          ["key", "sum2"],
          ["x-amz-checksum-sha256", wrong],
        ]),
      ),
      {
        code: "BadDigest",
        status: 400,
      },
    );
  });
});

describe("an unsigned form", () => {
  test("is let in only where everybody may write, and belongs to nobody", async () => {
    const open = await server.newBucket();
    const body = formBody([["key", "anonymous"]]);
    assertErrorAnswer(await post(body, { to: open }), { code: "AccessDenied", status: 403 });
    await s3.putBucketAcl({ Bucket: open, ACL: "public-read-write" });
    assert.equal((await post(body, { to: open })).status, 204);
    const { Contents = [] } = await s3.listObjects({ Bucket: open });
    assert.equal(Contents[0]?.Owner?.ID, "65a011a29cdf8ec533ec3d1ccaae921c");
    assertErrorAnswer(await post(body, { to: "no-such-bucket" }), {
      code: "NoSuchBucket",
      status: 404,
    });
  });
});

const missing = (name: string): Refusal => ({
  code: "InvalidArgument",
  status: 400,
  message: `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`,
  fields: { ArgumentName: name, ArgumentValue: "" },
});

describe("signatures that do not hold", () => {
  const conditions: readonly Condition[] = [{ bucket }, ["starts-with", "$key", ""]];
  const withField = (name: string, value: string | undefined): FormField[] =>
    [["key", "k"] as const, ...signedFieldsV4(signer, conditions)].flatMap((field) => {
      if (field[0] !== name) return [field];
      return value === undefined ? [] : [[name, value] as const];
    });

  test("fields that are missing", async () => {
    await refuses(formBody(withField("key", undefined)), missing("key"));
    await refuses(formBody(withField("policy", undefined)), missing("policy"));
    await refuses(formBody(withField("x-amz-signature", undefined)), missing("X-Amz-Signature"));
    await refuses(formBody(withField("x-amz-date", undefined)), missing("X-Amz-Date"));
    await refuses(formBody(withField("x-amz-algorithm", undefined)), missing("X-Amz-Algorithm"));
    const v2 = signedFieldsV2(signer, { expiration: "2030-01-01T00:00:00Z", conditions: [] });
    const without = (name: string): Buffer =>
      formBody([["key", "k"], ...v2.filter(([each]) => each !== name)]);
    await refuses(without("signature"), missing("signature"));
    await refuses(without("AWSAccessKeyId"), missing("AWSAccessKeyId"));
    await refuses(
      formBody([
        ["key", "k"],
        ["policy", "e30="],
      ]),
      missing("AWSAccessKeyId"),
    );
    await refuses(formBody(withField("key", "")), {
      code: "InvalidArgument",
      status: 400,
      message: "User key must have a length greater than 0.",
    });
  });

  test("wrong ones, in both versions", async () => {
    const mismatch = { code: "SignatureDoesNotMatch", status: 403 };
    const unknown = { code: "InvalidAccessKeyId", status: 403 };
    await refuses(formBody(withField("x-amz-signature", "0".repeat(64))), mismatch);
    const other = encodePolicy({ expiration: "2030-01-01T00:00:00Z", conditions: [] });
    await refuses(formBody(withField("policy", other)), mismatch);
    const stranger = { ...signer, accessKeyId: "AKIASTRANGER" };
    await refuses(formBody([["key", "k"], ...signedFieldsV4(stranger, conditions)]), unknown);
    await refuses(formBody([["key", "k"], ...signedFieldsV2(stranger, {})]), unknown);
    const guess = { ...signer, secretAccessKey: "guess" };
    await refuses(formBody([["key", "k"], ...signedFieldsV4(guess, conditions)]), mismatch);
    await refuses(formBody([["key", "k"], ...signedFieldsV2(guess, {})]), mismatch);
    const token: FormField[] = [...withField("", ""), ["x-amz-security-token", "none"]];
    await refuses(formBody(token), { code: "InvalidToken", status: 400 });
  });

  test("scopes of another region, service or date", async () => {
    const regional = signedFieldsV4(signer, conditions, { region: "eu-west-1" });
    const invalid = { code: "InvalidArgument", status: 400 };
    await refuses(formBody([["key", "k"], ...regional]), {
      ...invalid,
      message:
        "Error parsing the X-Amz-Credential parameter; the region 'eu-west-1' is wrong; expecting 'us-east-1'",
    });
    for (const credential of ["x", `${signer.accessKeyId}/20260101/us-east-1/ec2/aws4_request`]) {
      await refuses(formBody(withField("x-amz-credential", credential)), invalid);
    }
    await refuses(formBody(withField("x-amz-date", "yesterday")), invalid);
    await refuses(formBody(withField("x-amz-algorithm", "AWS4-ECDSA")), invalid);
    assert.notEqual(signatureV4(signer, "a/b/c/d/e", "x"), "");
  });
});

const form = (
  fields: readonly FormField[],
  conditions: readonly Condition[],
  expires?: Date,
): Buffer =>
  formBody([
    ...fields,
    ...signedFieldsV4(signer, conditions, expires === undefined ? {} : { expires }),
  ]);

const any: Condition = ["starts-with", "$key", ""];

const size = (minimum: number, maximum: number): Buffer =>
  form([["key", "size"]], [{ bucket }, any, ["content-length-range", minimum, maximum]]);

describe("policies", () => {
  test("every condition must be met", async () => {
    const key: FormField = ["key", "k"];
    const cases: readonly (readonly [readonly FormField[], readonly Condition[], string])[] = [
      [[key], [{ bucket: "another" }, any], `["eq", "$bucket", "another"]`],
      [[key], [{ bucket }, ["starts-with", "$key", "u/"]], `["starts-with", "$key", "u/"]`],
      [[key], [{ bucket }, { key: "K" }], `["eq", "$key", "K"]`],
      [[key], [{ bucket }, any, { acl: "private" }], `["eq", "$acl", "private"]`],
      [[key], [{ bucket }, any, ["eq", "$x-amz-meta-foo", ""]], `["eq", "$x-amz-meta-foo", ""]`],
      // As S3 answers (github.com/tj/node-s3-policy/pull/8): what may say anything must be there.
      [
        [key],
        [{ bucket }, any, ["starts-with", "$Content-Length", ""]],
        `["starts-with", "$Content-Length", ""]`,
      ],
      [
        [key, ["Content-Type", "image/png, text/html"]],
        [{ bucket }, any, ["starts-with", "$Content-Type", "image/"]],
        `["starts-with", "$Content-Type", "image/"]`,
      ],
    ];
    for (const [fields, conditions, failed] of cases) {
      await refuses(form(fields, conditions), denied(`Policy Condition failed: ${failed}`));
    }
    const free = form(
      [key, ["Content-Type", ""]],
      [{ bucket }, any, ["starts-with", "$Content-Type", ""]],
    );
    assert.equal((await post(free)).status, 204);
    const images: FormField[] = [key, ["Content-Type", "image/png, image/gif"]];
    const ok = form(images, [{ bucket }, any, ["starts-with", "$Content-Type", "image/"]]);
    assert.equal((await post(ok)).status, 204);
  });

  test("every field must be in a condition, but for those that S3 ignores", async () => {
    const fields: FormField[] = [
      ["key", "k"],
      ["x-ignore-me", "x"],
    ];
    assert.equal((await post(form(fields, [{ bucket }, any]))).status, 204);
    const extra: FormField[] = [...fields, ["x-amz-meta-extra", "x"]];
    await refuses(form(extra, [{ bucket }, any]), denied("Extra input fields: x-amz-meta-extra"));
  });

  test("they expire", async () => {
    const past = new Date(Date.now() - 1000);
    await refuses(form([["key", "k"]], [{ bucket }, any], past), denied("Policy expired."));
  });

  test("sizes are bounded on both sides", async () => {
    assert.equal((await post(size(12, 12))).status, 204);
    await refuses(size(0, 11), {
      code: "EntityTooLarge",
      status: 400,
      message: "Your proposed upload exceeds the maximum allowed size",
      fields: { ProposedSize: "12", MaxSizeAllowed: "11" },
    });
    await refuses(size(13, 20), {
      code: "EntityTooSmall",
      status: 400,
      message: "Your proposed upload is smaller than the minimum allowed size",
      fields: { ProposedSize: "12", MinSizeAllowed: "13" },
    });
  });

  test("documents that are none", async () => {
    const expiration = new Date(Date.now() + 60_000).toISOString();
    const cases: readonly (readonly [unknown, string | RegExp])[] = [
      ["!!!", "Invalid JSON."],
      [[], "Invalid JSON."],
      [{ conditions: [] }, "Policy missing expiration."],
      [{ EXPIRATION: expiration, conditions: [] }, "Policy missing expiration."],
      [{ expiration }, "Policy missing conditions."],
      [{ expiration: "tomorrow", conditions: [] }, "Invalid 'expiration' value: 'tomorrow'"],
      [
        { expiration, conditions: [{}] },
        "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
      ],
      [{ expiration, conditions: [["content-length-range", 0]] }, /content-length-range/],
      [{ expiration, conditions: [["content-length-range", -1, 2]] }, /content-length-range/],
      [{ expiration, conditions: [["matches", "$key", "x"]] }, /unknown operation 'matches'/],
      [{ expiration, conditions: [["eq", "key", "x"]] }, /begins with \$/],
      [{ expiration, conditions: ["x"] }, /Condition/],
      [{ expiration, conditions: [{ key: 1 }] }, /must be a string/],
    ];
    for (const [document, reason] of cases) {
      const body = formBody([["key", "k"], ...signedFieldsV2(signer, document)]);
      await refuses(body, invalidPolicy(reason));
    }
  });
});

describe("forms that are none", () => {
  test("other content types", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/mixed"]) {
      const answer = await post(formBody([["key", "k"]]), { headers: { "content-type": type } });
      assertErrorAnswer(answer, {
        code: "PreconditionFailed",
        status: 412,
        fields: { Condition: "Bucket POST must be of the enclosure-type multipart/form-data" },
      });
    }
    const headers = { "content-type": "multipart/form-data" };
    assertErrorAnswer(await post(formBody([["key", "k"]]), { headers }), {
      code: "MalformedPOSTRequest",
      status: 400,
    });
  });

  test("no file, and two of them", async () => {
    const refused = {
      code: "IncorrectNumberOfFilesInPostRequest",
      status: 400,
      message: "POST requires exactly one file upload per request.",
    };
    const fields = signed([["key", "files"]]);
    const none = Buffer.concat([formBody(fields).subarray(0, -1)]);
    const cut = none.indexOf(`--${boundary}\r\nContent-Disposition: form-data; name="file"`);
    const end = Buffer.from(`--${boundary}--\r\n`);
    await refuses(Buffer.concat([none.subarray(0, cut), end]), refused);
    await refuses(formBody(fields, { name: "a", content: "a" }, [["FILE", "b"]]), refused);
  });

  test("fields of more than 20 KB before the file", async () => {
    const long = formBody([...signed([["key", "long"]]), ["x-ignore-this", "x".repeat(20_480)]]);
    await refuses(long, {
      code: "MaxPostPreDataLengthExceededError",
      status: 400,
      message: "Your POST request fields preceding the upload file were too large.",
    });
  });

  test("bodies that end early or begin wrong", async () => {
    const malformed = { code: "MalformedPOSTRequest", status: 400 };
    const whole = formBody(signed([["key", "cut"]]));
    const last = `--${boundary}--\r\n`.length;
    for (const length of [0, 10, 60, 200, whole.byteLength - last, whole.byteLength - 5]) {
      await refuses(whole.subarray(0, length), malformed);
    }
    const nameless = whole.toString("latin1").replace('; name="key"', "");
    await refuses(Buffer.from(nameless, "latin1"), malformed);
    // The last line's end may be missing.
    assert.equal((await post(whole.subarray(0, -2))).status, 204);
  });
});
