// The simulator, as the TypeScript SDK reads it.
import Anthropic from "@anthropic-ai/sdk";
import { beforeEach, describe, test } from "node:test";
import assert from "node:assert/strict";
import { ADMIN_KEY, API_KEY, ask, world } from "./world.mjs";

describe("messages", () => {
  const here = world("plain");
  beforeEach(() => (here.wire.length = 0));

  test("create().withResponse() gives message, headers and request id", async () => {
    const { data, response, request_id } = await here.client().messages.create(ask()).withResponse();
    assert.equal(data.type, "message");
    assert.equal(data.content[0].type, "text");
    assert.ok(data.usage.output_tokens >= 20 && data.usage.output_tokens <= 40);
    assert.ok(request_id.startsWith("req_"));
    for (const family of ["requests", "tokens", "input-tokens", "output-tokens"]) {
      assert.ok(Number(response.headers.get(`anthropic-ratelimit-${family}-remaining`)) >= 0);
    }
  });

  test("messages.stream() accumulates", async () => {
    const stream = here.client().messages.stream(ask({ model: "claude-opus-5-5" }));
    let text = "";
    stream.on("text", (delta) => (text += delta));
    const message = await stream.finalMessage();
    assert.equal(message.stop_reason, "end_turn");
    assert.equal(message.content[0].text, text);
    assert.ok(message.usage.output_tokens >= 20);
  });

  test("a tool is asked for, in a stream as well, and its result is answered", async () => {
    const input_schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const tools = [{ name: "get_weather", input_schema }];
    const asked = await here.client().messages.create(ask({ tools }));
    assert.equal(asked.stop_reason, "tool_use");
    const use = asked.content.at(-1);
    assert.deepEqual([use.type, use.name, typeof use.input.city], ["tool_use", "get_weather", "string"]);
    const streamed = await here.client().messages.stream(ask({ tools })).finalMessage();
    assert.equal(streamed.stop_reason, "tool_use");
    assert.deepEqual(streamed.content.at(-1).input, use.input);
    const result = { type: "tool_result", tool_use_id: use.id, content: "Sunny." };
    const messages = [...ask().messages, { role: "assistant", content: asked.content }, { role: "user", content: [result] }];
    assert.equal((await here.client().messages.create(ask({ tools, messages }))).stop_reason, "end_turn");
  });

  test("a stop sequence ends the text and is named", async () => {
    const request = ask({ stop_sequences: ["simulator"] });
    const whole = await here.client().messages.create(request);
    const streamed = await here.client().messages.stream(request).finalMessage();
    for (const message of [whole, streamed]) {
      assert.equal(message.stop_reason, "stop_sequence");
      assert.equal(message.stop_sequence, "simulator");
      assert.ok(!message.content[0].text.includes("simulator"));
    }
    assert.equal(streamed.content[0].text, whole.content[0].text);
  });

  test("compression is negotiated, also for streams", async () => {
    const body = JSON.stringify(ask({ stream: true }));
    for (const coding of ["gzip", "br", "zstd", "identity"]) {
      const headers = {
        "x-api-key": API_KEY,
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "accept-encoding": coding,
      };
      const response = await fetch(`${here.url}/v1/messages`, { method: "POST", body, headers });
      const sent = response.headers.get("content-encoding");
      assert.equal(sent ?? "identity", coding);
      if (coding !== "zstd") assert.match(await response.text(), /event: message_stop/);
      else await response.arrayBuffer();
    }
  });

  test("countTokens and models.list", async () => {
    const client = here.client();
    const { model, messages } = ask();
    assert.ok((await client.messages.countTokens({ model, messages })).input_tokens > 0);
    const listed = [];
    for await (const model of client.models.list({ limit: 4 })) listed.push(model.id);
    assert.ok(listed.includes("claude-opus-5-5"));
    assert.equal(new Set(listed).size, listed.length);
  });

  test("the organization's and a workspace's limits", async () => {
    const admin = here.client({ apiKey: ADMIN_KEY });
    const entries = [];
    for await (const entry of admin.organization.rateLimits.list({ limit: 3 })) entries.push(entry);
    const opus = entries.find((entry) => entry.models?.includes("claude-opus-5-5"));
    const rpm = opus.limits.find((limit) => limit.type === "requests_per_minute");
    assert.equal(rpm.value, 5000);
    const overrides = [];
    const workspace = "wrkspc_01SdkTestsResearchAAAAAA";
    for await (const entry of admin.organization.workspaces.rateLimits.list(workspace)) overrides.push(entry);
    assert.deepEqual(overrides.map((entry) => entry.limits.length), [2]);
    assert.ok(entries.some((entry) => entry.id === overrides[0].rate_limit_id));
    assert.equal((await admin.organization.retrieve()).type, "organization");
  });

  test("the key may come in either header", async () => {
    const old = here.client({ apiKey: null, defaultHeaders: { "X-Api-Key": API_KEY } });
    assert.ok((await old.messages.create(ask())).content.length);
    await assert.rejects(here.client({ apiKey: "sk-ant-api03-other" }).messages.create(ask()), Anthropic.AuthenticationError);
  });
});

