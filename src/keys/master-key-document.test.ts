import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { createMasterKeys, parseExternalMasterKeys, withNewMasterKey } from "./master-key.ts";
import {
  derivePassphraseKey,
  formatMasterKeys,
  MasterKeyDocumentError,
  parseMasterKeys,
} from "./master-key-document.ts";

const keys = withNewMasterKey(createMasterKeys(0), 1000);
const passphraseKey = derivePassphraseKey("correct horse");

function refusalOf(...input: Parameters<typeof parseMasterKeys>): string {
  try {
    parseMasterKeys(...input);
  } catch (error) {
    assert.ok(error instanceof MasterKeyDocumentError, String(error));
    return error.message;
  }
  return assert.fail("was not refused");
}

describe("the document of the master keys", () => {
  test("is read as it was written", () => {
    const read = parseMasterKeys(formatMasterKeys(keys, undefined), undefined);
    assert.deepEqual(read, { keys, sealedBy: undefined });
    assert.equal(read.keys.keys[1]?.created, "1970-01-01T00:00:01.000Z");
  });

  test("shows nothing of its keys when a passphrase seals it", () => {
    const text = formatMasterKeys(keys, passphraseKey);
    for (const { id, bytes } of keys.keys) {
      assert.ok(!text.includes(id));
      assert.ok(!text.includes(Buffer.from(bytes).toString("base64")));
    }
    assert.ok(!text.includes(Buffer.from(passphraseKey.bytes).toString("base64")));
    assert.deepEqual(parseMasterKeys(text, { passphrase: "correct horse" }), {
      keys,
      sealedBy: { ...passphraseKey, bytes: Buffer.from(passphraseKey.bytes) },
    });
    assert.deepEqual(parseMasterKeys(text, { key: passphraseKey }).keys, keys);
  });

  test("takes the same passphrase from every keyboard", () => {
    const text = formatMasterKeys(keys, derivePassphraseKey("caf\u00e9"));
    assert.deepEqual(parseMasterKeys(text, { passphrase: "cafe\u0301" }).keys, keys);
  });

  test("says what is wrong, and never what it holds", () => {
    const sealed = formatMasterKeys(keys, passphraseKey);
    const clear = formatMasterKeys(keys, undefined);
    const [first] = keys.keys;
    const keyText = Buffer.from(first?.bytes ?? []).toString("base64");
    const otherKey = randomBytes(32).toString("base64");
    assert.match(refusalOf(sealed, undefined), /sealed by a passphrase/);
    assert.match(refusalOf(sealed, { passphrase: "wrong" }), /another passphrase, or damaged/);
    const otherSalt = derivePassphraseKey("correct horse");
    assert.match(refusalOf(sealed, { key: otherSalt }), /new passphrase/);
    assert.match(refusalOf(clear.replace('"version": 1', '"version": 2'), undefined), /newer/);
    const damages = [
      "",
      "null",
      "[]",
      clear.slice(0, -10),
      clear.replace(keyText, otherKey),
      clear.replace(keyText, "AAAA"),
      clear.replace(/"current": "\w+"/, '"current": "00000000"'),
      JSON.stringify({ version: 1, current: "a", keys: [null] }),
      sealed.replace("scrypt", "none"),
      sealed.replace(/"cost": \d+/, '"cost": 1073741824'),
      sealed.replace(/"blockSize": \d+/, '"blockSize": "8"'),
    ];
    for (const damaged of damages) {
      const message = refusalOf(damaged, { passphrase: "correct horse" });
      assert.match(message, /damaged/, damaged);
      assert.ok(!message.includes(keyText.slice(0, 8)));
    }
  });
});

describe("master keys from outside", () => {
  test("are one on a line in either notation, the first current", () => {
    const [current, earlier] = [randomBytes(32), randomBytes(32)];
    const read = parseExternalMasterKeys(
      `${current.toString("base64")}\n\n  ${earlier.toString("hex").toUpperCase()}  \n`,
    );
    assert.deepEqual(
      read?.keys.map(({ bytes }) => bytes),
      [current, earlier],
    );
    assert.equal(read?.currentId, read?.keys[0]?.id);
    assert.deepEqual(parseExternalMasterKeys(current.toString("hex"))?.currentId, read?.currentId);
  });

  test("are refused when they are anything else", () => {
    const good = randomBytes(32).toString("base64");
    for (const text of ["", "\n", "secret", good.slice(4), `${good}=`, `${good}\nx`]) {
      assert.equal(parseExternalMasterKeys(text), undefined, text);
    }
  });
});
