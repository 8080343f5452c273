// The configuration: what options and variables mean, what is refused, and that help tells it all.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { settings } from "../../src/config-settings.ts";
import {
  ConfigurationError,
  formatHelp,
  formatMarkdownTable,
  parseInvocation,
} from "../../src/config.ts";
import { settleServerSettings } from "../../src/server-settings.ts";
import { kmsSourceOf } from "../../src/start-up/key-services.ts";

function configurationOf(parameters: readonly string[], environment = {}) {
  return parseInvocation(parameters, environment).configuration;
}

function sourceOf(parameters: readonly string[], environment = {}) {
  return kmsSourceOf(configurationOf(parameters, environment));
}

function refusalOf(parameters: readonly string[], environment = {}): string {
  try {
    parseInvocation(parameters, environment);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    assert.doesNotMatch(error.message, /\n/, "one line");
    return error.message;
  }
  throw new Error("not refused");
}

describe("configuration", () => {
  test("has defaults that serve on this machine alone", () => {
    const configuration = configurationOf([]);
    assert.equal(configuration.dataDirectory, "./data");
    assert.equal(configuration.host, "127.0.0.1");
    assert.equal(configuration.port, 9000);
    assert.equal(configuration.adminPort, 9001);
    assert.equal(configuration.region, "us-east-1");
    assert.equal(configuration.durability, "strict");
    assert.equal(configuration.rootAccessKey, undefined);
    assert.ok(configuration.workers >= 1);
    assert.ok(Object.isFrozen(configuration));
  });

  test("takes every setting from its environment variable, and the option wins", () => {
    const variables = {
      HOLDFAST_DATA: "/srv/a",
      HOLDFAST_PORT: "1",
      HOLDFAST_ADMIN_PORT: "off",
      HOLDFAST_MEMORY: "true",
      HOLDFAST_DOMAIN: "S3.example.com, s3.example.org",
      HOLDFAST_DRAIN_TIMEOUT: "1500ms",
      HOLDFAST_ROOT_ACCESS_KEY: "KEY",
      HOLDFAST_ROOT_SECRET_KEY: "secret-secret",
    };
    const configuration = configurationOf(["--port", "2", "--data=/srv/b"], variables);
    assert.equal(configuration.port, 2);
    assert.equal(configuration.dataDirectory, "/srv/b");
    assert.equal(configuration.adminPort, undefined);
    assert.equal(configuration.isMemoryStore, true);
    assert.deepEqual(configuration.domains, ["s3.example.com", "s3.example.org"]);
    assert.equal(configuration.drainTimeoutMilliseconds, 1500);
    assert.equal(configuration.rootSecretKey, "secret-secret");
  });

  test("reads switches, lists and times", () => {
    const configuration = configurationOf(
      ["--domain", "a.test", "--domain", "b.test", "--no-memory", "--idle-timeout", "2m"],
      { HOLDFAST_MEMORY: "1" },
    );
    assert.deepEqual(configuration.domains, ["a.test", "b.test"]);
    assert.equal(configuration.isMemoryStore, false);
    assert.equal(configuration.idleTimeoutMilliseconds, 120_000);
  });

  test("ignores what Kubernetes sets for a service named holdfast", () => {
    assert.equal(configurationOf([], { HOLDFAST_PORT: "tcp://10.0.0.1:9000" }).port, 9000);
  });

  test("knows its commands, wherever help is asked for", () => {
    assert.equal(parseInvocation([], {}).command, "serve");
    assert.equal(parseInvocation(["check", "--data", "x"], {}).command, "check");
    assert.equal(parseInvocation(["serve", "--help"], {}).command, "help");
    assert.equal(parseInvocation(["-v"], {}).command, "version");
  });

  test("refuses what it does not understand, in one line that names it", () => {
    const cases: readonly (readonly [readonly string[], Record<string, string>, RegExp])[] = [
      [["--nonsense"], {}, /unknown option --nonsense/],
      [["--__proto__", "x"], {}, /unknown option/],
      [["frobnicate"], {}, /unknown command "frobnicate"/],
      [["serve", "extra"], {}, /unknown command "extra"/],
      [["--port"], {}, /--port needs a value/],
      [["--port", "--host"], {}, /--port needs a value/],
      [["--port", "65536"], {}, /--port must be a whole number from 0 to 65535, not "65536"/],
      [["--port", "1e3"], {}, /--port must be/],
      [["--port="], {}, /--port must be/],
      [[], { HOLDFAST_PORT: "-1" }, /HOLDFAST_PORT must be/],
      [["--memory=yes"], {}, /--memory takes no value/],
      [[], { HOLDFAST_MEMORY: "maybe" }, /HOLDFAST_MEMORY must be true or false/],
      [["--durability", "lax"], {}, /--durability must be one of strict, relaxed/],
      [["--region", "EU West"], {}, /--region must be a region name/],
      [["--domain", "under_score"], {}, /--domain must be a domain name/],
      [["--drain-timeout", "soon"], {}, /--drain-timeout must be a time/],
      [["--drain-timeout", "999999h"], {}, /--drain-timeout must be a time/],
      [["--data", ""], {}, /--data must not be empty/],
      [["--workers", "0"], {}, /--workers must be/],
      [["--memory", "--workers", "2"], {}, /--memory works with one worker only/],
      [["--tls-key", "k"], {}, /must be given together/],
      [["--port", "9001"], {}, /--port and --admin-port must differ/],
      [[], { HOLDFAST_ROOT_ACCESS_KEY: "KEY" }, /must be set together/],
    ];
    for (const [parameters, environment, expected] of cases) {
      assert.match(refusalOf(parameters, environment), expected);
    }
  });

  test("takes no secret from the command line, and repeats none", () => {
    const given = refusalOf(["--root-secret-key", "hunter2hunter2"]);
    assert.match(given, /set HOLDFAST_ROOT_SECRET_KEY/);
    assert.doesNotMatch(given, /hunter2/);
    const short = refusalOf([], {
      HOLDFAST_ROOT_ACCESS_KEY: "KEY",
      HOLDFAST_ROOT_SECRET_KEY: "short",
    });
    assert.match(short, /HOLDFAST_ROOT_SECRET_KEY must be 8 to 256/);
    assert.doesNotMatch(short, /"short"/);
  });

  test("makes out of its settings who keeps the keys", () => {
    assert.deepEqual(sourceOf([]), { kind: "local" });
    const vault = ["--kms", "vault", "--kms-endpoint", "https://vault.test:8200"];
    assert.deepEqual(sourceOf(vault, { HOLDFAST_KMS_VAULT_TOKEN: "t" }), {
      kind: "vault",
      endpoint: "https://vault.test:8200",
      mount: "transit",
      login: { kind: "token", token: { text: "t" } },
    });
    const byRole = ["--kms-vault-role-id", "r", "--kms-vault-secret-id-file", "/run/secret"];
    assert.deepEqual(sourceOf([...vault, ...byRole]), {
      kind: "vault",
      endpoint: "https://vault.test:8200",
      mount: "transit",
      login: { kind: "app-role", mount: "approle", roleId: "r", secretId: { file: "/run/secret" } },
    });
    const pair = { HOLDFAST_KMS_ACCESS_KEY: "A", HOLDFAST_KMS_SECRET_KEY: "s" };
    assert.deepEqual(sourceOf(["--kms", "aws", "--kms-default-key", "alias/k"], pair), {
      kind: "aws",
      defaultKey: "alias/k",
      credentials: { accessKeyId: "A", secretAccessKey: "s" },
    });
    assert.throws(() => sourceOf(["--kms", "vault"]), /needs --kms-endpoint/);
    assert.throws(() => sourceOf(vault), /needs a token/);
    assert.throws(
      () => sourceOf([...vault, ...byRole], { HOLDFAST_KMS_VAULT_TOKEN: "t" }),
      /token/,
    );
    assert.throws(() => sourceOf(["--kms", "aws"]), /HOLDFAST_KMS_ACCESS_KEY/);
    assert.match(refusalOf(["--kms-endpoint", "vault.test"]), /must be a URL/);
    assert.match(refusalOf(["--kms-vault-token", "t"]), /set HOLDFAST_KMS_VAULT_TOKEN/);
  });

  test("gives every process that serves the same settings, which are plain and hold no secret", () => {
    const configuration = configurationOf(["--region", "eu-south-2", "--sse-c", "allowed"], {
      HOLDFAST_ROOT_ACCESS_KEY: "KEY",
      HOLDFAST_ROOT_SECRET_KEY: "secret-secret",
    });
    const { region, customerKeys, ...others } = settleServerSettings(configuration);
    assert.deepEqual({ region, customerKeys }, { region: "eu-south-2", customerKeys: "allowed" });
    const { region: _, customerKeys: __, ...usual } = settleServerSettings({ host: undefined });
    assert.deepEqual(others, usual, "a library's defaults are those of the command line");
    assert.doesNotMatch(JSON.stringify(others), /KEY|secret/);
    const sent: unknown = JSON.parse(JSON.stringify(others));
    assert.deepEqual({ lifecycleDaySeconds: undefined, ...(sent as object) }, others);
  });

  test("is told whole by help and by the table of the README", () => {
    for (const text of [formatHelp(), formatMarkdownTable()]) {
      for (const setting of Object.values(settings)) {
        assert.ok(text.includes(setting.environment), setting.environment);
        if (setting.option !== undefined) assert.ok(text.includes(`--${setting.option}`));
      }
    }
    const names = Object.values(settings).map((setting) => setting.environment);
    assert.equal(new Set(names).size, names.length, "no name twice");
    for (const line of formatHelp().split("\n")) assert.ok(line.length <= 100, line);
  });
});
