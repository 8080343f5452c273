// The contract of a spool: lines that a process writes down at once and somebody takes away in batches.

/** Lines that were put aside together; they do not change any more. */
export interface SpoolSegment {
  /** The same whoever takes it, and never used again. */
  readonly id: string;
}

/**
 * - `append` has handed the lines to the system when it returns: the death of the process does not lose
 *   them. A power cut may lose what was appended within the last tenth of a second, and while the sync of
 *   that takes.
 * - A segment that was put aside stays until it is removed, also when its process is gone: another
 *   process that is told so adopts it.
 */
export interface Spool extends AsyncDisposable {
  /** Lines without line breaks, together. Throws the system's error (a full disk) when they could not be kept. */
  append(...lines: readonly string[]): void;
  /** Bytes since the last segment was put aside. */
  readonly openBytes: number;
  /**
   * Puts aside what was appended; nothing happens when nothing was. `carried` begin the next segment, and
   * are kept there before `marks` end this one. The change is made before the first wait.
   */
  seal(carried: readonly string[], marks: readonly string[]): Promise<void>;
  /** This process's segments that were put aside, oldest first, with those of the dead, adopted. */
  list(isAlive: (owner: string) => boolean): Promise<readonly SpoolSegment[]>;
  read(segment: SpoolSegment): Promise<readonly string[]>;
  remove(segment: SpoolSegment): Promise<void>;
}
