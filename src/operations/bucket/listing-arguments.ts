// Arguments that the listings share, and the bounds that S3 gives them.

import { S3Error } from "../../model/errors.ts";
import { listedKeys, queryInteger } from "../../model/limits.ts";

/** Entries per page: at most 1,000, however many are asked for. Throws S3Error InvalidArgument. */
export function pageLimit(asked: number | undefined, argument: string): number {
  if (asked === undefined) return listedKeys;
  if (asked < 0 || asked > queryInteger) {
    const name = argument.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    throw new S3Error("InvalidArgument", {
      message: `Argument ${name} must be an integer between 0 and ${queryInteger}`,
      fields: { ArgumentName: argument, ArgumentValue: asked },
    });
  }
  return Math.min(asked, listedKeys);
}

/** S3 treats an empty delimiter, marker or prefix as if it had not been sent. */
export function given(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

/** Tokens are opaque to clients: the last name of the page before, in base64. */
export function encodeToken(name: string): string {
  return Buffer.from(`1${name}`, "utf8").toString("base64url");
}

/** Throws S3Error InvalidArgument for what no answer ever held. */
export function decodeToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (text.startsWith("1") && encodeToken(text.slice(1)) === token) return text.slice(1);
  throw new S3Error("InvalidArgument", {
    message: "The continuation token provided is incorrect",
    fields: { ArgumentName: "continuation-token" },
  });
}

/** The number of the part after which a page begins. Throws S3Error InvalidArgument. */
export function parsePartNumberMarker(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  const marker = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (marker <= queryInteger) return marker;
  throw new S3Error("InvalidArgument", {
    message: "Provided part-number-marker not an integer or within integer range",
    fields: { ArgumentName: "part-number-marker", ArgumentValue: text },
  });
}
