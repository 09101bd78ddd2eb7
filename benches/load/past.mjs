// What an animation costs: 14 days x 24 hours over one province, zooms 8 to 12, for the public and for an analyst, asked
// for the first time and again, beside live tiles of the same places in the same run. Wants `wrk` and a running demo:
//   target/release/vungxanh demo --listen 127.0.0.1:8080 &   node benches/load/past.mjs --pid $! --key vx_… (the analyst's)
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, options } from "./common.mjs";

const wanted = options({
  url: "http://127.0.0.1:8080",
  pid: "",
  key: "",
  layers: "cells,venues,areas,zones",
  window: "P7D",
  bbox: "105.4,21.3,106.3,22.1",
  days: 14,
  tiles: 40,
  connections: 16,
  seconds: 5,
});
const base = new URL(wanted.url);
if (!["127.0.0.1", "localhost", "[::1]"].includes(base.hostname)) throw new Error("a load goes to this machine only");
const agent = new http.Agent({ keepAlive: true, maxSockets: wanted.connections });
const headersOf = (key) => ({ "accept-encoding": "gzip", ...(key ? { authorization: `Bearer ${key}` } : {}) });

/** The server's CPU seconds so far; nothing without a pid. */
function cpu() {
  if (!wanted.pid) return NaN;
  const fields = readFileSync(`/proc/${wanted.pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Tiles of zooms 8 to 12 over the box, spread evenly over all of them. */
function places() {
  const [west, south, east, north] = wanted.bbox.split(",").map(Number);
  const all = [];
  for (let z = 8; z <= 12; z++) {
    const side = 2 ** z;
    const column = (lng) => Math.floor(((lng + 180) / 360) * side);
    const row = (lat) => {
      const sin = Math.sin((lat * Math.PI) / 180);
      return Math.floor((0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * side);
    };
    for (let x = column(west); x <= column(east); x++) for (let y = row(north); y <= row(south); y++) all.push([z, x, y]);
  }
  const step = Math.max(1, all.length / wanted.tiles);
  return Array.from({ length: Math.min(wanted.tiles, all.length) }, (_, n) => all[Math.floor(n * step)].join("/"));
}

/** Asks for every path once, over some connections: requests a second, and the server's CPU each. */
async function once(paths, headers) {
  let next = 0;
  const times = [];
  const [begun, before] = [performance.now(), cpu()];
  const worker = async () => {
    while (next < paths.length) {
      const path = paths[next++];
      const start = performance.now();
      const { status, body } = await ask(agent, base, "GET", path, headers);
      times.push(performance.now() - start);
      if (status !== 200 && status !== 204) throw new Error(`${path} answered ${status}: ${body}`);
    }
  };
  await Promise.all(Array.from({ length: wanted.connections }, worker));
  times.sort((a, b) => a - b);
  const seconds = (performance.now() - begun) / 1e3;
  return `${Math.round(paths.length / seconds)} requests/s, p50 ${times[times.length >> 1].toFixed(1)} ms, p99 ${times[Math.floor(times.length * 0.99)].toFixed(1)} ms, server CPU ${(((cpu() - before) / paths.length) * 1e6).toFixed(0)} µs each`;
}

/** The same paths over and over. */
function again(paths, headers, folder) {
  const script = join(folder, "paths.lua");
  const table = Object.entries(headers).map(([name, value]) => `["${name}"] = ${JSON.stringify(value)}`);
  writeFileSync(
    script,
    `local paths = {${paths.map((path) => JSON.stringify(path)).join(",")}}\nlocal at = 0\n` +
      `request = function()\n  at = at % #paths + 1\n  return wrk.format("GET", paths[at], {${table.join(", ")}})\nend\n`,
  );
  const before = cpu();
  const said = execFileSync("wrk", ["-t1", `-c${wanted.connections}`, `-d${wanted.seconds}s`, "--latency", "-s", script, wanted.url], { encoding: "utf8" });
  const number = (pattern) => said.match(pattern)?.[1] ?? "?";
  const each = ((cpu() - before) / Number(number(/(\d+) requests in/))) * 1e6;
  return `${number(/Requests\/sec:\s+([\d.]+)/)} requests/s, p50 ${number(/^\s+50%\s+(\S+)/m)}, p99 ${number(/^\s+99%\s+(\S+)/m)}, server CPU ${each.toFixed(0)} µs each`;
}

const folder = mkdtempSync(join(tmpdir(), "vungxanh-load-"));
try {
  const list = JSON.parse(String((await ask(agent, base, "GET", "/v1/areas?level=district", {})).body));
  const now = Date.parse(list.as_of);
  const tiles = places();
  const instants = Array.from({ length: wanted.days * 24 }, (_, n) => new Date(now - (n + 1) * 3_600_000).toISOString());
  const past = instants.flatMap((at) => tiles.map((tile) => `/tiles/${wanted.layers}/${tile}?at=${at}&window=${wanted.window}`));
  const live = tiles.map((tile) => `/tiles/${wanted.layers}/${tile}?window=${wanted.window}`);
  console.log(`${tiles.length} tiles of z8 to z12 at ${instants.length} instants: ${past.length} addresses, ${wanted.layers}, ${wanted.window}, gzip, ${wanted.connections} connections`);
  for (const [who, key] of [["public", ""], ...(wanted.key ? [["analyst", wanted.key]] : [])]) {
    const headers = headersOf(key);
    console.log(`${who}, live, first asked: ${await once(live, headers)}`);
    console.log(`${who}, live, kept: ${again(live, headers, folder)}`);
    console.log(`${who}, past, first asked: ${await once(past, headers)}`);
    console.log(`${who}, past, asked again: ${await once(past, headers)}`);
    console.log(`${who}, past, kept: ${again(past, headers, folder)}`);
  }
} finally {
  agent.destroy();
  rmSync(folder, { recursive: true });
}
