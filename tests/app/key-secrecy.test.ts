// Nothing secret of key management stands on the disk or in the log in clear: not the key material, not
// the passphrase, not a data key, not what was encrypted.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { KMS } from "@aws-sdk/client-kms";
import { S3 } from "@aws-sdk/client-s3";
import { createServer, systemClock } from "../../src/app.ts";
import { parseMasterKeys } from "../../src/keys/master-key-document.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { loadMasterKeys } from "../../src/start-up/master-keys.ts";
import { Log } from "../../src/telemetry/log.ts";
import { TemporaryDirectory } from "./server-process.ts";

const passphrase = "a passphrase that no file may show";

interface Secret {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** As bytes, and in each form in which somebody might write them. */
function formsOf({ bytes }: Secret): readonly Buffer[] {
  const buffer = Buffer.from(bytes);
  const texts = [
    buffer.toString("base64"),
    buffer.toString("base64url"),
    buffer.toString("hex"),
    buffer.toString("hex").toUpperCase(),
  ];
  return [buffer, ...texts.map((text) => Buffer.from(text))];
}

function filesOf(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Encrypts, makes data keys, sends what is refused; answers what must not be found anywhere. */
async function useKeys(kms: KMS, s3: S3): Promise<readonly Secret[]> {
  const { KeyMetadata } = await kms.createKey({});
  const KeyId = KeyMetadata?.KeyId as string;
  const plaintext = Buffer.from("a plaintext that no file may show");
  const { CiphertextBlob } = await kms.encrypt({ KeyId, Plaintext: plaintext });
  const made = await kms.generateDataKey({ KeyId, KeySpec: "AES_256" });
  await kms.rotateKeyOnDemand({ KeyId });
  await kms.decrypt({ CiphertextBlob });
  const tooLong = Buffer.concat([plaintext, Buffer.alloc(4096)]);
  await assert.rejects(kms.encrypt({ KeyId, Plaintext: tooLong }), (error: Error) => {
    assert.ok(!error.message.includes(plaintext.toString("base64").slice(0, 20)));
    return true;
  });
  await s3.createBucket({ Bucket: "bucket" });
  const encryption = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: KeyId } as const;
  const body = "a body of an object that no file may show";
  await s3.putObject({ Bucket: "bucket", Key: "small", Body: body, ...encryption });
  const large = Buffer.from(body.repeat(5000));
  await s3.putObject({ Bucket: "bucket", Key: "large", Body: large, ...encryption });
  const read = await s3.getObject({ Bucket: "bucket", Key: "large" });
  assert.deepEqual(Buffer.from((await read.Body?.transformToByteArray()) ?? []), large);
  return [
    { name: "plaintext", bytes: plaintext },
    { name: "data key", bytes: made.Plaintext as Uint8Array },
    { name: "object", bytes: Buffer.from(body) },
  ];
}

describe("key management", () => {
  test("leaves nothing secret in the data directory, in the log or in an error", async () => {
    using directory = new TemporaryDirectory();
    let logged = "";
    const destination = { write: (lines: string) => void (logged += lines), bufferedBytes: 0 };
    const log = new Log({
      level: "debug",
      format: "json",
      clock: systemClock,
      requests: true,
      destination,
    });
    await using server = await createServer({
      store: { directory: directory.path },
      masterKey: { passphrase },
      log,
    });
    const settings = {
      endpoint: server.endpoint,
      region: server.region,
      credentials: server.credentials,
      maxAttempts: 1,
    };
    const kms = new KMS(settings);
    const s3 = new S3({ ...settings, forcePathStyle: true });
    const secrets = [...(await useKeys(kms, s3))];
    kms.destroy();
    s3.destroy();
    await server.close();
    const source = await loadMasterKeys(directory.path, passphrase);
    const { keys } = parseMasterKeys(source.document, undefined).keys;
    secrets.push(...keys.map(({ bytes }) => ({ name: "master key", bytes })));
    secrets.push({ name: "passphrase", bytes: Buffer.from(passphrase) });
    secrets.push(
      ...materialsOf(directory.path, new MasterKeyRing({ currentId: keys[0]?.id ?? "", keys })),
    );
    assert.ok(secrets.filter(({ name }) => name === "material").length >= 2);
    const places = filesOf(directory.path).map((path) => [path, readFileSync(path)] as const);
    assert.ok(places.some(([path]) => path.endsWith("metadata.sqlite")));
    for (const [place, content] of [...places, ["log", Buffer.from(logged)] as const]) {
      for (const secret of secrets) {
        const found = formsOf(secret).findIndex((form) => content.includes(form));
        assert.equal(found, -1, `${secret.name} in ${place}`);
      }
    }
  });
});

/** Opens every sealed text that stands in the store: the material of KMS keys among them. */
function materialsOf(directory: string, ring: MasterKeyRing): readonly Secret[] {
  const content = filesOf(directory)
    .filter((path) => path.includes("metadata.sqlite"))
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
  const records = content.matchAll(/"keyId":"([0-9a-f-]{36})".{0,4000}?"materials":(\[.*?\])/gs);
  const found = new Map<string, Secret>();
  for (const [, keyId = "", text = ""] of records) {
    for (const { number, sealed } of JSON.parse(text) as { number: number; sealed: string }[]) {
      const bytes = ring.open(sealed, `kms-key/${keyId}/${number}`);
      found.set(sealed, { name: "material", bytes });
    }
  }
  return [...found.values()];
}
