// Who is asking. Made by authentication, read by authorization, operations and the audit log.

export type Caller =
  | { readonly kind: "anonymous" }
  | {
      readonly kind: "account";
      readonly accessKeyId: string;
      readonly accountId: AccountId;
      /** The account's 64-digit canonical user id, as S3 prints it in Owner and Initiator. */
      readonly canonicalId: CanonicalId;
      readonly displayName: string;
    };

/** Twelve digits. */
export type AccountId = string & { readonly brand: "AccountId" };
/** 64 lower-case hexadecimal digits. */
export type CanonicalId = string & { readonly brand: "CanonicalId" };
