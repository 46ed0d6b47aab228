// The decisions of `decisions.json`, which the Python SDK was measured to make, are the TypeScript SDK's too,
// but for the few of `otherwise`. A process of its own: measuring changes timers and the clock.
import { test } from "node:test";
import assert from "node:assert/strict";
import fs from "node:fs";
import { measure } from "./measure.mjs";

const cases = JSON.parse(fs.readFileSync(new URL("../decisions.json", import.meta.url)));

// It reads the number at the beginning of `1,5`, and after a `retry-after-ms` of 0 the other header.
const otherwise = [
  ...[429, 503, 529].map((status) => ({ status, headers: { "retry-after": "1,5" }, does: 1 })),
  { status: 429, headers: { "retry-after-ms": "0", "retry-after": "1" }, does: 1 },
  { status: 429, headers: { "retry-after-ms": "0", "retry-after": "80" }, does: 80 },
];

// Through a tap it is the same.
test("205 decisions and waits", { skip: "RATETOP_SDK_TAP" in process.env }, async () => {
  const key = ({ status, headers }) => JSON.stringify([status, headers]);
  const known = new Map(otherwise.map((it) => [key(it), it.does]));
  const expected = cases.map((it) => known.get(key(it)) ?? it.sdk);
  assert.deepEqual(await measure(cases), expected);
  assert.equal(cases.filter((it) => known.has(key(it))).length, otherwise.length);
});