describe("limits", () => {
  const here = world("limited");

  test("a refusal is a RateLimitError, and its wait is obeyed", async () => {
    await assert.rejects(here.client().messages.create(ask()), (error) => {
      assert.ok(error instanceof Anthropic.RateLimitError);
      assert.equal(error.type, "rate_limit_error");
      assert.equal(error.errorCode, null);
      assert.ok(Number(error.headers.get("retry-after")) >= 1);
      return true;
    });
    here.wire.length = 0;
    await here.client({ maxRetries: 2 }).messages.create(ask());
    assert.deepEqual(here.wire.map((answer) => answer.status), [429, 200]);
    const asked = Number(here.wire[0].headers.get("retry-after"));
    // Node's timers may fire a millisecond early.
    assert.ok(here.wire[1].at - here.wire[0].at >= asked * 1000 - 2);
  });
});

describe("the spend cap", () => {
  const here = world("spend-tier");

  test("has a code and no wait", async () => {
    await assert.rejects(here.client().messages.create(ask()), (error) => {
      assert.ok(error instanceof Anthropic.RateLimitError);
      assert.equal(error.errorCode, "enforced_spend_limit_reached");
      assert.equal(error.headers.get("retry-after"), null);
      return true;
    });
  });
});

describe("batches", () => {
  const here = world("batches");

  test("create, retrieve, results, list, cancel, delete", async () => {
    const { batches } = here.client().messages;
    const requests = ["a", "b"].map((custom_id) => ({ custom_id, params: ask() }));
    let batch = await batches.create({ requests });
    assert.deepEqual([batch.processing_status, batch.request_counts.processing], ["in_progress", 2]);
    await assert.rejects(batches.results(batch.id), /No batch `results_url`/);
    const { id } = batch;
    while (batch.processing_status !== "ended") batch = await batches.retrieve(id);
    assert.equal(batch.request_counts.succeeded, 2);
    const seen = new Map();
    for await (const line of await batches.results(id)) seen.set(line.custom_id, line.result);
    assert.deepEqual([...seen.keys()].sort(), ["a", "b"]);
    assert.equal(seen.get("a").message.usage.service_tier, "batch");
    const other = await batches.create({ requests });
    assert.equal((await batches.cancel(other.id)).processing_status, "canceling");
    const listed = [];
    for await (const it of batches.list({ limit: 1 })) listed.push(it.id);
    assert.deepEqual(listed, [other.id, id]);
    assert.equal((await batches.delete(id)).type, "message_batch_deleted");
    await assert.rejects(batches.retrieve(id), Anthropic.NotFoundError);
  });
});

describe("faults", () => {
  const here = world("faults");
  beforeEach(() => (here.wire.length = 0));

  test("an error in the stream is thrown with its type and without a status, and not retried", async () => {
    const stream = here.client({ maxRetries: 2 }).messages.stream(ask());
    await assert.rejects(stream.finalMessage(), (error) => {
      assert.ok(error instanceof Anthropic.APIError);
      assert.equal(error.status, undefined);
      assert.equal(error.type, "overloaded_error");
      return true;
    });
    assert.equal(here.wire.length, 1);
  });

  test("a cut stream and one without message_stop are errors", async () => {
    for (const model of ["claude-haiku-5-5", "claude-sonnet-5-5"]) {
      await assert.rejects(here.client().messages.stream(ask({ model })).finalMessage(), model);
    }
  });

  test("overloaded, pause_turn and refusal", async () => {
    const client = here.client();
    await assert.rejects(client.messages.create(ask({ model: "claude-opus-4-8" })), Anthropic.OverloadedError);
    const paused = await client.messages.create(ask({ model: "claude-opus-5-5" }));
    assert.equal(paused.stop_reason, "pause_turn");
    assert.equal((await client.messages.create(ask({ model: "claude-opus-5" }))).stop_reason, "refusal");
  });
});
