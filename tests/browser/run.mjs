// Runs the browser tests against the real binary.
//
//   VUNGXANH_BIN=target/debug/vungxanh node run.mjs      starts and ends a small demo
//   BASE_URL=http://127.0.0.1:8080 node run.mjs          uses a server that runs already (but for archives:
//                                                       their tests run the program's commands)
//
// OUT names the folder for screenshots; README_PICTURE a PNG to make anew for the README;
// EXACT_KEY a key for exact figures, OFFICIAL_KEY one that registers venues (found in the demo's words where not given).

import { spawn } from "node:child_process";
import { startDemo } from "./start.mjs";

const binary = process.env.VUNGXANH_BIN;
let server = null;
let base = process.env.BASE_URL;
if (!base) {
  if (!binary) {
    console.error("set BASE_URL or VUNGXANH_BIN");
    process.exit(2);
  }
  server = await startDemo(binary);
  base = server.base;
}
const exact = process.env.EXACT_KEY ?? findKey(server?.lines ?? []);
const official = process.env.OFFICIAL_KEY ?? findKey(server?.lines ?? [], /key official +(\S+)/);
const tests = process.argv.slice(2);
const all = ["cells.test.mjs", "pages.test.mjs", "map.test.mjs", "past.test.mjs", "play.test.mjs", "venue.test.mjs", "why.test.mjs", "contracts.test.mjs", "formats.test.mjs", "comparison.test.mjs", ...(binary ? ["archive.test.mjs"] : [])];
const child = spawn(
  process.execPath,
  ["--test", "--test-concurrency=1", "--test-reporter=spec", ...(tests.length ? tests : all)],
  { stdio: "inherit", cwd: import.meta.dirname, env: { ...process.env, BASE_URL: base, EXACT_KEY: exact ?? "", OFFICIAL_KEY: official ?? "" } },
);
child.once("exit", async (code) => {
  await server?.stop();
  process.exit(code ?? 1);
});

/**
 * The demo prints an address with a ready-made analyst's key, and a key for each role.
 * @param {string[]} lines
 * @param {RegExp} [pattern]
 */
function findKey(lines, pattern = /#key=(\S+)/) {
  return lines.map((line) => line.match(pattern)?.[1]).find(Boolean);
}
