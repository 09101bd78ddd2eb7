// How many check-ins a second a server takes over HTTP, each answered once it is on the disk.
//   node benches/load/ingest.mjs --program target/release/vungxanh --events 2000000
// Bodies are made before the clock starts unless they would not fit (--ahead 0): then making them costs this machine too.
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
const server = await start(wanted.program, wanted.venues);
try {
  const batches = Math.ceil(wanted.events / wanted.rows);
  const events = batches * wanted.rows;
  const made = new CheckIns({ ...wanted, total: events, spanSeconds: wanted.hours * 3600 });
  const bodies = wanted.ahead ? Array.from({ length: batches }, (_, n) => made.batch(n)) : [];
  const headers = { authorization: `Bearer ${server.keys.ingest}`, "content-type": "application/x-ndjson" };
  const agent = new http.Agent({ keepAlive: true, maxSockets: wanted.connections });
  const took = [];
  let [next, accepted, refused, position] = [0, 0, 0, 0];
  let highest = 0;
  const watch = setInterval(() => {
    const { now } = server.rss();
    highest = Math.max(highest, now);
    const rate = Math.round(accepted / ((performance.now() - begun) / 1000));
    console.error(`${accepted} stored, ${rate}/s so far, ${refused} told to wait, ${now} MB`);
  }, 5000);
  const cpuBefore = server.cpuSeconds();
  const begun = performance.now();
  const producer = async () => {
    while (next < batches) {
      const number = next++;
      const body = bodies[number] ?? made.batch(number);
      delete bodies[number];
      for (;;) {
        const sent = performance.now();
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
        break;
      }
    }
  };
  await Promise.all(Array.from({ length: wanted.connections }, producer));
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(watch);
  agent.destroy();
  console.log(
    JSON.stringify({
      events,
      accepted,
      position,
      seconds: Number(seconds.toFixed(2)),
      per_second: Math.round(accepted / seconds),
      server_cpu_us_per_event: Number((((server.cpuSeconds() - cpuBefore) * 1e6) / accepted).toFixed(2)),
      request_p50_ms: Math.round(quantile(took, 0.5)),
      request_p99_ms: Math.round(quantile(took, 0.99)),
      told_to_wait: refused,
      rss_mb: server.rss(),
    }),
  );
} finally {
  await server.stop();
}
