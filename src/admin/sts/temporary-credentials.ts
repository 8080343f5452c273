// Issues temporary credentials: a key pair, and a token that holds all that the server has to know.

import { sealSessionToken, type SessionToken } from "../../access/identities/session-tokens.ts";
import type { Credentials } from "../../model/sts.generated.ts";
import type { StsDependencies } from "./sts-action.ts";

/** What a session is; its keys and times are made here. */
export type NewSession = Omit<
  SessionToken,
  "v" | "accessKeyId" | "secret" | "issuedMilliseconds" | "expiresMilliseconds"
>;

export function issueCredentials(
  session: NewSession,
  durationSeconds: number,
  { identities, clock }: StsDependencies,
): Credentials {
  const { ids, sealer } = identities.database;
  const issuedMilliseconds = clock.now();
  const expiresMilliseconds = issuedMilliseconds + durationSeconds * 1000;
  const accessKeyId = ids.accessKeyId("ASIA");
  const secret = ids.secret();
  const token: SessionToken = {
    v: 1,
    accessKeyId,
    secret,
    issuedMilliseconds,
    expiresMilliseconds,
    ...session,
  };
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secret,
    SessionToken: sealSessionToken(sealer, token),
    Expiration: new Date(expiresMilliseconds),
  };
}
