import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../base/clock.ts";
import { IdentityError } from "../identities/identity-error.ts";
import type { OidcProviderRecord } from "../identities/identity-records.ts";
import type { AccountId } from "../caller.ts";
import { IssuerKeys } from "./issuer-keys.ts";
import type { ParsedToken } from "./json-web-token.ts";

const hour = 3_600_000;

/** A provider behind `fetch`, whose documents a test changes. */
class FakeProvider {
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly documents = new Map<string, object | string | number>();
  readonly keys = new IssuerKeys(this.clock, async (url, init) => this.#answer(url, init));
  requests = 0;

  constructor() {
    this.documents.set("https://idp.example/.well-known/openid-configuration", {
      issuer: "https://idp.example",
      jwks_uri: "https://keys.example/set",
    });
    this.publish("one");
  }

  publish(...ids: readonly string[]): void {
    const keys = ids.map((kid) => ({ kty: "RSA", kid }));
    this.documents.set("https://keys.example/set", { keys });
  }

  async find(keyId: string): Promise<readonly (string | undefined)[]> {
    const found = await this.keys.keysFor(provider, { ...token, keyId });
    return found.map(({ kid }) => kid);
  }

  async refuses(keyId: string, code: string): Promise<void> {
    await assert.rejects(this.find(keyId), (error) => {
      assert.ok(error instanceof IdentityError, String(error));
      assert.equal(error.code, code);
      return true;
    });
  }

  async #answer(url: string, init: RequestInit): Promise<Response> {
    this.requests += 1;
    assert.equal(init.redirect, "error");
    assert.ok(init.signal !== undefined, "bounded in time");
    const document = this.documents.get(url);
    if (document === undefined) throw new TypeError("fetch failed");
    if (typeof document === "number") return new Response("", { status: document });
    return new Response(typeof document === "string" ? document : JSON.stringify(document));
  }
}

const provider: OidcProviderRecord = {
  v: 1,
  accountId: "123456789012" as AccountId,
  url: "idp.example",
  scheme: "https",
  clientIds: ["client"],
  thumbprints: [],
  createdMilliseconds: 0,
  tags: [],
};

const token: ParsedToken = {
  algorithm: "RS256",
  keyId: "one",
  claims: {},
  signedText: "",
  signature: new Uint8Array(0),
};

describe("keys of an issuer", () => {
  test("are fetched once an hour, and once for all who ask at the same time", async () => {
    const fake = new FakeProvider();
    await Promise.all([fake.find("one"), fake.find("one"), fake.find("one")]);
    assert.equal(fake.requests, 2, "discovery and key set");
    fake.clock.advance(hour - 1);
    assert.deepEqual(await fake.find("one"), ["one"]);
    assert.equal(fake.requests, 2);
    fake.clock.advance(1);
    await fake.find("one");
    assert.equal(fake.requests, 4);
  });

  test("a new key is found at once; made-up ones make no flood of requests", async () => {
    const fake = new FakeProvider();
    await fake.find("one");
    fake.clock.advance(10_000);
    fake.publish("two");
    assert.deepEqual(await fake.find("two"), ["two"]);
    await fake.refuses("one", "InvalidIdentityToken");
    for (let count = 0; count < 50; count += 1) {
      await fake.refuses(`invented-${count}`, "InvalidIdentityToken");
    }
    assert.equal(fake.requests, 4);
    fake.clock.advance(10_000);
    await fake.refuses("invented", "InvalidIdentityToken");
    assert.equal(fake.requests, 6);
  });

  test("serve for a day while the issuer is away, and no longer", async () => {
    const fake = new FakeProvider();
    await fake.find("one");
    fake.documents.clear();
    fake.clock.advance(24 * hour - 1);
    assert.deepEqual(await fake.find("one"), ["one"]);
    fake.clock.advance(1);
    await fake.refuses("one", "IDPCommunicationError");
    const { requests } = fake;
    await fake.refuses("one", "IDPCommunicationError");
    assert.equal(fake.requests, requests, "not asked again so soon");
  });

  test("a clock that is set back locks nobody out", async () => {
    const fake = new FakeProvider();
    await fake.find("one");
    fake.publish("two");
    fake.clock.advance(-hour);
    assert.deepEqual(await fake.find("two"), ["two"]);
  });
});

describe("documents that an issuer must not send", () => {
  const discovery = "https://idp.example/.well-known/openid-configuration";
  const set = "https://keys.example/set";
  const cases: readonly (readonly [string, string, object | string | number, string])[] = [
    ["an error", discovery, 500, "IDPCommunicationError"],
    ["no JSON", discovery, "<html>", "InvalidIdentityToken"],
    ["another issuer's", discovery, { issuer: "https://b", jwks_uri: set }, "InvalidIdentityToken"],
    ["no key set", discovery, { issuer: "https://idp.example" }, "InvalidIdentityToken"],
    [
      "keys in clear",
      discovery,
      { issuer: "https://idp.example", jwks_uri: "http://keys.example/set" },
      "InvalidIdentityToken",
    ],
    [
      "keys of this machine",
      discovery,
      { issuer: "https://idp.example", jwks_uri: "file:///etc/passwd" },
      "InvalidIdentityToken",
    ],
    ["no keys", set, { keys: {} }, "InvalidIdentityToken"],
    ["odd keys", set, { keys: [null, 1, "key", []] }, "InvalidIdentityToken"],
    ["too much", set, " ".repeat(600_000), "IDPCommunicationError"],
  ];
  for (const [name, url, document, code] of cases) {
    test(name, async () => {
      const fake = new FakeProvider();
      fake.documents.set(url, document);
      await fake.refuses("one", code);
    });
  }
});
