// The command with a Vault behind TLS, whose certificate only `--kms-ca` makes trusted; in one process
// and in workers. Its secrets come from the environment.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import {
  rootAccessKey,
  rootClient,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "../app/server-process.ts";
import { testCertificate, testKey } from "../http/test-certificate.ts";
import { assertRefused } from "../s3/test-server.ts";
import { VaultServer } from "./vault-server.ts";

const vault = await VaultServer.start({ key: testKey, cert: testCertificate });
after(() => vault[Symbol.asyncDispose]());
const environment = {
  HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
  HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
  HOLDFAST_KMS_VAULT_TOKEN: vault.rootToken,
};

describe("the command with --kms vault", () => {
  for (const workers of ["1", "2"]) {
    test(`trusts the authority of --kms-ca, with ${workers} worker(s)`, async () => {
      using directory = new TemporaryDirectory();
      const authority = join(directory.path, "ca.pem");
      writeFileSync(authority, testCertificate);
      const parameters = ["--data", directory.path, "--port", "0", "--admin-port", "off"];
      parameters.push("--workers", workers, "--kms", "vault", "--kms-endpoint", vault.endpoint);
      const put = {
        Bucket: "bucket",
        Key: "a",
        Body: "text",
        ServerSideEncryption: "aws:kms",
      } as const;
      {
        await using trusting = new ServerProcess(
          [...parameters, "--kms-ca", authority],
          environment,
        );
        const s3 = rootClient(await trusting.endpoint());
        await s3.createBucket({ Bucket: "bucket" });
        const { SSEKMSKeyId } = await s3.putObject(put);
        assert.match(SSEKMSKeyId ?? "", /:key\/holdfast-default$/);
        const read = await s3.getObject({ Bucket: "bucket", Key: "a" });
        assert.equal(await read.Body?.transformToString(), "text");
        s3.destroy();
        trusting.child.kill("SIGTERM");
        assert.equal((await trusting.ended()).code, 0);
      }
      await using strict = new ServerProcess(parameters, environment);
      const s3 = rootClient(await strict.endpoint());
      await assertRefused(s3.putObject(put), { code: "ServiceUnavailable", status: 503 });
      s3.destroy();
      assert.ok(!`${strict.output}${strict.errors}`.includes(vault.rootToken));
    });
  }
});
