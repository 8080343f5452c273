// What conditions and variables are looked up in.

export interface PolicyContext {
  /**
   * The values of a condition key; undefined where the request has none. The key is in lower case,
   * except that the name of an object's, bucket's or access point's tag keeps its case
   * (`s3:existingobjecttag/Project`), because those names are case-sensitive.
   */
  get(key: string): readonly string[] | undefined;
}

/** Families of keys whose last part is the name of a tag, in which S3 keeps upper and lower case. */
const tagFamilies: readonly string[] = [
  "s3:existingobjecttag/",
  "s3:requestobjecttag/",
  "s3:buckettag/",
  "s3:accesspointtag/",
];

/** The form in which keys are looked up: names of condition keys do not depend on case. */
export function normalizeContextKey(key: string): string {
  const lower = key.toLowerCase();
  const family = tagFamilies.find((prefix) => lower.startsWith(prefix));
  return family === undefined ? lower : family + key.slice(family.length);
}

/** `aws:sourceip` as it is, and `s3:existingobjecttag/` for every tag of that family. */
export function contextKeyFamily(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key.toLowerCase() : key.slice(0, slash + 1).toLowerCase();
}
