// Signature V4 in the Authorization header, from the socket to the store: who is let in, the exact words
// in which everybody else is refused, and that a refusal changes nothing.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import { headerOf, rawRequest, requestBytes, withHeader, type Expectation } from "./raw-client.ts";
import { startMilliseconds, startRawServer } from "./raw-server.ts";
import { signHeaderV4, type HeaderField, type RawRequest } from "./raw-signer.ts";

const server = await startRawServer();
const { bucket, signer } = server;
const minute = 60_000;

function put(headers: readonly HeaderField[] = []): RawRequest {
  return rawRequest("PUT", `/${bucket}/new`, { headers, body: "new bytes" });
}

function signed(
  request: RawRequest,
  settings: Partial<Parameters<typeof signHeaderV4>[2]> = {},
): RawRequest {
  const milliseconds = server.clock.now();
  return signHeaderV4(request, signer, { milliseconds, ...settings }).request;
}

class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    const secret = key === undefined || typeof key === "string" ? key : Buffer.from(key as Buffer);
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

test("the signer of these tests agrees with the SDK's", async () => {
  const sdk = new SignatureV4({
    service: "s3",
    region: signer.region,
    credentials: signer,
    sha256: Sha256,
    uriEscapePath: false,
  });
  const request = rawRequest("PUT", "/b/a%20b/%C3%A9?x=1&acl", { body: "text" });
  const ours = signed(request);
  const theirs = await sdk.sign(
    {
      method: "PUT",
      protocol: "http:",
      hostname: "127.0.0.1",
      path: "/b/a%20b/%C3%A9",
      query: { x: "1", acl: "" },
      headers: { host: "127.0.0.1" },
      body: "text",
    },
    { signingDate: new Date(server.clock.now()) },
  );
  assert.equal(headerOf(ours, "authorization"), theirs.headers["authorization"]);
});

const scope = "20260115/us-east-1/s3/aws4_request";
const threeComponents =
  "The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.";

function withAuthorization(change: (value: string) => string): RawRequest {
  const request = signed(put());
  return withHeader(request, "Authorization", change(headerOf(request, "authorization")));
}

