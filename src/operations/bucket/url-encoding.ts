// `encoding-type=url` of the listings: keys as a form would send them, slashes left alone, so that
// every key fits into XML.

import { S3Error } from "../../model/errors.ts";

/** A function that encodes names as the request asked. Throws S3Error InvalidArgument. */
export function nameEncoder(
  encodingType: string | undefined,
): <Name extends string | undefined>(name: Name) => Name {
  if (encodingType === undefined || encodingType === "") return (name) => name;
  if (encodingType.toLowerCase() !== "url") {
    throw new S3Error("InvalidArgument", {
      message: "Invalid Encoding Method specified in Request",
      fields: { ArgumentName: "encoding-type", ArgumentValue: encodingType },
    });
  }
  // The cast only repeats that undefined stays undefined and a string a string.
  return (name) => (name === undefined ? name : encodeName(name)) as typeof name;
}

const plainName = /^[A-Za-z0-9\-_./*]*$/;

function encodeName(name: string): string {
  if (plainName.test(name)) return name;
  return encodeURIComponent(name)
    .replaceAll("%2F", "/")
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
