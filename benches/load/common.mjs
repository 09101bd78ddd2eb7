// What the load scripts share: a server over a fresh temporary folder, its keys, venues and check-ins.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const NOW = "2021-05-07T20:00:00+07:00";

/** `--name value` pairs over defaults. */
export function options(defaults) {
  const found = { ...defaults };
  for (let at = 2; at < process.argv.length; at += 2) {
    const name = process.argv[at].replace(/^--/, "");
    if (!(name in defaults)) throw new Error(`--${name} is not known; there are ${Object.keys(defaults).join(", ")}`);
    found[name] = typeof defaults[name] === "number" ? Number(process.argv[at + 1]) : process.argv[at + 1];
  }
  return found;
}

/** Starts the program over a new folder with that many venues in a grid; `stop()` ends it and removes the folder. */
export async function start(program, venues) {
  const folder = mkdtempSync(join(tmpdir(), "vungxanh-load-"));
  const data = join(folder, "data");
  const file = join(folder, "venues.csv");
  const rows = Array.from({ length: venues }, (_, n) => {
    const { lng, lat } = venueAt(n);
    return `v${n},Quán ${n},cafe,${lng},${lat}`;
  });
  writeFileSync(file, `id,name,kind,lng,lat\n${rows.join("\n")}\n`);
  execFileSync(program, ["import", "venues", file, "--data", data, "--clock", NOW], { stdio: "pipe" });
  const key = (role) =>
    execFileSync(program, ["key", "create", "--data", data, "--role", role], { encoding: "utf8" }).trim();
  const keys = { ingest: key("ingest"), analyst: key("analyst") };
  const server = spawn(
    program,
    ["serve", "--data", data, "--listen", "127.0.0.1:0", "--clock", NOW, "--log", "warn"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const gone = new Promise((resolve) => server.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(new URL(JSON.parse(String(line)).listening)));
    server.once("exit", () => reject(new Error("the server did not start")));
  });
  const stop = async () => {
    server.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true });
  };
  return { url, keys, data, stop, rss: () => memory(server.pid), cpuSeconds: () => cpuSeconds(server.pid) };
}

/** A grid of 100 columns, about 400 m apart. */
export function venueAt(n) {
  return { lng: 105.5 + (n % 100) * 0.004, lat: 21.0 + Math.floor(n / 100) * 0.004 };
}

/** Resident memory and its highest value, MB. */
function memory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (name) => Math.round(Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))[1]) / 1024);
  return { now: of("VmRSS"), highest: of("VmHWM") };
}

/** Processor time used so far: what a figure means on a machine that others use too. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** One request on a kept connection: status, headers and body. */
export function ask(agent, url, method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent, host: url.hostname, port: url.port, method, path, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

/**
 * NDJSON of check-ins `from..from + count` in one buffer. The rows of a template are made once and their ids and
 * persons written over, because making texts row by row would cost more than the server that is measured.
 */
export class CheckIns {
  /** `spanSeconds` of event time are walked through by `total` events. */
  constructor({ venues, rows, total, spanSeconds }) {
    const lines = [];
    const places = [];
    let at = 0;
    for (let row = 0; row < rows; row++) {
      const second = String(row % 60).padStart(2, "0");
      const line =
        `{"id":"01f52b7c-0000-7000-8000-############","venue":"v${(row * 7919) % venues}",` +
        `"person":"p#########","at":"2021-05-07T%%:%%:${second}+07:00","direction":"in","method":"venue_qr"}\n`;
      places.push([at + line.indexOf("############"), at + line.indexOf("p####") + 1, at + line.indexOf("%%")]);
      lines.push(line);
      at += line.length;
    }
    this.template = Buffer.from(lines.join(""));
    this.places = places;
    this.total = total;
    this.spanSeconds = spanSeconds;
  }

  /** The body of batch `number`. */
  batch(number) {
    const body = Buffer.from(this.template);
    const rows = this.places.length;
    for (let row = 0; row < rows; row++) {
      const [id, person, time] = this.places[row];
      const n = number * rows + row;
      digits(body, id, 12, n);
      // Two million people, mixed so that neighbours in time are strangers.
      digits(body, person, 9, (n * 48271) % 2000003);
      const second = 7 * 3600 + Math.floor((n / this.total) * this.spanSeconds);
      digits(body, time, 2, Math.floor(second / 3600));
      digits(body, time + 3, 2, Math.floor(second / 60) % 60);
    }
    return body;
  }
}

function digits(buffer, at, count, number) {
  for (let place = at + count - 1; place >= at; place--) {
    buffer[place] = 48 + (number % 10);
    number = Math.floor(number / 10);
  }
}

/** The value below which a share of the numbers lies. */
export function quantile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
