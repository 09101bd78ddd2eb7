// The time slider: one step a local day, its right end is now.

/** @typedef {import("./boot.js").Boot} Boot */
import { element } from "./boot.js";

const STEP_MS = 1100;

export class TimeSlider {
  /**
   * @param {Boot} boot
   * @param {import("./words.js").Words} words
   * @param {(at: string | null) => void} changed gets an instant, or null for now
   */
  constructor(boot, words, changed) {
    this.boot = boot;
    this.words = words;
    this.changed = changed;
    this.input = /** @type {HTMLInputElement} */ (element("at"));
    this.output = element("at-text");
    this.play = element("play");
    this.now = element("now");
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.input.addEventListener("input", () => this.show());
    this.input.addEventListener("change", () => this.tell());
    this.play.addEventListener("click", () => (this.timer ? this.stop() : this.start()));
    this.now.addEventListener("click", () => this.go(this.last));
    this.show();
  }

  get last() {
    return Number(this.input.max);
  }

  /** The end of the chosen local day, or null for now. @returns {string | null} */
  get at() {
    const back = this.last - Number(this.input.value);
    if (back === 0) return null;
    const offset = this.boot.utc_offset;
    const day = new Date(Date.parse(this.boot.as_of) + offset * 3600_000 - back * 86_400_000);
    const sign = offset < 0 ? "-" : "+";
    return `${day.toISOString().slice(0, 10)}T23:59:59${sign}${String(Math.abs(offset)).padStart(2, "0")}:00`;
  }

  show() {
    const at = this.at;
    let text = this.words.text("time.now");
    if (at) {
      const [year, month, day] = at.slice(0, 10).split("-").map(Number);
      text = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day)).toLocaleDateString(this.words.locale, {
        timeZone: "UTC", weekday: "short", day: "numeric", month: this.words.month,
      });
    }
    this.output.textContent = text;
    this.input.setAttribute("aria-valuetext", text);
    this.now.hidden = at === null;
  }

  tell() {
    this.changed(this.at);
  }

  /** @param {number} step */
  go(step) {
    this.input.value = String(step);
    this.show();
    this.tell();
  }

  start() {
    if (Number(this.input.value) >= this.last) this.go(0);
    this.timer = setInterval(() => {
      const next = Number(this.input.value) + 1;
      this.go(Math.min(next, this.last));
      if (next >= this.last) this.stop();
    }, STEP_MS);
    this.mark("time.pause", "M7 5h4v14H7zM13 5h4v14h-4z");
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.mark("time.play", "M8 5v14l11-7Z");
  }

  /** @param {string} key @param {string} path */
  mark(key, path) {
    this.play.setAttribute("aria-label", this.words.text(key));
    this.play.title = this.words.text(key);
    this.play.setAttribute("aria-pressed", String(this.timer !== undefined));
    this.play.querySelector("path")?.setAttribute("d", path);
  }
}
