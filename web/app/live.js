// Fresh figures: the server says when something changed; without that, we ask now and then.

const POLL_MS = 30_000;
/** Not everyone at once: each reader waits a little, differently. */
const JITTER_MS = 1500;
/** However fast changes come, the page is redrawn this often at most. */
const REST_MS = 5000;

/**
 * @param {(change: {tiles?: [number, number, number][], layers?: string[]} | null) => void} changed
 * @param {(online: boolean) => void} state
 */
export function followChanges(changed, state) {
  let waiting = false;
  let last = 0;
  const soon = () => {
    if (waiting || document.hidden) return;
    waiting = true;
    const rest = Math.max(0, last + REST_MS - Date.now());
    setTimeout(() => {
      waiting = false;
      last = Date.now();
      changed(null);
    }, rest + Math.random() * JITTER_MS);
  };

  /** @type {ReturnType<typeof setInterval> | undefined} */
  let poll;
  const source = new EventSource("/v1/changes");
  const seen = () => {
    state(true);
    soon();
  };
  source.addEventListener("message", seen);
  source.addEventListener("change", seen);
  source.addEventListener("open", () => {
    state(true);
    clearInterval(poll);
    poll = undefined;
  });
  source.addEventListener("error", () => {
    state(false);
    poll ??= setInterval(soon, POLL_MS);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) soon();
  });
  addEventListener("pagehide", () => source.close());
}
