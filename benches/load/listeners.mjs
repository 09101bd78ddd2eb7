// What listeners of /v1/changes cost: memory of the server for so many that wait, and how long after a change the
// first and the last of them are told.
//   node benches/load/listeners.mjs --program target/release/vungxanh --listeners 1000
import http from "node:http";
import { ask, options, quantile, sleep, start } from "./common.mjs";

const wanted = options({ program: "target/release/vungxanh", venues: 2_000, listeners: 1_000, changes: 5 });
const server = await start(wanted.program, wanted.venues);
const open = [];
try {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const key = server.keys.ingest;
  const before = server.rss().now;
  /** @type {((at: number) => void) | null} */
  let told = null;
  await Promise.all(
    Array.from(
      { length: wanted.listeners },
      () =>
        new Promise((resolve, reject) => {
          const request = http.get({ agent: false, hostname: server.url.hostname, port: server.url.port, path: "/v1/changes", headers: { authorization: `Bearer ${server.keys.analyst}` } });
          open.push(request);
          request.on("error", reject);
          request.on("response", (answer) => {
            if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
            answer.setEncoding("utf8");
            answer.on("data", (text) => {
              resolve(null);
              if (text.includes('"layer"')) told?.(performance.now());
            });
            answer.on("error", () => {});
          });
        }),
    ),
  );
  await sleep(1000);
  const waiting = server.rss().now;
  const first = [];
  const last = [];
  for (let change = 0; change < wanted.changes; change++) {
    let count = 0;
    const all = new Promise((resolve) => {
      const begun = performance.now();
      told = (at) => {
        count += 1;
        if (count === 1) first.push(at - begun);
        if (count === wanted.listeners) {
          last.push(at - begun);
          resolve(null);
        }
      };
    });
    const body = `{"id":"change-${change}","venue":"v${change}","person":"p${change}","at":"2021-05-07T19:00:00+07:00","direction":"in"}\n`;
    const answer = await ask(agent, server.url, "POST", "/v1/check-ins", { authorization: `Bearer ${key}`, "content-type": "application/x-ndjson" }, body);
    if (answer.status !== 200) throw new Error(String(answer.body));
    await Promise.race([all, sleep(20_000).then(() => Promise.reject(new Error(`only ${count} listeners were told`)))]);
    told = null;
    await sleep(1500);
  }
  agent.destroy();
  console.log(
    JSON.stringify({
      listeners: wanted.listeners,
      rss_mb_before: before,
      rss_mb_waiting: waiting,
      rss_mb_after: server.rss().now,
      first_told_ms: Math.round(quantile(first, 0.5)),
      last_told_ms: Math.round(quantile(last, 0.5)),
    }),
  );
} finally {
  for (const request of open) request.destroy();
  await server.stop();
}
