// Names of annotations: "letters (any language), digits (0-9), underscore (_), period (.), and hyphen (-)",
// 1 to 512 bytes, none that begins like AWS's own (User Guide, "Annotation naming rules").

import { S3Error } from "../../model/errors.ts";
import { annotationNameBytes } from "../../model/limits.ts";

const letters = /^[\p{L}0-9_.-]*$/u;
const reserved = /^(?:aws|s3)/i;

/** Throws S3Error AnnotationNameTooLong, InvalidAnnotationName. */
export function checkAnnotationName(name: string): void {
  if (Buffer.byteLength(name) > annotationNameBytes) throw new S3Error("AnnotationNameTooLong");
  if (!isAnnotationName(name)) throw new S3Error("InvalidAnnotationName");
}

/** Whether there can be an annotation of this name. */
export function isAnnotationName(name: string): boolean {
  return (
    name !== "" &&
    Buffer.byteLength(name) <= annotationNameBytes &&
    letters.test(name) &&
    !reserved.test(name)
  );
}

/** What no name can begin with, but for AWS's own. Throws S3Error InvalidPrefix. */
export function checkAnnotationPrefix(prefix: string): void {
  const isLong = Buffer.byteLength(prefix) > annotationNameBytes;
  if (isLong || !letters.test(prefix)) throw new S3Error("InvalidPrefix");
}
