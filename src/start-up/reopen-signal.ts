// SIGHUP as operators of daemons mean it: log files have been moved, open new ones. From a terminal it
// means that the terminal is gone: see stop-signals.ts.

/** Also keeps the signal from ending the process. */
export function listenForReopen(reopen: () => void): void {
  if (!hasTerminal()) process.on("SIGHUP", reopen);
}

export function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}
