// Settings of an upload that would have to act and do not yet: refused with S3's own errors rather
// than stored without effect.

import { S3Error } from "../../model/errors.ts";

export function notImplemented(header: string): S3Error {
  return new S3Error("NotImplemented", { fields: { Header: header } });
}