const refusals: readonly (readonly [string, () => RawRequest, Expectation])[] = [
  [
    "an unknown access key",
    () =>
      signHeaderV4(
        put(),
        { ...signer, accessKeyId: "AKIANOBODYKNOWSIT000" },
        { milliseconds: startMilliseconds },
      ).request,
    {
      status: 403,
      code: "InvalidAccessKeyId",
      message: "The AWS Access Key Id you provided does not exist in our records.",
      fields: { AWSAccessKeyId: "AKIANOBODYKNOWSIT000" },
    },
  ],
  [
    "no signature at all",
    () => put(),
    { status: 403, code: "AccessDenied", message: "Access Denied" },
  ],
  [
    "a clock 16 minutes behind",
    () => signed(put(), { milliseconds: startMilliseconds - 16 * minute }),
    {
      status: 403,
      code: "RequestTimeTooSkewed",
      message: "The difference between the request time and the current time is too large.",
      fields: {
        RequestTime: "20260115T114400Z",
        ServerTime: "2026-01-15T12:00:00Z",
        MaxAllowedSkewMilliseconds: "900000",
      },
    },
  ],
  [
    "a clock 16 minutes ahead",
    () => signed(put(), { milliseconds: startMilliseconds + 16 * minute }),
    { status: 403, code: "RequestTimeTooSkewed" },
  ],
  [
    "a scope of another region",
    () => signed(put(), { region: "eu-west-1" }),
    {
      status: 400,
      code: "AuthorizationHeaderMalformed",
      message:
        "The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'",
      fields: { Region: "us-east-1" },
    },
  ],
  [
    "a scope of another service",
    () => signed(put(), { service: "ec2" }),
    {
      status: 400,
      code: "AuthorizationHeaderMalformed",
      message:
        'The authorization header is malformed; incorrect service "ec2". This endpoint belongs to "s3".',
    },
  ],
  [
    "a scope with another end",
    () => signed(put(), { terminal: "aws5_request" }),
    {
      status: 400,
      code: "AuthorizationHeaderMalformed",
      message: /incorrect terminal "aws5_request"\. This endpoint uses "aws4_request"\.$/,
    },
  ],
  [
    "a scope of another day",
    () => signed(put(), { scopeDate: "20260114" }),
    {
      status: 400,
      code: "AuthorizationHeaderMalformed",
      message: /Invalid credential date "20260114"/,
    },
  ],
  [
    "a scope whose date is none",
    () => signed(put(), { scopeDate: "2026-115" }),
    {
      status: 400,
      code: "AuthorizationHeaderMalformed",
      message: /incorrect date format "2026-115"/,
    },
  ],
  [
    "a scope of four pieces",
    () => withAuthorization((value) => value.replace("/s3/", "/")),
    { status: 400, code: "AuthorizationHeaderMalformed", message: /the Credential is mal-formed/ },
  ],
  [
    "an authorization of two components",
    () => withAuthorization((value) => value.replace(/, SignedHeaders=[^,]*/, "")),
    { status: 400, code: "AuthorizationHeaderMalformed", message: threeComponents },
  ],
  [
    "an authorization of four components",
    () => withAuthorization((value) => `${value}, Signature=0`),
    { status: 400, code: "AuthorizationHeaderMalformed", message: threeComponents },
  ],
  [
    "an authorization with an empty signature",
    () => withAuthorization((value) => value.replace(/Signature=.*$/, "Signature=")),
    { status: 400, code: "AuthorizationHeaderMalformed", message: /missing Signature/ },
  ],
  [
    "an authorization with a component of another name",
    () => withAuthorization((value) => value.replace("Signature=", "Signatur=")),
    { status: 400, code: "AuthorizationHeaderMalformed" },
  ],
  [
    "another mechanism of the same family",
    () => withAuthorization((value) => value.replace("HMAC-SHA256", "ECDSA-P256-SHA256")),
    {
      status: 400,
      code: "InvalidRequest",
      message:
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    },
  ],
  [
    "an authorization of another type",
    () => withAuthorization(() => "Bearer abcdef"),
    {
      status: 400,
      code: "InvalidArgument",
      message: "Unsupported Authorization Type",
      fields: { ArgumentName: "Authorization", ArgumentValue: "Bearer abcdef" },
    },
  ],
  [
    "an authorization without a blank",
    () => withAuthorization(() => "AWS4"),
    { status: 400, code: "InvalidArgument", message: /one and only one ' ' \(space\) required/ },
  ],
  [
    "two Authorization headers",
    () => {
      const request = signed(put());
      const second = ["Authorization", headerOf(request, "authorization")] as const;
      return { ...request, headers: [...request.headers, second] };
    },
    { status: 400, code: "AuthorizationHeaderMalformed" },
  ],
  [
    "a header and a presigned query at once",
    () => signed({ ...put(), target: `/${bucket}/new?X-Amz-Algorithm=AWS4-HMAC-SHA256` }),
    { status: 400, code: "InvalidArgument", message: /^Only one auth mechanism allowed/ },
  ],
  [
    "an x-amz header that is not signed",
    () => signed(put([["x-amz-meta-a", "b"]]), { unsigned: ["x-amz-meta-a"] }),
    {
      status: 403,
      code: "AccessDenied",
      message: "There were headers present in the request which were not signed",
      fields: { HeadersNotSigned: "x-amz-meta-a" },
    },
  ],
  [
    "a Host that is not signed",
    () => signed(put(), { unsigned: ["host"] }),
    { status: 403, code: "AccessDenied", fields: { HeadersNotSigned: "host" } },
  ],
  [
    "a signed header that did not arrive",
    () => {
      const request = signed(put([["x-amz-meta-a", "b"]]));
      const headers = request.headers.filter(([name]) => name !== "x-amz-meta-a");
      return { ...request, headers };
    },
    { status: 403, code: "SignatureDoesNotMatch" },
  ],
  [
    "no x-amz-content-sha256",
    () => {
      const request = signed(put());
      const headers = request.headers.filter(([name]) => name !== "x-amz-content-sha256");
      return { ...request, headers };
    },
    {
      status: 400,
      code: "InvalidRequest",
      message: "Missing required header for this request: x-amz-content-sha256",
    },
  ],
  [
    "an x-amz-content-sha256 that is no digest",
    () => signed(put([["x-amz-content-sha256", "abc"]])),
    {
      status: 400,
      code: "InvalidArgument",
      message: /^x-amz-content-sha256 must be UNSIGNED-PAYLOAD, /,
      fields: { ArgumentName: "x-amz-content-sha256", ArgumentValue: "abc" },
    },
  ],
  [
    "a date that is none",
    () => signed(put([["x-amz-date", "yesterday"]])),
    {
      status: 403,
      code: "AccessDenied",
      message: "AWS authentication requires a valid Date or x-amz-date header",
    },
  ],
  [
    "two x-amz-date headers",
    () => {
      const request = signed(put());
      const second = ["x-amz-date", headerOf(request, "x-amz-date")] as const;
      return { ...request, headers: [...request.headers, second] };
    },
    { status: 403, code: "AccessDenied" },
  ],
  [
    "a security token that nobody issued",
    () => signed(put([["x-amz-security-token", "AQoDYXdzEPT"]])),
    { status: 400, code: "InvalidToken", fields: { "Token-0": "AQoDYXdzEPT" } },
  ],
  [
    "a signed digest that the body does not have",
    () => ({ ...signed(put()), body: Buffer.from("evil byte") }),
    {
      status: 400,
      code: "XAmzContentSHA256Mismatch",
      message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
      fields: {
        ClientComputedContentSHA256: createHash("sha256").update("new bytes").digest("hex"),
        S3ComputedContentSHA256: createHash("sha256").update("evil byte").digest("hex"),
      },
    },
  ],
];

