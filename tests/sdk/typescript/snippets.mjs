// Runs TypeScript that `ratetop call --as-code` wrote, for `python/test_code.py`: one JSON object a line
// on stdin and stdout. {id, check: [texts]} says what the compiler has against them; {id, text, url, dry}
// makes one call, {id, status, slept} says how it ended. With `dry` no wait is waited.
import ts from "typescript";
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

// Below node_modules, so that imports of the SDK lead to it.
const place = fileURLToPath(new URL(`../node_modules/.snippets-${process.pid}/`, import.meta.url));
mkdirSync(place);
process.on("exit", () => rmSync(place, { recursive: true }));

const REQUEST = { model: "claude-haiku-4-5", max_tokens: 64, messages: [{ role: "user", content: "Say hello." }] };
// Time that passes only by waiting, in front of a snippet that names the real ones.
const DRY = `
const setTimeout = (...args) => globalThis.dry.setTimeout(...args);
const performance = { now: () => globalThis.dry.now() };
`;

function check(texts) {
  const paths = texts.map((text, n) => {
    const path = `${place}checked-${n}.ts`;
    writeFileSync(path, text);
    return path;
  });
  const options = {
    strict: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
  };
  const program = ts.createProgram(paths, options);
  return ts.getPreEmitDiagnostics(program).map((it) => ts.flattenDiagnosticMessageText(it.messageText, "\n"));
}

async function load(text, dry) {
  const name = createHash("sha256").update(text).update(String(dry)).digest("hex").slice(0, 16);
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  writeFileSync(`${place}${name}.mjs`, dry ? DRY + outputText : outputText);
  return import(`${place}${name}.mjs`);
}

async function call({ text, url, dry }) {
  const slept = [];
  if (dry) {
    globalThis.dry = {
      setTimeout: (resume, ms) => (slept.push(ms / 1000), resume()),
      now: () => 1e6 + 1000 * slept.reduce((sum, s) => sum + s, 0),
    };
  }
  const { client, retrying = (send) => send() } = await load(text, dry);
  client.baseURL = url;
  try {
    await retrying(() => client.messages.create(REQUEST));
    return { slept, status: 200 };
  } catch (error) {
    return { slept, status: error.status ?? error.constructor.name };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, ...job } = JSON.parse(line);
  const done = (job.check ? Promise.resolve(check(job.check)) : call(job)).then((result) =>
    console.log(JSON.stringify({ id, result })),
  );
  // Dry calls share one clock.
  if (job.dry) await done;
}
