// What the TypeScript SDK does after each answer of `decisions.json`: an array of "stop", "backoff" (its own
// wait of 0.375 to 0.5 s), or the seconds that it waits. As python/measure.py does: every request goes over
// the wire; waits of up to a second are waited and held against the gap at the server, longer ones are read.
import Anthropic from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import http from "node:http";
import { performance } from "node:perf_hooks";

/** Longer waits are read, not waited, milliseconds. */
const PATIENCE = 1000;
const MESSAGE = {
  id: "msg_01Stub",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5",
  content: [{ type: "text", text: "Hello." }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: 9, output_tokens: 2 },
};

// Which case a timer belongs to, and the waits of each: what the SDK's own `sleep` sets.
const current = new AsyncLocalStorage();
const timer = globalThis.setTimeout;
globalThis.setTimeout = (call, ms, ...rest) => {
  const waits = current.getStore();
  if (!waits || !new Error().stack.includes("internal/utils/sleep")) return timer(call, ms, ...rest);
  waits.push(ms);
  return timer(call, ms <= PATIENCE ? ms : 0, ...rest);
};
// Dates are told in whole seconds and read by the clock of the day: it stands still.
const now = Math.floor(Date.now() / 1000) * 1000;
Date.now = () => now;

function dated(headers) {
  const value = headers["retry-after"];
  if (!value?.startsWith("+")) return headers;
  return { ...headers, "retry-after": new Date(now + Number(value.slice(1)) * 1000).toUTCString() };
}

async function one({ status, headers }) {
  const seen = [];
  const server = http.createServer((request, response) => {
    request.resume().on("end", () => {
      seen.push(performance.now());
      const refused = seen.length === 1;
      response.writeHead(refused ? status : 200, { "content-type": "application/json", ...(refused ? dated(headers) : {}) });
      const error = { type: "error", error: { type: "api_error", message: "Scripted." } };
      response.end(JSON.stringify(refused ? error : MESSAGE));
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const waits = [];
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  const client = new Anthropic({ apiKey: "sk-ant-x", baseURL, maxRetries: 1 });
  const ask = { model: "claude-haiku-4-5", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] };
  try {
    await current.run(waits, () => client.messages.create(ask));
  } catch (error) {
    assert.equal(error.status, status);
  }
  server.closeAllConnections();
  server.close();
  if (seen.length === 1) {
    assert.deepEqual(waits, []);
    return "stop";
  }
  assert.equal(waits.length, 1, JSON.stringify({ status, headers, waits }));
  const [wait] = waits;
  // Node's timers may fire a millisecond early.
  if (wait <= PATIENCE) assert.ok(seen[1] - seen[0] >= wait - 2);
  return wait >= 375 && wait <= 500 && wait !== 400 ? "backoff" : wait / 1000;
}

/** In the order of the cases. */
export async function measure(cases) {
  const done = new Array(cases.length);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < cases.length; at = next++) done[at] = await one(cases[at]);
  };
  await Promise.all(Array.from({ length: 24 }, worker));
  return done;
}
