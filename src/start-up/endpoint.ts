// The URL under which a listening server is reached from the same machine.

export function endpointUrl(isEncrypted: boolean, host: string, port: number): string {
  return `${isEncrypted ? "https" : "http"}://${reachableHost(host)}:${port}`;
}

function reachableHost(host: string): string {
  // Every interface is listened on; this one is surely there.
  if (host === "0.0.0.0" || host === "::" || host === "") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
