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

/** Kinds of places that an address may name, as in `#area=164`. */
const NAMED = ["venue", "area", "cell", "zone"];

/**
 * Takes a place that the address names out of it: what is explained changes, the address would go on naming the first.
 * @returns {{kind: string, id: string} | null}
 */
export function placeFromAddress() {
  // The map's own part has slashes that are not to be written anew.
  const parts = location.hash.slice(1).split("&");
  const found = parts.map((part) => part.split("=")).find(([kind, id]) => NAMED.includes(kind ?? "") && id);
  if (!found) return null;
  const rest = parts.filter((part) => !NAMED.includes(part.split("=")[0] ?? "")).join("&");
  history.replaceState(null, "", location.pathname + location.search + (rest ? `#${rest}` : ""));
  const [kind = "", id = ""] = found;
  try {
    return { kind, id: decodeURIComponent(id) };
  } catch {
    return null;
  }
}

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
