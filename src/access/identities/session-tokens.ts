// Session tokens of temporary credentials: everything that the server has to know of a session, sealed,
// so that nothing is stored and any process can open it.

import { deflateRawSync, inflateRawSync } from "node:zlib";
import { KeySealError, type Sealer } from "../../keys/sealer.ts";
import type { AccountId } from "../caller.ts";
import type { Tag } from "./identity-records.ts";

export interface SessionToken {
  readonly v: 1;
  /** `ASIA…`. */
  readonly accessKeyId: string;
  readonly secret: string;
  readonly accountId: AccountId;
  /** `user` and `root` are GetSessionToken's. */
  readonly kind: "role-session" | "user" | "root" | "federated-user";
  /** Id of the role or user; the account's id for its root. */
  readonly principalId: string;
  /** Of a role's session or a federated user. */
  readonly sessionName?: string;
  readonly issuedMilliseconds: number;
  readonly expiresMilliseconds: number;
  readonly mfaMilliseconds?: number;
  readonly sourceIdentity?: string;
  readonly federatedKeys?: Readonly<Record<string, string>>;
  readonly tags?: readonly Tag[];
  readonly transitiveTagKeys?: readonly string[];
  /** Session policies: documents, and ARNs of managed ones. Absent: nothing narrows. */
  readonly policies?: SessionPolicies;
  /** Issued to a session: may not be renewed for longer than an hour. */
  readonly isChained?: true;
}

export interface SessionPolicies {
  readonly document?: string;
  readonly arns?: readonly string[];
}

const context = "session-token";
/** Many times what a token of all that STS allows holds. */
const longestContentBytes = 256 * 1024;
const longestTokenCharacters = 64 * 1024;

export function sealSessionToken(sealer: Sealer, token: SessionToken): string {
  return sealer.seal(deflateRawSync(Buffer.from(JSON.stringify(token), "utf8")), context);
}

/** `undefined` for what this server never sealed. */
export function openSessionToken(sealer: Sealer, text: string): SessionToken | undefined {
  if (text.length > longestTokenCharacters) return undefined;
  let sealed: Uint8Array;
  try {
    sealed = sealer.open(text, context);
  } catch (error) {
    if (error instanceof KeySealError) return undefined;
    throw error;
  }
  const content = inflateRawSync(sealed, { maxOutputLength: longestContentBytes });
  const token = JSON.parse(content.toString("utf8")) as SessionToken;
  // A newer Holdfast may say what this one must not ignore.
  return token.v === 1 ? token : undefined;
}
