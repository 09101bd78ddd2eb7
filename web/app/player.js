// Plays the slider's steps. A step is shown when all its tiles are here, and the one before stays until then: the
// picture is never empty and never half of one step and half of another for want of an answer.

/** @typedef {import("./time.js").TimeSlider} TimeSlider */
/** @typedef {import("./steps.js").Steps} Steps */

/** How far back playing begins when the slider stands at now. */
const PLAYED_DAYS = 14;
/** Steps asked for ahead. */
const AHEAD = 4;
/** The shortest time a step stands; whoever wants little motion gets slow steps. */
const PACE_MS = { day: 1100, hour: 200 };
const CALM_PACE_MS = { day: 1500, hour: 1000 };
/** A step that cannot be had is tried again so often, then playing stops where it is. */
const TRIES = 4;
const RETRY_MS = 1000;

export class Player {
  /**
   * @param {Steps} steps
   * @param {TimeSlider} slider
   * @param {(playing: boolean) => void} changed
   */
  constructor(steps, slider, changed) {
    this.steps = steps;
    this.slider = slider;
    this.changed = changed;
    /** @type {AbortController | null} */
    this.running = null;
    this.pace = steps.calm ? CALM_PACE_MS : PACE_MS;
    /** For the curious, and the tests: each step that was shown, and how long its tiles were waited for, ms. @type {{at: string | null, tiles: number, drawn: boolean, waited: number, shown: number}[]} */
    this.log = [];
  }

  get playing() {
    return this.running !== null;
  }

  toggle() {
    if (this.running) this.stop();
    else this.start();
  }

  stop() {
    if (!this.running) return;
    this.running.abort();
    this.running = null;
    this.steps.rest();
    this.changed(false);
  }

  async start() {
    const mine = (this.running = new AbortController());
    this.changed(true);
    const { slider } = this;
    const from = slider.value < slider.last ? slider.value : Math.max(0, slider.last - PLAYED_DAYS * slider.perDay);
    this.log = [];
    try {
      for (let step = from; step <= slider.last && !mine.signal.aborted; step++) await this.play(step, mine.signal);
    } catch (error) {
      console.info("the animation stopped:", error);
    }
    if (this.running === mine) this.stop();
  }

  /** @param {number} step @param {AbortSignal} signal */
  async play(step, signal) {
    const { steps, slider } = this;
    const started = performance.now();
    const { tiles, picture } = await this.fetched(step, signal);
    const waited = performance.now() - started;
    if (signal.aborted) return;
    for (let next = step + 1; next <= Math.min(step + AHEAD, slider.last); next++) {
      // Those that fail are asked for again when their turn comes.
      steps.prefetch(slider.instant(next)).catch(() => {});
    }
    slider.place(step);
    const at = slider.instant(step);
    const drawn = await steps.show(at, picture, signal);
    if (signal.aborted) return;
    this.log.push({ at, tiles, drawn, waited, shown: performance.now() });
    const rest = this.pace[slider.unit] - (performance.now() - started);
    if (rest > 0) await pause(rest, signal);
  }

  /** All tiles of a step. @param {number} step @param {AbortSignal} signal */
  async fetched(step, signal) {
    for (let left = TRIES; ; left--) {
      try {
        return await this.steps.prefetch(this.slider.instant(step));
      } catch (error) {
        if (signal.aborted || left <= 1) throw error;
        await pause(RETRY_MS, signal);
      }
    }
  }
}

/** @param {number} time @param {AbortSignal} signal that ends it early @returns {Promise<void>} */
function pause(time, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, time);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
