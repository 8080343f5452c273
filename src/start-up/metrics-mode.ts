// How much /metrics tells. Names of buckets are for those alone who may see them: by default the
// machine's own users, or whoever knows the token.

/** `without-buckets`: nothing that names one. */
export type MetricsMode = "with-buckets" | "without-buckets" | "off";

/** What can be asked for; `auto` decides by who can reach the admin port. */
export type MetricsSetting = "auto" | MetricsMode;

export function metricsModeOf(options: {
  readonly setting: MetricsSetting;
  readonly host: string;
  /** Absent: there is no admin port, and so nobody could read them. */
  readonly adminPort: number | undefined;
  readonly token: string | undefined;
}): MetricsMode {
  const { setting, host, adminPort, token } = options;
  if (adminPort === undefined) return "off";
  if (setting !== "auto") return setting;
  return token !== undefined || isLoopback(host) ? "with-buckets" : "without-buckets";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}
