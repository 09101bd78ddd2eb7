// Light or dark: the device's wish until the button is used.

const CHOICE = "vungxanh.theme";

/** @returns {"light" | "dark"} */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === "light" || chosen === "dark") return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/**
 * @param {HTMLElement} button
 * @param {() => void} changed
 */
export function followTheme(button, changed) {
  const kept = localStorage.getItem(CHOICE);
  if (kept) document.documentElement.dataset.theme = kept;
  const show = () => button.setAttribute("aria-pressed", String(theme() === "dark"));
  show();
  button.hidden = false;
  button.addEventListener("click", () => {
    const next = theme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem(CHOICE, next);
    show();
    changed();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    show();
    changed();
  });
}
