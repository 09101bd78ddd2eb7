// The page's texts and number formats in its language.

/** @typedef {{vi: string, en: string}} Text both languages, as the API writes explanations */

export class Words {
  /**
   * @param {"vi" | "en"} lang
   * @param {Record<string, string>} table
   */
  constructor(lang, table) {
    this.lang = lang;
    this.table = table;
    this.locale = lang === "vi" ? "vi-VN" : "en-GB";
    /** In English a month in figures could be taken for the day. @type {"numeric" | "short"} */
    this.month = lang === "vi" ? "numeric" : "short";
  }

  /** @param {"vi" | "en"} lang */
  static async load(lang) {
    const answer = await fetch(new URL(`../i18n/${lang}.json`, import.meta.url));
    return new Words(lang, await answer.json());
  }

  /**
   * The text of a key, `{name}` places filled in.
   * @param {string} key
   * @param {Record<string, string | number>} [places]
   */
  text(key, places = {}) {
    let text = this.table[key] ?? key;
    for (const [name, value] of Object.entries(places)) text = text.replaceAll(`{${name}}`, String(value));
    return text;
  }

  /**
   * The language's side of an API text; plain strings pass through.
   * @param {Text | string | null | undefined} text
   */
  side(text) {
    if (text === null || text === undefined) return "";
    return typeof text === "string" ? text : (text[this.lang] ?? text.vi ?? text.en ?? "");
  }

  /** @param {number} value @param {number} [digits] */
  number(value, digits = 0) {
    return value.toLocaleString(this.locale, { maximumFractionDigits: digits });
  }

  /**
   * An instant in the deployment's local time, whatever the device's.
   * @param {string} at RFC 3339
   * @param {number} utcOffset hours east
   */
  instant(at, utcOffset) {
    const shifted = new Date(Date.parse(at) + utcOffset * 3600_000);
    return shifted.toLocaleString(this.locale, {
      timeZone: "UTC", hour: "2-digit", minute: "2-digit", day: "numeric", month: this.month, year: "numeric",
    });
  }

  /** @param {string} day `2021-11-10` */
  day(day) {
    return new Date(`${day}T00:00:00Z`).toLocaleDateString(this.locale, { timeZone: "UTC", day: "numeric", month: this.month, year: "numeric" });
  }

  /** MapLibre's own strings. @returns {Record<string, string>} */
  mapStrings() {
    const prefix = "maplibre.";
    return Object.fromEntries(
      Object.entries(this.table).filter(([key]) => key.startsWith(prefix)).map(([key, text]) => [key.slice(prefix.length), text]),
    );
  }
}

/**
 * Letters without marks, for searching: `Đại Từ` → `dai tu`.
 * @param {string} text
 */
export function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().trim();
}
