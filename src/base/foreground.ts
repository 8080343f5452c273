// How much this process does that somebody waits for, so that background work can step aside. A count of
// the process, not of one server in it: they share its processor.

let requests = 0;

/** A request came. */
export function noteRequest(): void {
  requests += 1;
}

/** Requests since the process began. */
export function countRequests(): number {
  return requests;
}
