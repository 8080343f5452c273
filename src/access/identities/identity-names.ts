// How IAM names things: patterns of names and paths, ARNs, unique ids. Messages are IAM's own.

import { IdentityError } from "./identity-error.ts";

/** IAM's kinds of unique ids, by the four characters that they begin with. */
export type IdPrefix = "AIDA" | "AGPA" | "AROA" | "ANPA";

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export type RandomBytes = (length: number) => Uint8Array;

export interface IdentityIds {
  /** 21 characters, as `AIDACKCEVSQ6C2EXAMPLE`. */
  uniqueId(prefix: IdPrefix): string;
  /** 20 characters; `ASIA` for temporary keys. */
  accessKeyId(prefix: "AKIA" | "ASIA"): string;
  /** 40 characters, 240 bits. */
  secret(): string;
  accountId(): string;
  canonicalId(): string;
}

export function createIdentityIds(randomBytes: RandomBytes): IdentityIds {
  // Both alphabets have a power of two of characters: every one is as likely.
  const text = (alphabet: string, length: number): string => {
    let made = "";
    for (const byte of randomBytes(length)) made += alphabet[byte % alphabet.length];
    return made;
  };
  return {
    uniqueId: (prefix) => prefix + text(base32, 17),
    accessKeyId: (prefix) => prefix + text(base32, 16),
    secret: () => text(secretAlphabet, 40),
    // 40 bits for 12 digits: what the remainder favours is nothing to an attacker.
    accountId: () => {
      const bytes = Buffer.from(randomBytes(6));
      return String(bytes.readUIntBE(0, 6) % 1_000_000_000_000).padStart(12, "0");
    },
    canonicalId: () => Buffer.from(randomBytes(32)).toString("hex"),
  };
}

export const rootArn = (accountId: string): string => `arn:aws:iam::${accountId}:root`;

export function identityArn(
  accountId: string,
  kind: "user" | "group" | "role" | "policy",
  path: string,
  name: string,
): string {
  return `arn:aws:iam::${accountId}:${kind}${path}${name}`;
}

export const mfaDeviceArn = (accountId: string, path: string, name: string): string =>
  `arn:aws:iam::${accountId}:mfa${path}${name}`;

/** `url` without its scheme, as IAM keeps it. */
export const oidcProviderArn = (accountId: string, url: string): string =>
  `arn:aws:iam::${accountId}:oidc-provider/${url}`;

export const assumedRoleArn = (accountId: string, roleName: string, session: string): string =>
  `arn:aws:sts::${accountId}:assumed-role/${roleName}/${session}`;

export const federatedUserArn = (accountId: string, name: string): string =>
  `arn:aws:sts::${accountId}:federated-user/${name}`;

/** Throws IdentityError ValidationError. `member` as the API names it: `userName`. */
export function checkName(value: string, member: string, maximumLength: number): void {
  checkLength(value, member, 1, maximumLength);
  if (!/^[\w+=,.@-]+$/.test(value)) {
    throw new IdentityError(
      "ValidationError",
      `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`,
    );
  }
}

export const userNameLength = 64;
export const groupNameLength = 128;
export const roleNameLength = 64;
export const policyNameLength = 128;

/** The path as it is stored: `/` when none was given. */
export function checkPath(path: string | undefined): string {
  if (path === undefined) return "/";
  checkLength(path, "path", 1, 512);
  if (!/^(?:\/|\/[\x21-\x7e]+\/)$/.test(path)) {
    throw new IdentityError(
      "ValidationError",
      "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.",
    );
  }
  return path;
}

/** The prefix of a listing; all paths begin with `/`. */
export function checkPathPrefix(prefix: string | undefined): string {
  if (prefix === undefined) return "/";
  checkLength(prefix, "pathPrefix", 1, 512);
  if (!/^\/[\x21-\x7e]*$/.test(prefix)) {
    throw new IdentityError(
      "ValidationError",
      "The specified value for pathPrefix is invalid. It must begin with / and contain only alphanumeric characters and/or / characters.",
    );
  }
  return prefix;
}

export function checkLength(value: string, member: string, minimum: number, maximum: number): void {
  if (value.length < minimum) {
    throw validationError(
      value,
      member,
      `Member must have length greater than or equal to ${minimum}`,
    );
  }
  if (value.length > maximum) {
    throw validationError(
      value,
      member,
      `Member must have length less than or equal to ${maximum}`,
    );
  }
}

/** How the AWS services word what breaks a constraint of their model. */
export function validationError(value: string, member: string, constraint: string): IdentityError {
  return new IdentityError(
    "ValidationError",
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}
