// The second factor of a call to STS: a device's serial number and one of its codes.

import { IdentityError } from "../../access/identities/identity-error.ts";
import { validationError } from "../query/query-error.ts";
import type { SignedStsContext } from "./sts-action.ts";

/**
 * When the factor was given: now; `undefined` when the call carries none. Throws IdentityError
 * AccessDenied.
 */
export async function verifyMfa(
  input: { readonly SerialNumber?: string | undefined; readonly TokenCode?: string | undefined },
  { caller, identities, clock }: SignedStsContext,
): Promise<number | undefined> {
  const { SerialNumber, TokenCode } = input;
  if (SerialNumber === undefined && TokenCode === undefined) return undefined;
  if (SerialNumber === undefined || TokenCode === undefined) {
    throw validationError("Both SerialNumber and TokenCode must be given.");
  }
  const { accountId, principal } = caller;
  const isOwner = principal.kind === "user" || principal.kind === "root";
  const isGood =
    isOwner &&
    (await identities.mfaDevices.verify(
      { accountId, ownerId: principal.userId },
      SerialNumber,
      TokenCode,
    ));
  if (isGood) return clock.now();
  throw new IdentityError(
    "AccessDenied",
    "MultiFactorAuthentication failed with invalid MFA one time pass code. ",
  );
}
