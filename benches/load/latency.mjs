// How long after its acknowledgement an event is in the exact tile, while many others come in.
//   node benches/load/latency.mjs --program target/release/vungxanh --rate 50000 --seconds 25
// Each prober has a venue to itself, far from the crowd: it sends one check-in, and once that is acknowledged asks for
// the tile there until its ETag is another. Four readers fetch tiles of the crowd meanwhile.
import http from "node:http";
import { CheckIns, ask, options, quantile, sleep, start, venueAt } from "./common.mjs";

const wanted = options({
  program: "target/release/vungxanh",
  rate: 50_000,
  seconds: 25,
  venues: 5_000,
  rows: 2_500,
  readers: 4,
  probers: 4,
});
// The probers' venues are the last of the grid, rows below the others.
const server = await start(wanted.program, wanted.venues + 100 * (wanted.probers + 1) * 10);
try {
  const total = wanted.rate * wanted.seconds;
  const made = new CheckIns({ ...wanted, total, spanSeconds: wanted.seconds });
  const bearer = (role) => ({ authorization: `Bearer ${server.keys[role]}` });
  const post = { ...bearer("ingest"), "content-type": "application/x-ndjson" };
  const agent = new http.Agent({ keepAlive: true });
  let over = false;
  let [accepted, refused] = [0, 0];
  const posts = [];
  const cpuBefore = server.cpuSeconds();
  const send = async (body) => {
    for (;;) {
      const answer = await ask(agent, server.url, "POST", "/v1/check-ins", post, body);
      if (answer.status === 200) return JSON.parse(answer.body).accepted;
      if (answer.status !== 429) throw new Error(String(answer.body));
      refused += 1;
      await sleep(1000 * Number(answer.headers["retry-after"]));
    }
  };

  const begun = performance.now();
  const crowd = async () => {
    const batches = Math.floor(total / wanted.rows);
    const under = new Set();
    for (let number = 0; number < batches; number++) {
      const due = begun + (number * wanted.rows * 1000) / wanted.rate;
      await sleep(Math.max(0, due - performance.now()));
      const sent = performance.now();
      const one = send(made.batch(number)).then((count) => {
        posts.push(performance.now() - sent);
        accepted += count;
        under.delete(one);
      });
      under.add(one);
      if (under.size >= 8) await Promise.race(under);
    }
    await Promise.all(under);
    over = true;
  };

  const tileTimes = [];
  const reader = async (number) => {
    for (let n = number; !over; n += 7) {
      const z = 11 + (n % 4);
      const path = tileOf(venueAt((n * 131) % wanted.venues), z);
      const sent = performance.now();
      const answer = await ask(agent, server.url, "GET", path, bearer("analyst"));
      if (answer.status !== 200 && answer.status !== 204) throw new Error(`${path}: ${answer.status}`);
      tileTimes.push(performance.now() - sent);
      await sleep(10);
    }
  };

  const lags = [];
  const prober = async (number) => {
    const venue = wanted.venues + 100 * (number + 1) * 10;
    const path = tileOf(venueAt(venue), 14);
    let etag = (await ask(agent, server.url, "GET", path, bearer("analyst"))).headers.etag;
    for (let n = 0; !over; n++) {
      const line = `{"id":"probe-${number}-${n}","venue":"v${venue}","person":"probe${number}-${n}","at":"2021-05-07T08:00:00+07:00","direction":"in","method":"venue_qr"}\n`;
      await send(Buffer.from(line));
      const acknowledged = performance.now();
      for (;;) {
        const answer = await ask(agent, server.url, "GET", path, bearer("analyst"));
        if (answer.status === 200 && answer.headers.etag !== etag) {
          etag = answer.headers.etag;
          break;
        }
        await sleep(5);
      }
      lags.push(performance.now() - acknowledged);
    }
  };

  await Promise.all([
    crowd(),
    ...Array.from({ length: wanted.readers }, (_, n) => reader(n)),
    ...Array.from({ length: wanted.probers }, (_, n) => prober(n)),
  ]);
  const seconds = (performance.now() - begun) / 1000;
  agent.destroy();
  const of = (numbers) => ({
    count: numbers.length,
    p50_ms: Math.round(quantile(numbers, 0.5)),
    p99_ms: Math.round(quantile(numbers, 0.99)),
    highest_ms: Math.round(quantile(numbers, 1)),
  });
  console.log(
    JSON.stringify({
      events_per_second: Math.round(accepted / seconds),
      seconds: Number(seconds.toFixed(1)),
      server_cores: Number(((server.cpuSeconds() - cpuBefore) / seconds).toFixed(2)),
      event_to_tile: of(lags),
      batch_post: of(posts),
      tile_fetch: of(tileTimes),
      told_to_wait: refused,
      rss_mb: server.rss(),
    }),
  );
} finally {
  await server.stop();
}

function tileOf({ lng, lat }, z) {
  const size = 2 ** z;
  const x = Math.floor(((lng + 180) / 360) * size);
  const angle = (lat * Math.PI) / 180;
  const y = Math.floor(((1 - Math.log(Math.tan(angle) + 1 / Math.cos(angle)) / Math.PI) / 2) * size);
  return `/tiles/cells/${z}/${x}/${y}`;
}
