// How many check-ins a second a server takes over HTTP, each answered once it is on the disk.
//   node benches/load/ingest.mjs --events 10000000
// Bodies are made before the clock starts (165 bytes an event in this process; --ahead 0 makes them meanwhile, which
// costs the machine that is measured). Every event has an id of its own. A line is printed for each million.
import http from "node:http";
import { CheckIns, ask, options, quantile, sleep, start } from "./common.mjs";

const wanted = options({
  program: "target/release/vungxanh",
  events: 2_000_000,
  venues: 5_000,
  connections: 4,
  rows: 50_000,
  hours: 12,
  ahead: 1,
});
const STEP = 1_000_000;
const batches = Math.ceil(wanted.events / wanted.rows);
const events = batches * wanted.rows;
const made = new CheckIns({ ...wanted, total: events, spanSeconds: wanted.hours * 3600 });
const bodies = wanted.ahead ? Array.from({ length: batches }, (_, n) => made.batch(n)) : [];
const server = await start(wanted.program, wanted.venues);
try {
  const headers = { authorization: `Bearer ${server.keys.ingest}`, "content-type": "application/x-ndjson" };
  const agent = new http.Agent({ keepAlive: true, maxSockets: wanted.connections });
  const took = [];
  const steps = [];
  let [next, accepted, refused, position] = [0, 0, 0, 0];
  const cpuBefore = server.cpuSeconds();
  const ownBefore = process.cpuUsage();
  const begun = performance.now();
  let step = { at: begun, accepted: 0, cpu: cpuBefore };
  const stepped = () => {
    const [now, cpu] = [performance.now(), server.cpuSeconds()];
    const rate = Math.round((accepted - step.accepted) / ((now - step.at) / 1000));
    const microseconds = ((cpu - step.cpu) * 1e6) / (accepted - step.accepted);
    steps.push(rate);
    step = { at: now, accepted, cpu };
    const millions = (accepted / STEP).toFixed(1);
    console.error(`${millions} M: ${rate}/s, ${microseconds.toFixed(2)} us of CPU each, ${server.rss().now} MB`);
  };
  const producer = async () => {
    while (next < batches) {
      const number = next++;
      const body = bodies[number] ?? made.batch(number);
      delete bodies[number];
      const sent = performance.now();
      for (;;) {
        const answer = await ask(agent, server.url, "POST", "/v1/check-ins", headers, body).catch((error) => ({ error }));
        if (answer.status === 429 || answer.error) {
          refused += 1;
          await sleep(1000 * Number(answer.headers?.["retry-after"] ?? 1));
          continue;
        }
        const found = JSON.parse(answer.body);
        if (answer.status !== 200 || found.rejected_total > 0) throw new Error(answer.body);
        took.push(performance.now() - sent);
        accepted += found.accepted;
        position = Math.max(position, found.position);
        if (accepted - step.accepted >= STEP) stepped();
        break;
      }
    }
  };
  await Promise.all(Array.from({ length: wanted.connections }, producer));
  const seconds = (performance.now() - begun) / 1000;
  const own = process.cpuUsage(ownBefore);
  agent.destroy();
  console.log(
    JSON.stringify({
      events,
      accepted,
      position,
      seconds: Number(seconds.toFixed(2)),
      per_second: Math.round(accepted / seconds),
      per_second_of_each_million: steps,
      server_cpu_us_per_event: Number((((server.cpuSeconds() - cpuBefore) * 1e6) / accepted).toFixed(2)),
      generator_cpu_us_per_event: Number(((own.user + own.system) / accepted).toFixed(2)),
      acknowledged_p50_ms: Math.round(quantile(took, 0.5)),
      acknowledged_p99_ms: Math.round(quantile(took, 0.99)),
      told_to_wait: refused,
      rss_mb: server.rss(),
    }),
  );
} finally {
  await server.stop();
}
