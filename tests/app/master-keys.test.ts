// The master keys of a server: made once, safely among racing processes, sealed by a passphrase or
// given from outside, rotated beside a running server, and missed when they are gone.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createServer } from "../../src/app.ts";
import { ConfigurationError } from "../../src/setting-kinds.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { checkMasterKeys, MasterKeyMissingError } from "../../src/keys/master-key-witnesses.ts";
import type { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import {
  findMasterKeys,
  loadMasterKeys,
  openMasterKeyRing,
  rotateMasterKey,
  type MasterKeySource,
} from "../../src/start-up/master-keys.ts";
import {
  rootAccessKey,
  rootSecretKey,
  runCommand,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

const passphrase = "a passphrase that no file may show";
const environment = {
  HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
  HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
};
const freePorts = ["--port", "0", "--admin-port", "0"];
const secret = Buffer.from("secret");

function ringOf(source: MasterKeySource, failures: unknown[] = []): MasterKeyRing {
  return openMasterKeyRing(source, (error) => failures.push(error));
}

function fileOf(directory: TemporaryDirectory): string {
  return join(directory.path, "master-keys.json");
}

function keyTextOf(directory: TemporaryDirectory): string {
  const document = JSON.parse(readFileSync(fileOf(directory), "utf8")) as {
    readonly keys: readonly { readonly key: string }[];
  };
  return document.keys[0]?.key as string;
}

describe("the master keys of a data directory", () => {
  test("are made once, for the server's user alone", async () => {
    using directory = new TemporaryDirectory();
    const first = ringOf(await loadMasterKeys(directory.path, undefined));
    assert.equal(statSync(fileOf(directory)).mode & 0o777, 0o600);
    chmodSync(fileOf(directory), 0o644);
    const second = ringOf(await loadMasterKeys(directory.path, undefined));
    assert.equal(statSync(fileOf(directory)).mode & 0o777, 0o600);
    assert.deepEqual(second.open(first.seal(secret, "c"), "c"), secret);
    assert.deepEqual(readdirSync(directory.path), ["master-keys.json"]);
  });

  test("are the same for all that make them at the same time", async () => {
    using directory = new TemporaryDirectory();
    const sources = await Promise.all(
      Array.from({ length: 8 }, () => loadMasterKeys(directory.path, undefined)),
    );
    assert.equal(new Set(sources.map((source) => ringOf(source).currentId)).size, 1);
    assert.deepEqual(readdirSync(directory.path), ["master-keys.json"]);
  });

  test("are sealed by a passphrase, which is needed from then on", async () => {
    using directory = new TemporaryDirectory();
    const ring = ringOf(await loadMasterKeys(directory.path, passphrase));
    const sealed = ring.seal(secret, "c");
    const again = ringOf(await loadMasterKeys(directory.path, passphrase));
    assert.deepEqual(again.open(sealed, "c"), secret);
    for (const wrong of [undefined, "another passphrase"]) {
      await assert.rejects(loadMasterKeys(directory.path, wrong), (error: Error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /master-keys\.json is sealed by (?:a|another) passphrase/);
        assert.doesNotMatch(error.message, /\n|no file may show|another passphrase that/);
        return true;
      });
    }
  });

  test("that stood in clear are sealed when a passphrase is given", async () => {
    using directory = new TemporaryDirectory();
    const ring = ringOf(await loadMasterKeys(directory.path, undefined));
    const keyText = keyTextOf(directory);
    const sealedRings = await Promise.all(
      [1, 2].map(async () => ringOf(await loadMasterKeys(directory.path, passphrase))),
    );
    for (const name of readdirSync(directory.path)) {
      const content = readFileSync(join(directory.path, name), "latin1");
      assert.ok(!content.includes(keyText), name);
      assert.ok(!content.includes(passphrase), name);
    }
    for (const sealedRing of sealedRings) {
      assert.deepEqual(sealedRing.open(ring.seal(secret, "c"), "c"), secret);
    }
  });

  test("that are damaged are neither used nor replaced", async () => {
    using directory = new TemporaryDirectory();
    await loadMasterKeys(directory.path, undefined);
    const whole = readFileSync(fileOf(directory), "utf8");
    for (const damaged of ["", "{}", whole.slice(0, -20)]) {
      writeFileSync(fileOf(directory), damaged);
      await assert.rejects(loadMasterKeys(directory.path, undefined), ConfigurationError);
      assert.equal(readFileSync(fileOf(directory), "utf8"), damaged);
    }
  });

  test("lose none when several processes rotate them, and running ones find each", async () => {
    using directory = new TemporaryDirectory();
    const running = ringOf(await loadMasterKeys(directory.path, passphrase));
    const early = running.seal(secret, "c");
    const ids = await Promise.all(
      [1, 2, 3].map(() => rotateMasterKey(directory.path, { passphrase })),
    );
    const fresh = ringOf(await loadMasterKeys(directory.path, passphrase));
    assert.deepEqual(fresh.open(early, "c"), secret);
    assert.deepEqual(running.open(fresh.seal(secret, "c"), "c"), secret);
    for (const id of ids) {
      assert.ok(fresh.hasKey(id));
      assert.ok(running.hasKey(id));
    }
    assert.equal(running.currentId, fresh.currentId);
  });

  test("stay in use when their file becomes unreadable while a server runs", async () => {
    using directory = new TemporaryDirectory();
    const failures: unknown[] = [];
    const ring = ringOf(await loadMasterKeys(directory.path, undefined), failures);
    writeFileSync(fileOf(directory), "nonsense");
    ring.refresh();
    ring.refresh();
    assert.equal(failures.length, 1, "told once");
    assert.deepEqual(ring.open(ring.seal(secret, "c"), "c"), secret);
  });
});

describe("master keys given from outside", () => {
  test("leave nothing in the data directory", async () => {
    using directory = new TemporaryDirectory();
    const store = { directory: directory.path };
    const keys = [randomBytes(32)];
    await using server = await createServer({ store, masterKey: { keys } });
    await server.close();
    assert.ok(!readdirSync(directory.path).some((name) => name.startsWith("master-keys")));
    await using again = await createServer({
      store,
      masterKey: { keys: [randomBytes(32), ...keys] },
    });
    await again.close();
    await assert.rejects(createServer({ store, masterKey: { keys } }), MasterKeyMissingError);
    await assert.rejects(createServer({ store }), MasterKeyMissingError);
  });
});

describe("a store that was used with a master key", () => {
  test("is refused without it", async () => {
    const store = new MemoryKeyValueStore();
    const [first, second] = [
      ringOf(await findMasterKeys(undefined, undefined)),
      ringOf(await findMasterKeys(undefined, undefined)),
    ];
    await checkMasterKeys(store, first);
    await checkMasterKeys(store, first);
    await assert.rejects(checkMasterKeys(store, second), (error: Error) => {
      assert.ok(error instanceof MasterKeyMissingError);
      assert.ok(error.message.includes(first.currentId));
      return true;
    });
  });
});

describe("the command", () => {
  test("refuses a directory whose master keys are gone or sealed, in one line", async () => {
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, "--workers", "2", ...freePorts];
    const sealed = { ...environment, HOLDFAST_MASTER_KEY_PASSPHRASE: passphrase };
    await using server = new ServerProcess(parameters, sealed);
    await server.endpoint();
    server.child.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
    const without = await runCommand(parameters, environment);
    const wrong = await runCommand(parameters, {
      ...sealed,
      HOLDFAST_MASTER_KEY_PASSPHRASE: "a wrong passphrase",
    });
    assert.equal(without.code, 2);
    assert.match(without.errors, /^holdfast: .*sealed by a passphrase; give the passphrase.*\n$/);
    assert.match(wrong.errors, /^holdfast: .*sealed by another passphrase, or damaged.*\n$/);
    assert.doesNotMatch(wrong.errors, /a wrong passphrase/);
    rmSync(fileOf(directory));
    const gone = await runCommand(parameters, sealed);
    assert.equal(gone.code, 1);
    assert.match(gone.errors, /holdfast: the store holds data that is sealed by master key \w{8}/);
    assert.doesNotMatch(gone.errors, /    at /, "no stack");
    for (const { output, errors } of [without, wrong, gone, server]) {
      assert.ok(!output.includes(passphrase) && !errors.includes(passphrase));
    }
  });

  test("rotates the keys of a running server", async () => {
    using directory = new TemporaryDirectory();
    const passphraseFile = join(directory.path, "passphrase");
    writeFileSync(passphraseFile, `${passphrase}\n`);
    const parameters = ["--data", directory.path, "--master-key-passphrase-file", passphraseFile];
    await using server = new ServerProcess([...parameters, ...freePorts], environment);
    await server.endpoint();
    const rotated = await runCommand(["rotate-master-key", ...parameters]);
    assert.equal(rotated.code, 0, rotated.errors);
    const id = /Master key ([0-9a-f]{8}) was added/.exec(rotated.output)?.[1];
    const ring = ringOf(await loadMasterKeys(directory.path, passphrase));
    assert.equal(ring.currentId, id);
    const none = await runCommand(["rotate-master-key", "--data", join(directory.path, "none")]);
    assert.equal(none.code, 2);
    assert.match(none.errors, /there is no master-keys\.json/);
  });

  test("takes the master key from a file", async () => {
    using directory = new TemporaryDirectory();
    const keyFile = join(directory.path, "key");
    const parameters = ["--data", join(directory.path, "data"), "--master-key-file", keyFile];
    const missing = await runCommand([...parameters, ...freePorts], environment);
    assert.match(missing.errors, /--master-key-file: cannot read .* \(ENOENT\)/);
    writeFileSync(keyFile, "hunter2");
    const wrong = await runCommand([...parameters, ...freePorts], environment);
    assert.match(wrong.errors, /does not hold 32 bytes/);
    assert.doesNotMatch(wrong.errors, /hunter2/);
    writeFileSync(keyFile, randomBytes(32).toString("hex"));
    await using server = new ServerProcess([...parameters, ...freePorts], environment);
    await server.endpoint();
    assert.ok(!readdirSync(join(directory.path, "data")).some((name) => name.includes("key")));
    const both = await runCommand(parameters, {
      ...environment,
      HOLDFAST_MASTER_KEY_PASSPHRASE: passphrase,
    });
    assert.match(both.errors, /only one can be given/);
    const rotated = await runCommand(["rotate-master-key", ...parameters]);
    assert.match(rotated.errors, /rotated by hand/);
  });
});
