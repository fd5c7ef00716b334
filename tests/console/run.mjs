// usage: node run.mjs QUICKSTART   (an absolute path)
// Prints what holds of the console, and ends with 1 where something does not.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Daemon, HOSTILE } from "./daemon.mjs";
import { drive } from "./drive.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGE_BYTES_MAX = 200_000;
const results = { passed: 0, failed: 0 };

export function report(name, failure) {
  results[failure === undefined ? "passed" : "failed"] += 1;
  console.log(`${failure === undefined ? "ok  " : "FAIL"} ${name}${failure === undefined ? "" : `\n     ${failure}`}`);
}

async function check(name, step) {
  report(name, await step().then(() => undefined, (failure) => failure.stack ?? String(failure)));
}

// A context that fails where a page runs what it must not, or asks another host for anything.
async function context(browser, daemon, options) {
  const context = await browser.newContext({ baseURL: daemon.address, viewport: { width: 1280, height: 900 }, timezoneId: "America/New_York", ...options });
  context.setDefaultTimeout(15_000);
  context.wrongs = [];
  context.on("page", (page) => {
    page.on("pageerror", (error) => context.wrongs.push(`script: ${error.message}`));
    page.on("dialog", (dialog) => (context.wrongs.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
    page.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) context.wrongs.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(daemon.address)) context.wrongs.push(`asks ${request.url()}`);
    });
  });
  return context;
}

function clean(context) {
  const wrongs = context.wrongs.splice(0);
  if (wrongs.length > 0) throw new Error(wrongs.join("\n     "));
}

// The pages, each with something that it must show.
async function pages(daemon) {
  const json = async (path) => (await fetch(daemon.address + path)).json();
  const user = encodeURIComponent(HOSTILE);
  const entry = (await json("/user/1040/wallet?from=2011-12-01&limit=1")).entries[0].id;
  const hostileEntry = (await json(`/user/${user}/wallet`)).entries[0].id;
  const steps = (await json(`/user/1040/trace?from=${Date.now() - 600_000}`)).steps;
  const late = steps.flatMap((step) => step.records).find((record) => record.id === "late");
  const quarantined = (await json("/quarantine")).quarantined[0].position;
  return {
    users: ["/console", "1001"],
    search: ["/console?query=104", "1040"],
    user: ["/console/user?id=1040&at=2011-12-15", "At a glance"],
    "user-now": ["/console/user?id=1040", "What came late"],
    "user-known": [`/console/user?id=1040&known=${late.receivedMillis - 1}`, "What became known since"],
    wallet: ["/console/user/wallet?id=1040&month=2011-12", "Why"],
    bill: ["/console/user/bill?id=1040&month=2011-12", "Balance after"],
    "bill-final": ["/console/user/bill?id=1040&month=2011-12&final=true", "nothing was known"],
    charge: [`/console/user/charge?id=1040&entry=${entry}`, "policy.aquarium.yaml:"],
    trace: ["/console/user/trace?id=1040&from=2011-12-01", "Before"],
    policies: ["/console/policies", "An agreement’s week"],
    changes: ["/console/policies/changes?deployment=deployment-2", "0.06"],
    quarantine: ["/console/quarantine", "How much, and why"],
    quarantined: [`/console/quarantine/one?position=${quarantined}`, "As it came"],
    components: ["/console/components", "ingest"],
    fault: ["/console/user?id=nobody", "there is no record"],
    hostile: [`/console/user?id=${user}`, "U+202E"],
    "hostile-charge": [`/console/user/charge?id=${user}&entry=${hostileEntry}`, "U+202E"],
    "hostile-trace": [`/console/user/trace?id=${user}`, "U+202E"],
  };
}

// Each look has a tab of its own: what one page still follows is nothing to the next.
async function inTab(context, task) {
  const page = await context.newPage();
  await task(page);
  await page.close();
}

async function look(page, [address, shown]) {
  const answer = await page.goto(address, { waitUntil: "load" });
  const bytes = (await answer.body()).length;
  if (bytes > PAGE_BYTES_MAX) throw new Error(`${bytes} bytes`);
  if (!(await page.locator("main").innerText()).includes(shown)) throw new Error(`it does not show ${shown}`);
  if ((await page.title()) === "run") throw new Error("what a sender wrote was run");
}

