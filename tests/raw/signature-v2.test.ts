// Signature V2 in header and query, as boto3 still presigns by default: what is let in, what is refused,
// and that nothing that it covers can be changed.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  exchange,
  headerOf,
  rawRequest,
  requestBytes,
  withHeader,
  type Expectation,
  type RawAnswer,
} from "./raw-client.ts";
import { startMilliseconds, startRawServer, succeed } from "./raw-server.ts";
import {
  encode,
  presignV2,
  signHeaderV2,
  type HeaderField,
  type RawRequest,
} from "./raw-signer.ts";

const server = await startRawServer({ domains: ["s3.raw.test"] });
const { bucket, signer } = server;

const send = (request: RawRequest): Promise<RawAnswer> =>
  exchange(server.port, requestBytes(request), { method: request.method });

function signedV2(
  request: RawRequest,
  settings: Partial<Parameters<typeof signHeaderV2>[2]> = {},
): RawRequest {
  return signHeaderV2(request, signer, { milliseconds: startMilliseconds, ...settings });
}

describe("Signature V2 in the header", () => {
  test("reads and writes", async () => {
    const headers: HeaderField[] = [
      ["Content-Type", "text/plain"],
      ["x-amz-meta-color", "red"],
    ];
    await succeed(send(signedV2(rawRequest("PUT", `/${bucket}/v2`, { headers, body: "two" }))));
    const read = await succeed(send(signedV2(rawRequest("GET", `/${bucket}/v2`))));
    assert.equal(read.text, "two");
    assert.equal(read.headers.get("content-type"), "text/plain");
    await succeed(send(signedV2(rawRequest("DELETE", `/${bucket}/v2`))));
  });

  test("signs the bucket of the Host header into the path", async () => {
    const request = rawRequest("GET", "/old", { host: `${bucket}.s3.raw.test` });
    assert.equal((await send(signedV2(request, { resource: `/${bucket}/old` }))).text, "old bytes");
    await server.assertRefused(requestBytes(signedV2(request)), {
      status: 403,
      code: "SignatureDoesNotMatch",
    });
  });

  const put = (headers: HeaderField[] = []): RawRequest =>
    rawRequest("PUT", `/${bucket}/new`, { headers, body: "new bytes" });
  const refusals: readonly (readonly [string, () => RawRequest, Expectation])[] = [
    [
      "another secret",
      () =>
        signHeaderV2(
          put(),
          { ...signer, secretAccessKey: "x" },
          { milliseconds: startMilliseconds },
        ),
      {
        status: 403,
        code: "SignatureDoesNotMatch",
        fields: {
          AWSAccessKeyId: signer.accessKeyId,
          StringToSign: `PUT\n\n\nThu, 15 Jan 2026 12:00:00 GMT\n/${bucket}/new`,
        },
      },
    ],
    [
      "an unknown access key",
      () =>
        signHeaderV2(
          put(),
          { ...signer, accessKeyId: "AKIANO" },
          { milliseconds: startMilliseconds },
        ),
      { status: 403, code: "InvalidAccessKeyId" },
    ],
    [
      "no date",
      () => {
        const request = signedV2(put());
        return { ...request, headers: request.headers.filter(([name]) => name !== "Date") };
      },
      { status: 403, code: "AccessDenied", message: /requires a valid Date or x-amz-date header/ },
    ],
    [
      "a clock that is late",
      () => signedV2(put(), { milliseconds: startMilliseconds - 16 * 60_000 }),
      { status: 403, code: "RequestTimeTooSkewed" },
    ],
    [
      "no colon",
      () => withHeader(signedV2(put()), "Authorization", "AWS abc"),
      {
        status: 400,
        code: "InvalidArgument",
        message: "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
      },
    ],
    [
      "an x-amz header that was added",
      () => withHeader(signedV2(put()), "x-amz-storage-class", "GLACIER"),
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "a Content-MD5 that was added",
      () => withHeader(signedV2(put()), "Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="),
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "chunk signatures, which have nothing to hang on",
      () => signedV2(put([["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"]])),
      { status: 400, code: "InvalidRequest" },
    ],
    [
      "a digest that the body does not have",
      () => signedV2(put([["x-amz-content-sha256", "0".repeat(64)]])),
      { status: 400, code: "XAmzContentSHA256Mismatch" },
    ],
    [
      "a sub-resource that was added",
      () => {
        const request = signedV2(put());
        return { ...request, target: `${request.target}?acl` };
      },
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
  ];
  for (const [name, build, expected] of refusals) {
    test(`is refused with ${name}`, () => server.assertRefused(requestBytes(build()), expected));
  }
});

describe("Signature V2 in the query", () => {
  const expires = startMilliseconds / 1000 + 60;

  test("reads and writes, with the plus signs of base64 sent as blanks too", async () => {
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const path = `/${bucket}/v2-${attempt}`;
      const request = rawRequest("PUT", path, { body: "two" });
      await succeed(send(presignV2(request, signer, { expiresSeconds: expires })));
      const read = presignV2(rawRequest("GET", path), signer, { expiresSeconds: expires });
      const unescaped = read.target.replaceAll("%2B", "+");
      assert.equal((await succeed(send({ ...read, target: unescaped }))).text, "two");
      await succeed(server.send("DELETE", path));
    }
  });

  test("answers response-* overrides only when they were signed", async () => {
    const target = `/${bucket}/old?response-content-type=text%2Fx-odd`;
    const resource = `/${bucket}/old?response-content-type=text/x-odd`;
    const settings = { expiresSeconds: expires, resource };
    const signed = presignV2(rawRequest("GET", target), signer, settings);
    assert.equal((await succeed(send(signed))).headers.get("content-type"), "text/x-odd");
    const plain = presignV2(rawRequest("GET", `/${bucket}/old`), signer, settings);
    await server.assertRefused(requestBytes(plain), { status: 403, code: "SignatureDoesNotMatch" });
  });

  const put = rawRequest("PUT", `/${bucket}/new`, { body: "new" });
  const without = (name: string): RawRequest => {
    const request = presignV2(put, signer, { expiresSeconds: expires });
    const target = request.target.replace(new RegExp(`([?&])${name}=[^&]*&?`), "$1");
    return { ...request, target };
  };
  const refusals: readonly (readonly [string, () => RawRequest, Expectation])[] = [
    [
      "an end in the past",
      () => presignV2(put, signer, { expiresSeconds: expires - 61 }),
      {
        status: 403,
        code: "AccessDenied",
        message: "Request has expired",
        fields: { Expires: "2026-01-15T11:59:59Z", ServerTime: "2026-01-15T12:00:00Z" },
      },
    ],
    [
      "an end that is no number",
      () => presignV2(put, signer, { expiresSeconds: "soon" }),
      { status: 403, code: "AccessDenied", message: /^Invalid date/ },
    ],
    [
      "an end beyond 2038",
      () => presignV2(put, signer, { expiresSeconds: 2 ** 31 }),
      { status: 403, code: "AccessDenied", message: /^Invalid date/ },
    ],
    [
      "a later end than was signed",
      () => {
        const request = presignV2(put, signer, { expiresSeconds: expires });
        const target = request.target.replace(`Expires=${expires}`, `Expires=${expires + 1}`);
        return { ...request, target };
      },
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    [
      "a wrong signature",
      () => presignV2(put, { ...signer, secretAccessKey: "x" }, { expiresSeconds: expires }),
      { status: 403, code: "SignatureDoesNotMatch" },
    ],
    ["no Expires", () => without("Expires"), { status: 403, code: "AccessDenied" }],
    ["no Signature", () => without("Signature"), { status: 403, code: "AccessDenied" }],
    ["no access key", () => without("AWSAccessKeyId"), { status: 403, code: "AccessDenied" }],
    [
      "a V4 parameter beside it",
      () => {
        const request = presignV2(put, signer, { expiresSeconds: expires });
        return { ...request, target: `${request.target}&X-Amz-Algorithm=${encode("AWS4")}` };
      },
      { status: 400, code: "AuthorizationQueryParametersError" },
    ],
    [
      "an Authorization header beside it",
      () => {
        const request = presignV2(put, signer, { expiresSeconds: expires });
        return withHeader(request, "Authorization", headerOf(signedV2(put), "authorization"));
      },
      { status: 400, code: "InvalidArgument", message: /^Only one auth mechanism allowed/ },
    ],
  ];
  for (const [name, build, expected] of refusals) {
    test(`is refused with ${name}`, () => server.assertRefused(requestBytes(build()), expected));
  }
});
