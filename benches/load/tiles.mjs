// How many tiles a second a server gives, and what each costs it: first asked (encoded), then kept, beside its own
// static files. Wants `wrk` (Debian: wrk) and a server that runs:
//   target/release/vungxanh demo --listen 127.0.0.1:8080 &   node benches/load/tiles.mjs --url http://127.0.0.1:8080 --pid $!
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const wanted = { url: "http://127.0.0.1:8080", pid: "", tiles: "500", seconds: "5", layers: "cells,venues,areas,zones", coding: "gzip" };
for (let at = 2; at < process.argv.length; at += 2) {
  const name = process.argv[at].replace(/^--/, "");
  if (!(name in wanted)) throw new Error(`--${name} is not known; there are ${Object.keys(wanted).join(", ")}`);
  wanted[name] = process.argv[at + 1];
}
const base = new URL(wanted.url);
if (!["127.0.0.1", "localhost", "[::1]"].includes(base.hostname)) throw new Error("a load goes to this machine only");
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

/** @returns {Promise<{status: number, bytes: number, ms: number, body: Buffer}>} */
function get(path, coding = wanted.coding) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    http
      .get({ agent, hostname: base.hostname, port: base.port, path, headers: { "accept-encoding": coding } }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => {
          const body = Buffer.concat(parts);
          resolve({ status: answer.statusCode ?? 0, bytes: body.length, ms: performance.now() - begun, body });
        });
      })
      .on("error", reject);
  });
}

/** The server's CPU seconds so far; nothing without a pid. */
function cpu() {
  if (!wanted.pid) return NaN;
  const fields = readFileSync(`/proc/${wanted.pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Degrees around the middle. */
const REACH = 0.5;
const quantile = (numbers, share) => [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];

/** Tiles of zooms 6 to 14 around the middle of what there is, spread evenly over the zooms. */
async function candidates() {
  const described = JSON.parse(String((await get(`/tiles/${wanted.layers}.json`, "identity")).body));
  const [lng, lat] = described.center;
  // The bounds reach as far as the widest cell: near the middle there is more to see.
  const [west, south, east, north] = [lng - REACH, lat - REACH, lng + REACH, lat + REACH];
  const found = [];
  for (let z = 6; z <= 14; z++) {
    const side = 2 ** z;
    const column = (lng) => Math.floor(((lng + 180) / 360) * side);
    const row = (lat) => {
      const sin = Math.sin((lat * Math.PI) / 180);
      return Math.floor((0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * side);
    };
    const own = [];
    for (let x = column(west); x <= column(east); x++) for (let y = row(north); y <= row(south); y++) own.push([z, x, y]);
    found.push(own);
  }
  // The same number of each zoom, as far as there are so many; every list is walked in even steps.
  const list = [];
  for (let share = 0; list.length < Number(wanted.tiles) * 1.5 && share < 5000; share++)
    for (const own of found) {
      const step = Math.max(1, Math.floor(own.length / 150));
      const tile = own[share * step];
      if (tile) list.push(tile);
    }
  return list.map((tile) => `/tiles/${wanted.layers}/${tile.join("/")}`);
}

const folder = mkdtempSync(join(tmpdir(), "vungxanh-load-"));
try {
  // First asked: one connection, so that the times are the server's own.
  const paths = [];
  const first = [];
  const bytes = [];
  const before = cpu();
  for (const path of await candidates()) {
    const answer = await get(path);
    if (answer.status === 204) continue;
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
    paths.push(path);
    first.push(answer.ms);
    bytes.push(answer.bytes);
    if (paths.length === Number(wanted.tiles)) break;
  }
  const spent = cpu() - before;
  const mean = bytes.reduce((a, b) => a + b, 0) / bytes.length;
  console.log(`${paths.length} tiles of z6 to z14 with something in them, ${Math.round(mean)} bytes on average (${wanted.coding})`);
  console.log(
    `first asked: p50 ${quantile(first, 0.5).toFixed(2)} ms, p99 ${quantile(first, 0.99).toFixed(2)} ms, ` +
      `server CPU ${((spent / paths.length) * 1e3).toFixed(2)} ms a tile`,
  );
  // A static file of about the same size is the yardstick.
  const page = String((await get("/", "identity")).body);
  let nearest = { path: "", gap: Infinity, bytes: 0 };
  for (const [path] of page.matchAll(/\/assets\/[^"]+\.(?:js|css)/g)) {
    const answer = await get(path);
    const gap = Math.abs(answer.bytes - mean);
    if (answer.status === 200 && gap < nearest.gap) nearest = { path, gap, bytes: answer.bytes };
  }
  const runs = [[`kept tiles`, paths], ...(nearest.path ? [[`static ${nearest.path} (${nearest.bytes} bytes)`, [nearest.path]]] : [])];
  for (const connections of [1, 16, 64]) {
    for (const [name, list] of runs) {
      const script = join(folder, "paths.lua");
      writeFileSync(
        script,
        `local paths = {${list.map((path) => JSON.stringify(path)).join(",")}}\nlocal at = 0\n` +
          `request = function()\n  at = at % #paths + 1\n  return wrk.format("GET", paths[at], {["Accept-Encoding"] = "${wanted.coding}"})\nend\n`,
      );
      const start = cpu();
      const said = execFileSync("wrk", ["-t1", `-c${connections}`, `-d${wanted.seconds}s`, "--latency", "-s", script, wanted.url], { encoding: "utf8" });
      const used = cpu() - start;
      const number = (pattern) => said.match(pattern)?.[1] ?? "?";
      const total = Number(number(/(\d+) requests in/));
      console.log(
        `${String(connections).padStart(2)} connections, ${name}: ${number(/Requests\/sec:\s+([\d.]+)/)} requests/s, ` +
          `p50 ${number(/^\s+50%\s+(\S+)/m)}, p99 ${number(/^\s+99%\s+(\S+)/m)}, server CPU ${((used / total) * 1e6).toFixed(1)} µs each` +
          (/Non-2xx/.test(said) ? "  (some answers were not 200)" : ""),
      );
    }
  }
} finally {
  agent.destroy();
  rmSync(folder, { recursive: true });
}
