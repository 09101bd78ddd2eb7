// Starts the real binary, with a small demo or over a folder, and ends it.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

const READY_MS = 180_000;

/**
 * A small demo in a folder of its own, which goes away with it. Its clock runs as fast as ours: what a test reads twice
 * within a second stays the same.
 * @param {string} binary
 * @param {string[]} [settings]
 */
export async function startDemo(binary, settings = ["--people", "8000", "--venues", "3000", "--days", "21", "--speed", "1"]) {
  const data = await mkdtemp(path.join(tmpdir(), "vungxanh-pages-"));
  const clear = () => rm(data, { recursive: true, force: true });
  try {
    const demo = await start(binary, ["demo", "--data", data, ...settings]);
    return { ...demo, stop: () => demo.stop().finally(clear) };
  } catch (error) {
    await clear();
    throw error;
  }
}

/**
 * @param {string} binary
 * @param {string[]} command
 * @returns {Promise<{base: string, lines: string[], stop: () => Promise<void>}>}
 */
export async function start(binary, command) {
  const child = spawn(binary, [...command, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "pipe"] });
  /** @type {string[]} */
  const lines = [];
  let said = "";
  child.stderr.on("data", (chunk) => {
    said = (said + chunk).slice(-4000);
    for (const line of String(chunk).split("\n")) if (line.trim()) lines.push(line);
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(hard);
    }
  };
  try {
    const base = await new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`not ready after ${READY_MS / 1000} s: ${said}`)), READY_MS);
      child.once("exit", (code, signal) => fail(new Error(`the program ended with ${code ?? signal}: ${said}`)));
      child.once("error", fail);
      createInterface({ input: child.stdout }).on("line", (line) => {
        lines.push(line);
        try {
          const { listening } = JSON.parse(line);
          if (listening) {
            clearTimeout(timer);
            // The addresses and keys follow at once.
            setTimeout(() => done(listening), 500);
          }
        } catch {
          // Words for people.
        }
      });
    });
    return { base, lines, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