const spaced = (text: string): string =>
  Buffer.from(text, "latin1")
    .toString("hex")
    .replaceAll(/(..)(?=.)/g, "$1 ");

describe("a signature in the header is refused", () => {
  for (const [name, build, expected] of refusals) {
    test(`with ${name}`, () => server.assertRefused(requestBytes(build()), expected));
  }

  test("when a large body does not have the signed digest, and its blob is gone", async () => {
    const request = signed(
      rawRequest("PUT", `/${bucket}/new`, { body: Buffer.alloc(300_000, "a") }),
    );
    const evil = { ...request, body: Buffer.alloc(300_000, "b") };
    const expected = { status: 400, code: "XAmzContentSHA256Mismatch" };
    await server.assertRefused(requestBytes(evil), expected);
  });

  test("when the secret is another, with everything that helps to find out why", async () => {
    const other = { ...signer, secretAccessKey: "wrong" };
    const { request, canonicalRequest, stringToSign, seed } = signHeaderV4(put(), other, {
      milliseconds: startMilliseconds,
    });
    const answer = await server.refusal(requestBytes(request), {
      status: 403,
      code: "SignatureDoesNotMatch",
      message:
        "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      fields: {
        AWSAccessKeyId: signer.accessKeyId,
        StringToSign: stringToSign,
        SignatureProvided: seed.signature,
        StringToSignBytes: spaced(stringToSign),
        CanonicalRequest: canonicalRequest,
        CanonicalRequestBytes: spaced(canonicalRequest),
      },
    });
    assert.ok(stringToSign.includes(scope));
    assert.ok(!answer.text.includes(signer.secretAccessKey));
  });

  const tampered: readonly (readonly [string, (request: RawRequest) => RawRequest])[] = [
    ["the method", (request) => ({ ...request, method: "DELETE", target: `/${bucket}/old` })],
    ["the path", (request) => ({ ...request, target: `/${bucket}/old` })],
    ["the query", (request) => ({ ...request, target: `${request.target}?tagging` })],
    ["the Host", (request) => withHeader(request, "Host", "other.example.com")],
    ["a signed header", (request) => withHeader(request, "x-amz-meta-a", "c")],
    ["the case of the signature", (request) => flipSignature(request)],
  ];
  for (const [name, tamper] of tampered) {
    test(`when ${name} was changed on the way`, () =>
      server.assertRefused(requestBytes(tamper(signed(put([["x-amz-meta-a", "b"]])))), {
        status: 403,
        code: "SignatureDoesNotMatch",
      }));
  }
});

function flipSignature(request: RawRequest): RawRequest {
  const value = headerOf(request, "authorization");
  const upper = value.replace(
    /Signature=(.*)$/,
    (_, hex: string) => `Signature=${hex.toUpperCase()}`,
  );
  assert.notEqual(upper, value);
  return withHeader(request, "Authorization", upper);
}

describe("without any signature", () => {
  const targets = ["/", `/${bucket}`, `/${bucket}/old`, `/${bucket}/none`, `/${bucket}/none?acl`];
  for (const target of targets) {
    test(`GET ${target} says nothing but Access Denied`, () =>
      server.assertRefused(requestBytes(rawRequest("GET", target)), {
        status: 403,
        code: "AccessDenied",
        message: "Access Denied",
      }));
  }

  // S3 says it to everybody: that is how people find out which names of buckets are taken.
  test("a bucket that is not there is NoSuchBucket", () =>
    server.assertRefused(requestBytes(rawRequest("GET", "/no-such-bucket")), {
      status: 404,
      code: "NoSuchBucket",
    }));

  test("HEAD is refused without a body", async () => {
    const bytes = requestBytes(rawRequest("HEAD", `/${bucket}/old`));
    await server.assertRefused(bytes, { status: 403 }, { method: "HEAD" });
  });
});
