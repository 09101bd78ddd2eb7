// Requests to our own server, with the official's key where one was given.

const KEY = "vungxanh.key";

/** The pasted key; it lives in this tab's session only. */
export const access = {
  /** @returns {string | null} */
  key() {
    return sessionStorage.getItem(KEY);
  },
  /** @param {string | null} secret */
  use(secret) {
    if (secret) sessionStorage.setItem(KEY, secret);
    else sessionStorage.removeItem(KEY);
  },
  /** Takes `#key=…` out of the address, so that it is not shared or bookmarked. */
  takeFromAddress() {
    const parts = new URLSearchParams(location.hash.slice(1));
    const secret = parts.get("key");
    if (!secret) return;
    parts.delete("key");
    const rest = parts.toString();
    history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
    this.use(secret);
  },
  /** @returns {Record<string, string>} */
  headers() {
    const key = this.key();
    return key ? { Authorization: `Bearer ${key}` } : {};
  },
};

export class ApiError extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/**
 * JSON from a path of this server.
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  const answer = await fetch(path, { headers: { Accept: "application/json", ...access.headers() }, signal });
  if (!answer.ok) throw new ApiError(answer.status, answer.statusText);
  return answer.json();
}
