// A server whose clock is moved by hand, with a client that signs by the same clock, and buckets with
// object lock.

import { S3 } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

export interface LockServer extends TestServer {
  readonly clock: ManualClock;
  /** A client whose time is the server's. */
  readonly now: () => S3;
  /** So many days from the server's present. */
  readonly inDays: (days: number) => Date;
  /** With object lock, and thus versioning. */
  readonly newLockedBucket: () => Promise<string>;
  /** Uploads under a retention; the version's id. */
  readonly putRetained: (
    Bucket: string,
    Key: string,
    mode: "GOVERNANCE" | "COMPLIANCE",
    days: number,
  ) => Promise<string>;
}

export const dayMilliseconds = 86_400_000;

/** S3's words for everything that a lock forbids. */
export const locked = {
  code: "AccessDenied",
  status: 403,
  message: "Access Denied because object protected by object lock.",
};

export async function startLockServer(): Promise<LockServer> {
  const clock = new ManualClock(Date.now());
  const started = await startTestServer({ clock });
  const now = (): S3 => started.client({ systemClockOffset: clock.now() - Date.now() });
  const inDays = (days: number): Date => new Date(clock.now() + days * dayMilliseconds);
  return {
    ...started,
    clock,
    now,
    inDays,
    async newLockedBucket() {
      const Bucket = started.newBucketName();
      await now().createBucket({ Bucket, ObjectLockEnabledForBucket: true });
      return Bucket;
    },
    async putRetained(Bucket, Key, mode, days) {
      const { VersionId = "" } = await now().putObject({
        Bucket,
        Key,
        Body: "kept",
        ObjectLockMode: mode,
        ObjectLockRetainUntilDate: inDays(days),
      });
      return VersionId;
    },
  };
}
