// The storage classes in the order in which lifecycle moves objects: from where a byte costs most to
// keep to where it costs least, and from where an object may go on where.

/**
 * What Guide, "Transitioning objects using Amazon S3 Lifecycle", allows. A class that is not here, of
 * whatever server wrote it, goes nowhere.
 */
const nextClasses: Readonly<Record<string, readonly string[]>> = {
  STANDARD: [
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
  ],
  REDUCED_REDUNDANCY: [
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
  ],
  STANDARD_IA: ["INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"],
  INTELLIGENT_TIERING: ["ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"],
  ONEZONE_IA: ["GLACIER", "DEEP_ARCHIVE"],
  GLACIER_IR: ["GLACIER", "DEEP_ARCHIVE"],
  GLACIER: ["DEEP_ARCHIVE"],
};

/** The order of that list: a rule's transitions follow it. */
const order = [
  "STANDARD",
  "STANDARD_IA",
  "INTELLIGENT_TIERING",
  "ONEZONE_IA",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
];

/**
 * Which of several transitions that are due is taken: the cheapest, "an exception is S3
 * Intelligent-Tiering: it is favored over any storage class, aside from S3 Glacier and S3 Glacier Deep
 * Archive" (Guide, "How Amazon S3 handles conflicts in lifecycle configurations").
 */
const preference: readonly string[] = [
  "STANDARD_IA",
  "ONEZONE_IA",
  "GLACIER_IR",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
];

/** For how many days S3 bills an object that comes into a class (Guide, "Storage classes"). */
const billedDays: Readonly<Record<string, number>> = {
  STANDARD_IA: 30,
  ONEZONE_IA: 30,
  GLACIER_IR: 90,
  GLACIER: 90,
};

export function coldness(storageClass: string): number {
  return order.indexOf(storageClass);
}

/** How long an object stays before a rule may move it on. Intelligent-Tiering has no such time. */
export function minimumStayDays(storageClass: string): number {
  return billedDays[storageClass] ?? 1;
}

export function mayTransition(from: string, to: string): boolean {
  return nextClasses[from]?.includes(to) === true && preferenceOf(to) > preferenceOf(from);
}

/** Greater is preferred. */
export function preferenceOf(storageClass: string): number {
  return preference.indexOf(storageClass);
}
