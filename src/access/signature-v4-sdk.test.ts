// The official signer as the oracle: what it signs is verified, and no change of it is.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import * as fc from "fast-check";
import { ManualClock } from "../base/clock.ts";
import { S3Error } from "../model/errors.ts";
import { authenticate } from "./authenticate.ts";
import type { Authentication, SignedRequest } from "./authenticate.ts";
import type { AccountId, CanonicalId } from "./caller.ts";
import { rootCredentials } from "./credentials.ts";

const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const caller = {
  kind: "identified",
  accessKeyId,
  accountId: "000000000000" as AccountId,
  canonicalId: "0".repeat(64) as CanonicalId,
  displayName: "root",
  principal: { kind: "root", arn: "arn:aws:iam::123456789012:root", userId: "123456789012" },
} as const;
const credentials = rootCredentials(accessKeyId, secret, caller);
const exampleTime = Date.UTC(2013, 4, 24);

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function request(sent: Sent): SignedRequest {
  return {
    method: sent.method ?? "GET",
    rawPath: sent.path ?? "/",
    rawQuery: sent.query ?? "",
    headers: new Map(Object.entries(sent.headers ?? {})),
    virtualHostBucket: undefined,
    isEncrypted: false,
  };
}

function verify(sent: Sent): Authentication {
  const answer = authenticate(request(sent), {
    credentials,
    region: "us-east-1",
    clock: new ManualClock(exampleTime),
  });
  assert.ok(!(answer instanceof Promise));
  return answer;
}

function refusal(sent: Sent): S3Error {
  try {
    verify(sent);
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    return error;
  }
  return assert.fail("was accepted");
}

class NodeSha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      key === undefined
        ? createHash("sha256")
        : createHmac("sha256", typeof key === "string" ? key : Buffer.from(key as Uint8Array));
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

const signer = new SignatureV4({
  credentials: { accessKeyId, secretAccessKey: secret },
  region: "us-east-1",
  service: "s3",
  sha256: NodeSha256,
  uriEscapePath: false,
  applyChecksum: true,
});

function escapeStrictly(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

interface Unsigned {
  readonly method?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The request as the AWS SDK for JavaScript would send it. */
async function sign(unsigned: Unsigned, presign = false): Promise<Sent> {
  const path = `/bucket/${(unsigned.key ?? "key").split("/").map(escapeStrictly).join("/")}`;
  const message = {
    method: unsigned.method ?? "GET",
    protocol: "http:",
    hostname: "localhost",
    port: 9000,
    path,
    query: { ...unsigned.query },
    headers: { host: "localhost:9000", ...unsigned.headers },
  };
  const signingDate = new Date(exampleTime);
  const signed = presign
    ? await signer.presign(
        { ...message, headers: { ...message.headers, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" } },
        { signingDate, expiresIn: 60 },
      )
    : await signer.sign(message, { signingDate });
  const query = Object.entries(signed.query ?? {})
    .map(([name, value]) => `${escapeStrictly(name)}=${escapeStrictly(String(value))}`)
    .join("&");
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(signed.headers)) headers[name.toLowerCase()] = value;
  return { method: signed.method, path: signed.path, query, headers };
}

const textValue = fc.string({ unit: "grapheme", maxLength: 20 });
const headerValue = fc
  .string({ unit: "grapheme-ascii", maxLength: 20 })
  .map((value) => value.trim())
  .filter((value) => value !== "");
const unsignedRequest = fc.record({
  method: fc.constantFrom("GET", "PUT", "DELETE", "POST", "HEAD"),
  key: textValue,
  query: fc.dictionary(
    fc.string({ minLength: 1, maxLength: 8 }).filter((name) => !name.startsWith("__")),
    textValue,
    { maxKeys: 5 },
  ),
  headers: fc
    .dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), headerValue, { maxKeys: 4 })
    .map((fields) =>
      Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [`x-amz-meta-${name}`, value]),
      ),
    ),
});

/** Every change of something signed. */
const changes: readonly ((sent: Sent) => Sent)[] = [
  (sent) => ({ ...sent, method: `${sent.method}X` }),
  (sent) => ({ ...sent, path: `${sent.path}x` }),
  (sent) => ({ ...sent, path: `${sent.path}/` }),
  (sent) => ({ ...sent, path: (sent.path as string).replace("/bucket/", "/Bucket/") }),
  (sent) => ({ ...sent, query: sent.query === "" ? "acl" : `${sent.query}&acl` }),
  (sent) => ({ ...sent, headers: { ...sent.headers, host: "elsewhere" } }),
];

test("whatever the SDK signs is verified, and no change of it is", async () => {
  await fc.assert(
    fc.asyncProperty(unsignedRequest, fc.boolean(), async (unsigned, presign) => {
      const sent = await sign(unsigned, presign);
      const answer = verify(sent);
      assert.equal(answer.presigned, presign);
      for (const change of changes) {
        const code = refusal(change(sent)).code;
        assert.ok(["SignatureDoesNotMatch", "AccessDenied"].includes(code), code);
      }
      for (const name of Object.keys(sent.headers ?? {})) {
        if (!name.startsWith("x-amz-meta-")) continue;
        const headers = { ...sent.headers };
        headers[name] = `${headers[name]}x`;
        assert.equal(refusal({ ...sent, headers }).code, "SignatureDoesNotMatch");
        delete headers[name];
        assert.equal(refusal({ ...sent, headers }).code, "SignatureDoesNotMatch");
      }
    }),
    { numRuns: 150 },
  );
});

test("other spellings of the same path and query are the same request", async () => {
  const sent = await sign({ key: "a b~c/ü+", query: { prefix: "x y/~", z: "" } });
  const path = sent.path as string;
  const query = sent.query as string;
  const lowered = path.replaceAll(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase());
  verify({ ...sent, path: lowered });
  verify({ ...sent, path: path.replace("~", "%7E") });
  verify({ ...sent, path: path.replace("%C3%BC", "\u00c3\u00bc") });
  verify({ ...sent, path: path.replace("%20", "+") });
  verify({ ...sent, path: path.replace("/bucket/", "/%62ucket/") });
  verify({ ...sent, query: query.split("&").toReversed().join("&") });
  verify({ ...sent, query: query.replace("%20", "+").replace("%2F", "/") });
  verify({ ...sent, query: query.replace("z=", "z") });
});

test("header values are signed as bytes and without doubled blanks", async () => {
  const sent = await sign({ headers: { "x-amz-meta-a": "a b", "x-amz-meta-b": "ü" } });
  // The wire carries the two bytes of UTF-8, which arrive as two Latin-1 characters.
  const headers = { ...sent.headers, "x-amz-meta-a": "a   b", "x-amz-meta-b": "\u00c3\u00bc" };
  verify({ ...sent, headers });
});

test("a session token in a signed header is refused once the key is known", async () => {
  const signed = await sign({ headers: { "x-amz-security-token": "abc" } });
  const error = refusal(signed);
  assert.equal(error.code, "InvalidToken");
  assert.deepEqual(error.fields, { "Token-0": "abc" });
});
