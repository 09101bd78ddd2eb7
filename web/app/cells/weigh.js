// What an answer weighed: on the line, by the browser's own records, and compressed alike for comparing.

/** The browser writes a request down a moment after its body was read. */
const LOOKS = 20;
const LOOK_MS = 10;
/** Where the records are full the browser writes nothing more. */
const RECORDS = 500;

performance.setResourceTimingBufferSize?.(2 * RECORDS);

/**
 * Bytes of the newest answer from that address.
 * @param {string} url
 * @returns {Promise<{sent: number, line: number}>}
 */
export async function transferred(url) {
  for (let look = 0; look < LOOKS; look++) {
    const entry = /** @type {PerformanceResourceTiming | undefined} */ (performance.getEntriesByName(url, "resource").at(-1));
    if (entry) {
      if (performance.getEntriesByType("resource").length > RECORDS) performance.clearResourceTimings();
      return { sent: entry.encodedBodySize, line: entry.transferSize };
    }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
  throw new Error(`the browser keeps no record of ${url}`);
}

/**
 * The size of bytes under gzip as this browser does it.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
export async function gzipped(bytes) {
  if (bytes.length === 0) return 0;
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).arrayBuffer()).byteLength;
}
