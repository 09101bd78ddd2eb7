// A country of N cells, 30 days and N/3 venues in the real program: how long it takes to be ready from a checkpoint,
// what memory it takes, and what its tiles cost. The folder is made by our own code from the generator of the bench
// `national` (no events, no presence: venues and a checkpoint), because importing it takes hours.
//   cargo build --release && node benches/load/national.mjs --cells 3000000
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, options } from "./common.mjs";

const wanted = options({ program: "target/release/vungxanh", bench: "", cells: 300000, folder: "", keep: "" });
// The last evening of the generator's 30 days, Vietnam's time.
const NOW = "2021-06-01T20:30:00+07:00";
const holder = wanted.folder || mkdtempSync(join(tmpdir(), "vungxanh-national-"));
const data = join(holder, "data");

const seconds = (begun) => ((performance.now() - begun) / 1000).toFixed(1);
const memory = (pid) => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const of = (name) => Math.round(Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))[1]) / 1024);
  return `${of("VmRSS")} MB resident, at the most ${of("VmHWM")}`;
};
const cpu = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

/** Starts the program and tells when it is ready. */
async function serve(name, level = "warn") {
  const begun = performance.now();
  const server = spawn(
    wanted.program,
    ["serve", "--data", data, "--listen", "127.0.0.1:0", "--clock", NOW, "--log", level],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const gone = new Promise((resolve) => server.once("exit", resolve));
  const url = await new Promise((resolve, reject) => {
    server.stdout.once("data", (line) => resolve(new URL(JSON.parse(String(line)).listening)));
    server.once("exit", () => reject(new Error("the server did not start")));
  });
  const agent = new http.Agent({ keepAlive: true });
  const get = (path, headers = {}) => ask(agent, url, "GET", path, headers);
  while ((await get("/readyz")).status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(`${name}: ready after ${seconds(begun)} s (${cpu(server.pid).toFixed(1)} s of processor), ${memory(server.pid)}`);
  const stop = async () => {
    server.kill("SIGTERM");
    await gone;
    agent.destroy();
  };
  return { get, stop, pid: server.pid };
}

/** Waits until the program has had nothing to do for a while. */
async function calm(pid) {
  for (let quiet = 0, last = cpu(pid); quiet < 4; ) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const now = cpu(pid);
    quiet = now - last < 0.1 ? quiet + 1 : 0;
    last = now;
  }
}

try {
  if (!existsSync(data)) {
    const env = { ...process.env, VUNGXANH_BENCH_FOLDER: data, VUNGXANH_BENCH_CELLS: String(wanted.cells) };
    const [program, args] = wanted.bench
      ? [wanted.bench, ["--bench", "national"]]
      : ["cargo", ["bench", "--locked", "--bench", "benches", "--", "national"]];
    const begun = performance.now();
    console.log(execFileSync(program, args, { env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim());
    console.log(`made in ${seconds(begun)} s, checkpoint ${Math.round(statSync(join(data, "ledger.checkpoint")).size / 1e6)} MB`);
  }
  const key = execFileSync(wanted.program, ["key", "create", "--data", data, "--role", "analyst"], { encoding: "utf8" }).trim();

  // The first start reads a checkpoint in one file, of the version before, and has every day to release.
  let begun = performance.now();
  const first = await serve("first start");
  await calm(first.pid);
  console.log(`  calm after ${seconds(begun)} s, all days released: ${memory(first.pid)}`);
  await first.stop();

  begun = performance.now();
  const server = await serve("start from a checkpoint");
  const exact = { authorization: `Bearer ${key}` };
  for (const zoom of [8, 10, 12, 14]) {
    for (const [who, headers] of [["official", exact], ["public", {}]]) {
      const times = [];
      let bytes = 0;
      const side = 2 ** zoom;
      const sin = Math.sin((21.59 * Math.PI) / 180);
      const [x, y] = [
        Math.floor(((105.84 + 180) / 360) * side),
        Math.floor((0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI)) * side),
      ];
      for (let dx = -2; dx <= 2; dx++) {
        const asked = performance.now();
        const answer = await server.get(`/tiles/cells/${zoom}/${x + dx}/${y}`, { "accept-encoding": "gzip", ...headers });
        if (![200, 204].includes(answer.status)) throw new Error(`tile: ${answer.status}`);
        times.push(performance.now() - asked);
        bytes = Math.max(bytes, answer.body.length);
      }
      times.sort((a, b) => a - b);
      console.log(`  ${who} tiles of zoom ${zoom}, first asked: median ${times[2].toFixed(1)} ms, slowest ${times[4].toFixed(1)} ms, up to ${bytes} bytes`);
    }
  }
  await calm(server.pid);
  console.log(`  calm after ${seconds(begun)} s: ${memory(server.pid)}`);
  await server.stop();
} finally {
  if (!wanted.keep) rmSync(holder, { recursive: true, force: true });
}
