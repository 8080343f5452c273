// Who is asking. Made by authentication, read by authorization, operations and the audit log.

import type { IdentityPolicies } from "./identity-policies.ts";

export type Caller = AnonymousCaller | IdentifiedCaller;

export interface AnonymousCaller {
  readonly kind: "anonymous";
}

/** Somebody whose signature held. */
export interface IdentifiedCaller {
  readonly kind: "identified";
  readonly accessKeyId: string;
  /** The account that the principal belongs to. */
  readonly accountId: AccountId;
  /** The account's 64-digit canonical user id, as S3 prints it in Owner and Initiator. */
  readonly canonicalId: CanonicalId;
  readonly displayName: string;
  readonly principal: Principal;
  /**
   * Absent: the root of its account, which may do everything that the account may. A root whose key or
   * session is narrowed has them.
   */
  readonly policies?: IdentityPolicies;
}

/** Whom S3 names as the owner of what was uploaded without a signature ("ACL overview"). */
export const anonymousCanonicalId = "65a011a29cdf8ec533ec3d1ccaae921c" as CanonicalId;

/** By which canonical id owners and grants name the caller. */
export function canonicalIdOf(caller: Caller): CanonicalId {
  return caller.kind === "anonymous" ? anonymousCanonicalId : caller.canonicalId;
}

/** Which identity of the account it is, as IAM and STS name it. */
export interface Principal {
  readonly kind: "root" | "user" | "role-session" | "federated-user";
  /** `arn:aws:iam::<account>:root`, `…:user/<path><name>`, `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
  readonly arn: string;
  /** The unique id: `AIDA…`, `AROA…:<session>`; the account's id for its root. */
  readonly userId: string;
  readonly userName?: string;
  /** Of the role that a session assumed. */
  readonly roleArn?: string;
  /** Tags of the user or role, those of the session over them. */
  readonly tags?: readonly (readonly [key: string, value: string])[];
  readonly session?: SessionFacts;
}

/** What is known of a principal with temporary credentials. */
export interface SessionFacts {
  readonly issuedMilliseconds: number;
  readonly expiresMilliseconds: number;
  /** When a second factor was given; absent: never. */
  readonly mfaMilliseconds?: number;
  readonly sourceIdentity?: string;
  /** Condition keys of a web identity, in lower case: `<issuer>:sub`, `<issuer>:aud`, … */
  readonly federatedKeys?: Readonly<Record<string, string>>;
  /** Tags that pass on to the sessions that this one asks for. */
  readonly transitiveTagKeys?: readonly string[];
}

/** Twelve digits. */
export type AccountId = string & { readonly brand: "AccountId" };
/** 64 lower-case hexadecimal digits. */
export type CanonicalId = string & { readonly brand: "CanonicalId" };