async function axe(page) {
  // Not as a script of the page, which its policy of content would not run.
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  if (found.violations.length > 0) {
    throw new Error(found.violations.map((it) => `${it.id}: ${it.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`).join("\n     "));
  }
}

async function everyPage(browser, daemon, pictures, colorScheme) {
  const looking = await context(browser, daemon, { colorScheme });
  for (const [name, one] of Object.entries(await pages(daemon))) {
    await check(`${name}, ${colorScheme}: it is shown, and axe finds nothing`, async () => {
      await inTab(looking, async (page) => {
        await look(page, one);
        await axe(page);
        await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
      });
      clean(looking);
    });
  }
  await looking.close();
}

async function withoutScripts(browser, daemon, pictures) {
  const looking = await context(browser, daemon, { javaScriptEnabled: false });
  for (const [name, one] of Object.entries(await pages(daemon))) {
    await check(`${name}: it is read without scripts`, () => inTab(looking, async (page) => {
      await look(page, one);
      if (["user", "user-now"].includes(name)) {
        await page.locator("svg.chart polyline.balance").waitFor({ state: "attached" });
        await page.screenshot({ path: join(pictures, `${name}-without-scripts.png`), fullPage: true });
      }
    }));
  }
  await looking.close();
}

async function narrow(browser, daemon, pictures) {
  const looking = await context(browser, daemon, { viewport: { width: 360, height: 740 } });
  for (const [name, one] of Object.entries(await pages(daemon))) {
    await check(`${name}: it fits a narrow screen`, () => inTab(looking, async (page) => {
      await look(page, one);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) throw new Error(`it is ${over} pixels too wide`);
      if (["user", "policies", "charge"].includes(name)) await page.screenshot({ path: join(pictures, `${name}-narrow.png`), fullPage: true });
    }));
  }
  await looking.close();
}

// The clock of a zone at an instant, as the browser's own data has it.
function clockOf(zone, instant) {
  const style = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const part = Object.fromEntries(new Intl.DateTimeFormat("en", style).formatToParts(new Date(instant)).map((it) => [it.type, it.value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second}`;
}

async function elsewhere(browser, daemon, zone) {
  await daemon.moveTo(zone);
  for (const javaScriptEnabled of [false, true]) {
    const looking = await context(browser, daemon, { javaScriptEnabled });
    for (const name of ["user", "charge", "trace", "bill"]) {
      const one = (await pages(daemon))[name];
      await check(`${name}: the clocks are those of ${zone}, ${javaScriptEnabled ? "with" : "without"} scripts`, () => inTab(looking, async (page) => {
        await look(page, one);
        if ((await page.locator("html").getAttribute("data-zone")) !== zone) throw new Error("it has another zone");
        const times = await page.locator("time.instant").evaluateAll((found) => found.map((it) => [it.dateTime, it.querySelector(".local").textContent]));
        if (times.length < 2) throw new Error("there are no dates");
        for (const [instant, local] of times) {
          const clock = clockOf(zone, instant);
          const expected = javaScriptEnabled ? new Intl.DateTimeFormat("en-US", { timeZone: zone, dateStyle: "medium", timeStyle: "medium" }).format(new Date(instant)) : clock;
          if (!local.startsWith(expected)) throw new Error(`${instant} is shown as ${local}, not ${expected}`);
        }
      }));
    }
    await looking.close();
  }
}

const pictures = process.env.CONSOLE_SCREENSHOTS;
mkdirSync(pictures, { recursive: true });
const daemon = new Daemon(process.argv[2]);
const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", ...quiet] });
try {
  await daemon.prepare();
  for (const colorScheme of ["light", "dark"]) await everyPage(browser, daemon, pictures, colorScheme);
  await withoutScripts(browser, daemon, pictures);
  await narrow(browser, daemon, pictures);
  const driven = await context(browser, daemon, {});
  await drive(driven, daemon, pictures, check);
  await driven.close();
  await elsewhere(browser, daemon, "Europe/Athens");
} catch (failure) {
  report("the run", failure.stack);
} finally {
  await browser.close();
  await daemon.end();
}
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exit(results.failed === 0 && results.passed > 0 ? 0 : 1);
