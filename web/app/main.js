// The page's start: everything works without this; it adds the live map, search, time and explanations.

import { access, get, placeFromAddress } from "./api.js";
import { element, readBoot } from "./boot.js";
import { followChanges } from "./live.js";
import { LiveMap } from "./map.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Search } from "./search.js";
import { Steps } from "./steps.js";
import { followTheme } from "./theme.js";
import { TimeSlider } from "./time.js";
import { Words } from "./words.js";

const boot = readBoot();
access.takeFromAddress();
// Before the map writes its own part of the address.
const named = placeFromAddress();
/** @type {LiveMap | null} */
let map = null;

const TABLES_REST_MS = 10_000;
const QUIET_REST_MS = 60_000;
let tablesAt = 0;
let tablesDue = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let tablesTimer;

const words = await Words.load(boot.lang);
const panel = new Panel(words, boot, () => map?.unselect());

followTheme(element("theme"), () => map?.restyle());

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-explain]") : null;
  if (!(link instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { explain = "", id = "" } = link.dataset;
  const row = link.closest("tr");
  const name = row?.querySelector("th")?.firstChild?.textContent?.trim();
  element("stage").scrollIntoView({ block: "nearest" });
  show({ kind: explain, id, name: name ?? id, properties: { ...row?.dataset } }, link);
});

/** @param {{kind: string, id: string, name?: string, properties?: Record<string, any>}} place @param {HTMLElement | null} opener */
async function show(place, opener) {
  panel.open(place, slider?.at ?? null, opener);
  if (!map) return;
  try {
    if (place.kind === "venue") {
      const venue = await get(`/v1/venues/${encodeURIComponent(place.id)}`);
      map.fly([venue.lng, venue.lat]);
    } else if (place.kind === "area") {
      const area = await get(`/v1/areas/${encodeURIComponent(place.id)}`);
      if (Array.isArray(area.bbox) && area.bbox.length === 4) map.fit(area.bbox);
    } else if (place.kind === "zone") {
      const { geometry } = await get(`/v1/zones/${encodeURIComponent(place.id)}`);
      const flat = geometry.coordinates.flat(Infinity);
      const [lngs, lats] = [0, 1].map((axis) => flat.filter((/** @type {number} */ _, /** @type {number} */ nth) => nth % 2 === axis));
      map.fit([Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)]);
    }
  } catch {
    // The explanation is what was asked for; the map may stay where it is.
  }
}

new Search(words, (found) => show(found, element("q")), () => slider?.at ?? null);

/** @type {TimeSlider | null} */
let slider = null;

if (boot.live_map && boot.bounds) {
  try {
    map = await LiveMap.start({
      boot,
      words,
      container: element("map"),
      // The keyboard goes on from the map when the explanation is closed.
      picked: (pick) => panel.open(pick, slider?.at ?? null, map?.map?.getCanvas() ?? null),
    });
    element("picture").hidden = true;
    slider = new TimeSlider(boot, words, (at) => {
      map?.showTime(at);
      panel.moveTo(at);
    });
    const player = new Player(new Steps(map), slider, (playing) => {
      slider?.mark(playing);
      // An open explanation follows when the steps have come to rest.
      if (!playing) panel.moveTo(slider?.at ?? null);
    });
    slider.playWith(player);
    element("time").hidden = false;
    const layers = element("layers");
    layers.hidden = false;
    layers.addEventListener("change", (event) => {
      const box = /** @type {HTMLInputElement} */ (event.target);
      map?.showLayer(box.value, box.checked);
    });
    // For the browser tests, and for the curious.
    Object.assign(window, { vungxanh: { map: map.map, live: map, player } });
  } catch (error) {
    console.info("the live map cannot run here, the picture stays:", error);
    element("static-note").hidden = false;
  }
} else if (boot.bounds) {
  element("static-note").hidden = false;
}

if (named) openNamed(named);
addEventListener("hashchange", () => {
  const place = placeFromAddress();
  if (place) openNamed(place);
});

