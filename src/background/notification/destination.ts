// What a destination of notifications is for those who deliver: a queue, a topic, a web hook, a table. One
// implementation for each kind, in drivers/; tests/contracts/notification-destination-suite.ts holds what
// is promised here.

/** One event in its envelope. */
export interface Message {
  /** The same whenever this event is sent again: receivers can tell repetitions by it. */
  readonly id: string;
  /** A text of JSON. */
  readonly body: string;
  /** `ObjectCreated:Put`. */
  readonly event: string;
  readonly bucketName: string;
  readonly key: string;
  readonly timeMilliseconds: number;
  /** Whether the key has no object after it. */
  readonly isRemoval: boolean;
}

/** Of each message of a batch what kept it from being delivered; `undefined`: it was taken. */
export type Outcomes = readonly (Error | undefined)[];

export interface Destination extends AsyncDisposable {
  /** How many messages `send` takes at most. */
  readonly batchLimit: number;
  /**
   * Resolves when the receiver has each message as safely as it can (a broker's confirmation, a status
   * of success), with what became of each. Rejects when nothing is known about any: all are sent again.
   * No two messages of a batch are about the same key, so that their order does not matter. Called
   * several times at once. Connections are made when they are needed, kept, and made again when they
   * broke.
   */
  send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes>;
}

/** A batch of which everything was taken. */
export function allTaken(messages: readonly Message[]): Outcomes {
  return messages.map(() => undefined);
}

export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

/** `{bucket}` and `{event}` of a topic, subject or key, as the message has them. */
export function fillTemplate(template: string, { bucketName, event }: Message): string {
  if (!template.includes("{")) return template;
  return template.replaceAll("{bucket}", bucketName).replaceAll("{event}", event);
}
