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

/** `ratetop sim` or `ratetop tap` on a free port. */
const start = (...args) => run(process.env.RATETOP, [...args, "--listen", "127.0.0.1:0"]);

/** A server that says where it listens. */
async function run(program, args) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  for await (const line of createInterface({ input: child.stdout })) {
    assert.match(line, /^listening on http:\/\//);
    return { child, url: line.replace("listening on ", "") };
  }
  assert.fail(`${program} ${args[0]} ended before it listened`);
}

/** The taps that RATETOP_SDK_TAP may name. */
const TAPS = {
  alone: (upstream) => start("tap", "--admin", "off", "--upstream", upstream),
  http2: (upstream) => start("tap", "--admin", "off", "--upstream", upstream, "--http2"),
  screen: (upstream) => run("python3", [fileURLToPath(new URL("../screen.py", import.meta.url)), upstream]),
};

/**
 * `scenario` names a file of `scenarios/`; call this first thing in a `describe`. With RATETOP_SDK_TAP a
 * tap stands before the simulator.
 */
export function world(scenario) {
  const here = { url: "", wire: [] };
  const servers = [];
  before(async () => {
    const path = fileURLToPath(new URL(`../scenarios/${scenario}.toml`, import.meta.url));
    servers.unshift(await start("sim", "--scenario", path, "--seed", "7"));
    const tap = process.env.RATETOP_SDK_TAP;
    if (tap) servers.unshift(await TAPS[tap](servers[0].url));
    here.url = servers[0].url;
  });
  after(async () => {
    for (const { child } of servers) {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill("SIGTERM");
      assert.equal(await ended, 0);
    }
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
