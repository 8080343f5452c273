// When the server should stop: SIGTERM, SIGINT, the end of the terminal that it runs in, or of the
// launcher that started this process.

import { hasTerminal } from "./reopen-signal.ts";

/**
 * One press of Ctrl-C reaches every process of a terminal, and a launcher passes on what it gets: two
 * signals so close together are one wish.
 */
const sameWishMilliseconds = 1000;

export interface StopSignals {
  /** Resolves with the signal's name. */
  readonly asked: Promise<string>;
}

/** `onSecond` is called when somebody insists. */
export function listenForStop(onSecond: () => void): StopSignals {
  const { promise, resolve } = Promise.withResolvers<string>();
  let firstMilliseconds: number | undefined;
  const onSignal = (name: string): void => {
    const now = performance.now();
    if (firstMilliseconds === undefined) {
      firstMilliseconds = now;
      resolve(name);
    } else if (now - firstMilliseconds > sameWishMilliseconds) {
      onSecond();
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  if (hasTerminal()) process.on("SIGHUP", onSignal);
  // The pipe to the launcher (bin/holdfast.mjs) closes when it is killed: perhaps it is already gone.
  // Without a launcher there is no pipe, and the property is not there at all.
  const launcher = process as { readonly connected?: boolean };
  if (launcher.connected === false) onSignal("end of the launcher");
  if (launcher.connected === true) {
    process.once("disconnect", () => onSignal("end of the launcher"));
    process.channel?.unref();
  }
  return { asked: promise };
}
