// The URL of a destination whose user may stand beside it, so that a password need not be escaped.

export function urlWithUser({
  url: text,
  username,
  password,
}: {
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}): URL {
  const url = new URL(text);
  // What is assigned is escaped, but for what looks as if it were.
  if (username !== undefined) url.username = encodeURIComponent(username);
  if (password !== undefined) url.password = encodeURIComponent(password);
  return url;
}
