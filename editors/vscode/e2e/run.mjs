// usage: node run.mjs ADDRESS WORKSPACE HELPER_EXTENSION SUITE   (absolute paths)
// Runs the suite in the extension host, then the drive of the workbench, and prints what passed.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { drive } from "./drive.mjs";

const TIME_MAX = 180_000;
const [address, workspace, helper, suite] = process.argv.slice(2);
const pictures = process.env.EDITOR_SCREENSHOTS;
const results = { passed: 0, failed: 0 };

function report(name, failure) {
  results[failure === undefined ? "passed" : "failed"] += 1;
  console.log(`${failure === undefined ? "ok  " : "FAIL"} ${name}${failure === undefined ? "" : `\n     ${failure}`}`);
}

async function answers() {
  const end = Date.now() + 60_000;
  while (Date.now() < end) {
    if (await fetch(`${address}/version`).then((answer) => answer.ok, () => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("the workbench's server does not answer");
}

async function page(browser, query) {
  const opened = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const address_ = `${address}/?folder=${encodeURIComponent(workspace)}${query}`;
  return { opened, go: () => opened.goto(address_, { waitUntil: "domcontentloaded" }) };
}

// The suite says what it tries in lines that begin with `[suite]`, as JSON.
async function runSuite(browser) {
  const remote = (path) => `vscode-remote://${new URL(address).host}${path}`;
  const payload = JSON.stringify([["extensionDevelopmentPath", remote(helper)], ["extensionTestsPath", remote(suite)]]);
  const { opened, go } = await page(browser, `&payload=${encodeURIComponent(payload)}`);
  let ended;
  const end = new Promise((resolve) => (ended = resolve));
  await opened.exposeFunction("codeAutomationLog", (_, texts) => {
    const line = String(texts[0]);
    if (!line.startsWith("[suite]")) return;
    const { name, failure } = JSON.parse(line.slice("[suite]".length));
    report(`extension host: ${name}`, failure);
  });
  await opened.exposeFunction("codeAutomationExit", (code) => ended(code));
  const timer = setTimeout(() => ended("it takes too long"), TIME_MAX);
  await go();
  const code = await end;
  clearTimeout(timer);
  if (code !== 0 && results.failed === 0) report("extension host: the suite ends", String(code));
  if (code !== 0) await opened.screenshot({ path: join(pictures, "suite-failed.png") });
  await opened.close();
}

mkdirSync(pictures, { recursive: true });
await answers();
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...quiet] });
try {
  await runSuite(browser);
  const { opened, go } = await page(browser, "");
  await go();
  await drive(opened, report, pictures, workspace);
} catch (failure) {
  report("the run", failure.stack);
} finally {
  await browser.close();
}
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exit(results.failed === 0 && results.passed > 0 ? 0 : 1);
