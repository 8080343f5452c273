// A whole server and the official client of KMS for one test file.

import assert from "node:assert/strict";
import { after } from "node:test";
import { KMS, KMSServiceException } from "@aws-sdk/client-kms";
import { ManualClock, type ServerOptions } from "../../src/app.ts";
import { startTestServer, type TestServer } from "../s3/test-server.ts";

export interface KmsTest extends TestServer {
  readonly kms: KMS;
  readonly newKey: () => Promise<{ readonly keyId: string; readonly arn: string }>;
}

export async function startKmsTest(options: ServerOptions = {}): Promise<KmsTest> {
  const test = await startTestServer(options);
  const { endpoint, region, credentials } = test.server;
  const kms = new KMS({ endpoint, region, credentials, maxAttempts: 1 });
  after(() => kms.destroy());
  return {
    ...test,
    kms,
    async newKey() {
      const { KeyMetadata } = await kms.createKey({});
      return { keyId: KeyMetadata?.KeyId as string, arn: KeyMetadata?.Arn as string };
    },
  };
}

/** Asserts that KMS refuses with this error. */
export async function assertKmsRefuses(
  request: Promise<unknown>,
  name: string,
  message?: string | RegExp,
): Promise<void> {
  try {
    await request;
  } catch (error) {
    assert.ok(error instanceof KMSServiceException, String(error));
    assert.equal(error.name, name, error.message);
    if (typeof message === "string") assert.equal(error.message, message);
    else if (message !== undefined) assert.match(error.message, message);
    return;
  }
  assert.fail(`was not refused with ${name}`);
}

export function manualClock(): ManualClock {
  return new ManualClock(Date.now());
}
