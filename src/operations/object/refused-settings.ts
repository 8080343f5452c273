// Settings of a request that would have to act and do not: refused with S3's own error rather than stored
// without effect.

import { S3Error } from "../../model/errors.ts";

export function notImplemented(header: string): S3Error {
  return new S3Error("NotImplemented", { fields: { Header: header } });
}
