// The time slider; its right end is now. One step is a local day for everybody, since figures are released by closed
// days, and an hour for those who see exact figures.

/** @typedef {import("./boot.js").Boot} Boot */
/** @typedef {"day" | "hour"} Unit */
import { element } from "./boot.js";

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

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
    /** @type {Unit} */
    this.unit = "day";
    this.input = /** @type {HTMLInputElement} */ (element("at"));
    this.output = element("at-text");
    this.button = element("play");
    this.now = element("now");
    /** @type {import("./player.js").Player | null} */
    this.player = null;
    this.input.addEventListener("input", () => {
      this.player?.stop();
      this.show();
    });
    this.input.addEventListener("change", () => this.tell());
    this.now.addEventListener("click", () => {
      this.player?.stop();
      this.go(this.last);
    });
    this.show();
  }

  /** Gives the button its work. @param {import("./player.js").Player} player */
  playWith(player) {
    this.player = player;
    this.button.addEventListener("click", () => player.toggle());
    // On the slider the space bar does nothing else.
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      player.toggle();
    });
    this.mark(false);
  }

  get last() {
    return Number(this.input.max);
  }

  get value() {
    return Number(this.input.value);
  }

  get perDay() {
    return this.unit === "hour" ? 24 : 1;
  }

  /** The chosen instant, or null for now. */
  get at() {
    return this.instant(this.value);
  }

  /** The end of a step's local day, or the beginning of its hour; null for now. @param {number} step @returns {string | null} */
  instant(step) {
    const back = this.last - step;
    if (back <= 0) return null;
    const offset = this.boot.utc_offset;
    const now = Date.parse(this.boot.as_of) + offset * HOUR_MS;
    const local =
      this.unit === "day"
        ? `${new Date(now - back * DAY_MS).toISOString().slice(0, 10)}T23:59:59`
        : `${new Date(now - (back - 1) * HOUR_MS).toISOString().slice(0, 13)}:00:00`;
    return `${local}${offset < 0 ? "-" : "+"}${String(Math.abs(offset)).padStart(2, "0")}:00`;
  }

  /** Days or hours; what was chosen stays chosen, as near as the steps allow. @param {Unit} unit */
  use(unit) {
    if (unit === this.unit) return;
    this.player?.stop();
    const back = (this.last - this.value) / this.perDay;
    this.unit = unit;
    this.input.max = String(this.boot.days_back * this.perDay);
    this.place(this.last - (unit === "day" ? Math.ceil(back) : back * this.perDay));
    this.mark(false);
    if (back > 0) this.tell();
  }

  show() {
    const at = this.at;
    let text = this.words.text("time.now");
    if (at) {
      /** @type {Intl.DateTimeFormatOptions} */
      const clock = this.unit === "hour" ? { hour: "2-digit", minute: "2-digit" } : {};
      text = new Date(`${at.slice(0, 19)}Z`).toLocaleString(this.words.locale, {
        timeZone: "UTC", weekday: "short", day: "numeric", month: this.words.month, ...clock,
      });
    }
    this.output.textContent = text;
    this.input.setAttribute("aria-valuetext", text);
    this.now.hidden = at === null;
  }

  tell() {
    this.changed(this.at);
  }

  /** Moves without telling. @param {number} step */
  place(step) {
    this.input.value = String(step);
    this.show();
  }

  /** @param {number} step */
  go(step) {
    this.place(step);
    this.tell();
  }

  /** What the button offers. @param {boolean} playing */
  mark(playing) {
    const text = this.words.text(playing ? "time.pause" : this.unit === "hour" ? "time.play.hours" : "time.play");
    this.button.setAttribute("aria-label", text);
    this.button.title = text;
    this.button.setAttribute("aria-pressed", String(playing));
    this.button.querySelector("path")?.setAttribute("d", playing ? "M7 5h4v14H7zM13 5h4v14h-4z" : "M8 5v14l11-7Z");
    // Several steps a second are not read out.
    this.output.setAttribute("aria-live", playing ? "off" : "polite");
  }
}
