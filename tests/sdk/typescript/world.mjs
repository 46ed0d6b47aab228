// A simulator of one scenario, for as long as a suite lives, and clients that speak to it.
import Anthropic from "@anthropic-ai/sdk";
import { spawn } from "node:child_process";
import { after, before } from "node:test";
import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const API_KEY = "sk-ant-api03-ratetop-sim";
export const ADMIN_KEY = "sk-ant-admin01-ratetop-sim";

for (const name of Object.keys(process.env)) {
  if (/_proxy$/i.test(name) || name.startsWith("ANTHROPIC_")) delete process.env[name];
}

/** `scenario` names a file of `scenarios/`; call this first thing in a `describe`. */
export function world(scenario) {
  const here = { url: "", wire: [] };
  let simulator;
  before(async () => {
    const path = fileURLToPath(new URL(`../scenarios/${scenario}.toml`, import.meta.url));
    const args = ["sim", "--listen", "127.0.0.1:0", "--scenario", path, "--seed", "7"];
    simulator = spawn(process.env.RATETOP, args, { stdio: ["ignore", "pipe", "ignore"] });
    for await (const line of createInterface({ input: simulator.stdout })) {
      assert.match(line, /^listening on http:\/\//);
      here.url = line.replace("listening on ", "");
      break;
    }
    assert.ok(here.url, "the simulator ended before it listened");
  });
  after(async () => {
    const ended = new Promise((resolve) => simulator.on("exit", resolve));
    simulator.kill("SIGTERM");
    assert.equal(await ended, 0);
  });
  here.client = (options = {}) =>
    new Anthropic({
      apiKey: API_KEY,
      baseURL: here.url,
      maxRetries: 0,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        here.wire.push({ at: performance.now(), status: response.status, headers: response.headers });
        return response;
      },
      ...options,
    });
  return here;
}

export const ask = (more = {}) => ({
  model: "claude-haiku-4-5",
  max_tokens: 64,
  messages: [{ role: "user", content: "Say hello." }],
  ...more,
});
