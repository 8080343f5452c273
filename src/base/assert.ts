// Assertions for facts that only a bug in Holdfast can break. Never used to judge input.

/** Throws an AssertionError with a static text when `condition` is false. */
export function assert(condition: unknown, text: string): asserts condition {
  if (!condition) throw new AssertionError(text);
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable value of type ${typeof value}`);
}

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}
