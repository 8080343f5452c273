import assert from "node:assert/strict";
import { constants, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { describe, test } from "node:test";
import { isSignedByAny, parseToken, type PublishedKey } from "./json-web-token.ts";

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = (namedCurve: string): Pair => generateKeyPairSync("ec", { namedCurve });
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: -1 };
const p1363 = { dsaEncoding: "ieee-p1363" } as const;

const cases: readonly {
  readonly algorithm: string;
  readonly hash: string | null;
  readonly pair: Pair;
  readonly options?: object;
}[] = [
  ...["256", "384", "512"].flatMap((bits) => [
    { algorithm: `RS${bits}`, hash: `sha${bits}`, pair: rsa },
    { algorithm: `PS${bits}`, hash: `sha${bits}`, pair: rsa, options: pss },
  ]),
  { algorithm: "ES256", hash: "sha256", pair: ec("P-256"), options: p1363 },
  { algorithm: "ES384", hash: "sha384", pair: ec("P-384"), options: p1363 },
  { algorithm: "ES512", hash: "sha512", pair: ec("P-521"), options: p1363 },
  { algorithm: "EdDSA", hash: null, pair: generateKeyPairSync("ed25519") },
  { algorithm: "EdDSA", hash: null, pair: generateKeyPairSync("ed448") },
];

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function tokenOf(
  { algorithm, hash, pair, options = {} }: (typeof cases)[number],
  header: object = {},
): string {
  const text = `${encode({ alg: algorithm, kid: "one", ...header })}.${encode({ sub: "me" })}`;
  const key = { key: pair.privateKey, ...options };
  return `${text}.${sign(hash, Buffer.from(text), key).toString("base64url")}`;
}

function publish({ publicKey }: Pair, more: object = {}): PublishedKey {
  return { ...publicKey.export({ format: "jwk" }), kid: "one", ...more };
}

function isSigned(token: string, ...keys: readonly PublishedKey[]): boolean {
  const parsed = parseToken(token);
  return parsed !== undefined && isSignedByAny(parsed, keys);
}

describe("signatures of every algorithm", () => {
  for (const each of cases) {
    const { algorithm, pair } = each;
    test(`${algorithm} with ${pair.publicKey.asymmetricKeyType ?? ""}`, () => {
      const token = tokenOf(each);
      assert.ok(isSigned(token, publish(pair)));
      assert.ok(isSigned(token, publish(pair, { alg: algorithm, use: "sig" })));
      const [header, , signature] = token.split(".");
      const forged = `${header}.${encode({ sub: "you" })}.${signature}`;
      assert.ok(!isSigned(forged, publish(pair)), "other claims");
      assert.ok(!isSigned(token, publish(pair, { kid: "two" })), "another key's id");
      assert.ok(!isSigned(token, publish(pair, { use: "enc" })), "a key for encryption");
      assert.ok(!isSigned(token, publish(pair, { alg: "other" })), "a key for something else");
      assert.ok(!isSigned(token), "no key");
      for (const other of cases) {
        if (other.pair === pair) continue;
        assert.ok(!isSigned(token, publish(other.pair)), `a key of ${other.algorithm}`);
      }
    });
  }

  test("the padding of a signature is what the algorithm says", () => {
    const [plain, padded] = ["RS256", "PS256"].map((name) =>
      cases.find(({ algorithm }) => algorithm === name),
    );
    assert.ok(plain !== undefined && padded !== undefined);
    assert.ok(!isSigned(tokenOf(plain, { alg: "PS256" }), publish(rsa)));
    assert.ok(!isSigned(tokenOf(padded, { alg: "RS256" }), publish(rsa)));
  });
});

describe("tokens that prove nothing", () => {
  const good = { algorithm: "RS256", hash: "sha256", pair: rsa };

  test("are not even read", () => {
    for (const text of ["", "a.b", "a.b.c", `${tokenOf(good)}.x`, `${tokenOf(good)}=`]) {
      assert.equal(parseToken(text), undefined, text);
    }
    for (const alg of ["none", "HS256", "toString", "", 1, null]) {
      assert.equal(parseToken(tokenOf(good, { alg })), undefined, String(alg));
    }
    assert.equal(parseToken(tokenOf(good, { crit: ["exp"] })), undefined);
    assert.equal(parseToken(tokenOf(good, { kid: 1 })), undefined);
  });

  test("a key that comes with the token counts for nothing", () => {
    const own = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const token = tokenOf({ ...good, pair: own }, { jwk: publish(own) });
    assert.ok(!isSigned(token, publish(rsa)));
  });

  test("a short RSA key is none", () => {
    const short = generateKeyPairSync("rsa", { modulusLength: 1024 });
    assert.ok(!isSigned(tokenOf({ ...good, pair: short }), publish(short)));
  });

  test("a damaged key among others does no harm", () => {
    const damaged = { kty: "RSA", kid: "one", n: "!", e: "AQAB" };
    assert.ok(!isSigned(tokenOf(good), damaged));
    assert.ok(isSigned(tokenOf(good), damaged, publish(rsa)));
  });

  test("without a key id every key of the kind is tried", () => {
    const token = tokenOf(good, { kid: undefined });
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
    assert.ok(isSigned(token, publish(other, { kid: "two" }), publish(rsa, { kid: "three" })));
  });
});