/** A place that an address names, such as a bulletin's `#area=164`, by the name it has. @param {{kind: string, id: string}} place */
async function openNamed(place) {
  // The explanation of an area does not say how it is called; those of other places do.
  const area = place.kind === "area" ? await get(`/v1/areas/${encodeURIComponent(place.id)}`).catch(() => null) : null;
  show(area ? { ...place, name: area.name, properties: { tier: area.tier, approximate: area.approximate } } : place, null);
}

keyForm();
const changes = followChanges(refresh, (online) => {
  const badge = element("live");
  badge.hidden = false;
  badge.dataset.state = online ? "on" : "off";
  element("live-text").textContent = words.text(online ? "hero.live" : "hero.offline");
}, boot.generation);

/**
 * New figures: the map asks for the tiles that changed again, the tables come from the server as they stand.
 * @param {import("./live.js").Change | null} change
 */
function refresh(change) {
  map?.refresh(change);
  // However fast changes come, the tables are fetched this often at most: they are far more than a few tiles.
  // Where time only went on, less often still.
  const due = tablesAt + (change?.changes.length === 0 ? QUIET_REST_MS : TABLES_REST_MS);
  if (tablesTimer !== undefined && tablesDue <= due) return;
  clearTimeout(tablesTimer);
  tablesDue = due;
  tablesTimer = setTimeout(() => {
    tablesTimer = undefined;
    tablesAt = Date.now();
    refreshTables();
  }, Math.max(0, due - Date.now()));
}

async function refreshTables() {
  try {
    const answer = await fetch(`/?lang=${boot.lang}`, { cache: "no-cache" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const selector of ["#summary", ".levels", "#as-of"]) swap(document.querySelector(selector), fresh.querySelector(selector));
    for (const id of ["areas-title", "venues-title", "zones-title"]) {
      const section = (/** @type {Document} */ page) => page.getElementById(id)?.closest("section") ?? null;
      const [ours, theirs] = [section(document), section(fresh)];
      const bodies = (/** @type {Element | null} */ within) => [...(within?.querySelectorAll("tbody") ?? [])];
      const [rows, freshRows] = [bodies(ours), bodies(theirs)];
      // Rows alone where there are rows, so that a scrolled or opened table stays as it is.
      if (rows.length && rows.length === freshRows.length) rows.forEach((each, index) => swap(each, freshRows[index]));
      else swap(ours, theirs);
    }
  } catch {
    // The next change tries again.
  }
}

/**
 * Puts fresh content in, but nothing where nothing changed, or under someone's focus.
 * @param {Element | null | undefined} ours
 * @param {Element | null | undefined} theirs
 */
function swap(ours, theirs) {
  if (!ours || !theirs || ours.isEqualNode(theirs) || ours.contains(document.activeElement)) return;
  ours.replaceWith(document.adoptNode(theirs));
}

/** An official's key: kept in this tab, tried at once, forgotten by a button. */
function keyForm() {
  const box = /** @type {HTMLDetailsElement} */ (element("key"));
  const form = /** @type {HTMLFormElement} */ (element("key-form"));
  const input = /** @type {HTMLInputElement} */ (element("key-text"));
  const drop = element("key-drop");
  const hint = element("key-hint");
  box.hidden = false;
  const tell = () => {
    const has = access.key() !== null;
    drop.hidden = !has;
    hint.textContent = words.text(has ? "hero.exact" : "key.hint");
    element("exact").hidden = !has;
    box.dataset.on = String(has);
    map?.frames.forget();
    // Exact figures change by the hour, released ones by the day.
    slider?.use(has ? "hour" : "day");
  };
  tell();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    access.use(input.value.trim() || null);
    input.value = "";
    try {
      await get("/v1/areas?limit=1");
      tell();
      changes.restart();
      await map?.restyle();
    } catch {
      access.use(null);
      tell();
      hint.textContent = words.text("key.wrong");
      // Nothing that another key showed may stay.
      changes.restart();
      await map?.restyle();
    }
  });
  drop.addEventListener("click", async () => {
    access.use(null);
    tell();
    changes.restart();
    await map?.restyle();
  });
}
