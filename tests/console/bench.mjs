// usage: node bench.mjs QUICKSTART [USERS] [EVENTS_PER_SECOND]   (an absolute path)
// How soon pages of the console come from a daemon that has many users and is sent events meanwhile: tables in Markdown.
// First without a browser, which would take the processors that the events are charged on: from the request to the first
// byte of the answer. Then in a browser: first byte and render count from the beginning of the navigation; a page is rendered
// at the second frame after everything was loaded. Between them a page of a server that does nothing else is looked at as
// often: whoever looks, sender and daemon share the machine, and what that page takes is theirs.

import { spawn } from "node:child_process";
import { Agent, get, request } from "node:http";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { chromium } from "playwright-core";
import { Daemon } from "./daemon.mjs";

const ROUNDS = 40;
const ROUNDS_WITHOUT_BROWSER = 100;
// Between two pages that are fetched: nobody looks at many at once.
const PAUSE_MILLIS = 20;
// Users that the events of the load are about, of all that there are.
const ACTIVE_USERS = 20_000;
const BEAT_MILLIS = 100;
// Bytes that wait to be sent, at most: where the daemon takes less than is to be sent, less is sent, and said to be.
const WAITING_BYTES_MAX = 16 << 20;
const LINE_END = 10;
const PAGES = [
  "/console",
  "/console?query=77777",
  "/console/user?id=1040&at=2011-12-15",
  "/console/user?id=u-777",
  "/console/user/wallet?id=1040",
  "/console/user/bill?id=1040&month=2011-12",
  "/console/user/trace?id=1040&from=2011-12-01",
  "/console/policies",
  "/console/quarantine",
  "/console/components",
];

// A stream of lines; `answered` counts those that are durable: each is answered by a line.
function stream(address) {
  const counter = { sent: 0, answered: 0, refused: false };
  const sending = request(`${address}/events`, { method: "POST", headers: { "Content-Type": "application/x-ndjson" } });
  const ended = new Promise((resolve, reject) => {
    sending.on("error", reject);
    sending.on("response", (answer) => {
      counter.refused = answer.statusCode !== 200;
      answer.on("data", (part) => (counter.answered += part.filter((byte) => byte === LINE_END).length));
      answer.on("end", resolve);
    });
  });
  const write = (lines) => {
    counter.sent += lines.length;
    return sending.write(`${lines.join("\n")}\n`);
  };
  const isFull = () => sending.writableLength > WAITING_BYTES_MAX;
  return { counter, write, isFull, drained: () => new Promise((resolve) => sending.once("drain", resolve)), end: () => (sending.end(), ended) };
}

function line(id, user, resource, value) {
  return `{"id":"${id}","occurredMillis":${Date.now()},"clientID":"bench","userID":"${user}","resource":"${resource}","instanceID":"1","eventVersion":"1.0","value":${value},"details":{"path":"/some/container/object"}}`;
}

// Every user has something running, so that balances move.
async function fill(address, users) {
  const { counter, write, drained, end } = stream(address);
  for (let first = 0; first < users; first += 1_000) {
    const lines = Array.from({ length: Math.min(1_000, users - first) }, (_, place) => line(`fill-${first + place}`, `u-${first + place}`, "diskspace", 1));
    if (!write(lines)) await drained();
  }
  await end();
  if (counter.refused || counter.answered !== users) throw new Error(`${counter.answered} of ${users} events were answered`);
}

async function charged(address) {
  while (!(await (await fetch(`${address}/metrics`)).text()).includes("\naquarium_fold_lag_records 0\n")) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Sends so many events a second until it is told to end; then says how many were sent, and durable, in a second.
async function load({ address, rate, users }) {
  const { counter, write, isFull, end } = stream(address);
  const begun = Date.now();
  const beat = setInterval(() => {
    if (isFull()) return;
    const behind = Math.floor(((Date.now() - begun) * rate) / 1_000) - counter.sent;
    const due = Math.min(behind, Math.ceil((2 * rate * BEAT_MILLIS) / 1_000));
    write(Array.from({ length: due }, (_, place) => line(`load-${counter.sent + place}`, `u-${((counter.sent + place) * 7_919) % Math.min(users, ACTIVE_USERS)}`, "bandwidthup", 2)));
  }, BEAT_MILLIS);
  parentPort.once("message", async () => {
    clearInterval(beat);
    const seconds = (Date.now() - begun) / 1_000;
    const { sent, answered } = counter;
    await end();
    parentPort.postMessage({ sent: sent / seconds, durable: answered / seconds });
  });
}

// A server, in a process of its own, that has a page ready.
async function bare() {
  const code = `const page = "<!doctype html><title>bare</title>" + "<p>bare</p>".repeat(900);
    const answer = (_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end(page);
    require("node:http").createServer(answer).listen(0, "127.0.0.1", function () { console.log(this.address().port); });`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  const port = await new Promise((resolve) => child.stdout.once("data", (text) => resolve(Number(text))));
  return { page: `http://127.0.0.1:${port}/`, end: () => child.kill() };
}

async function look(page, path) {
  const response = await page.goto(path, { waitUntil: "load" });
  if (response.status() !== 200) throw new Error(`${path}: ${response.status()}`);
  const bytes = (await response.body()).length;
  const [first, rendered] = await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    await frame().then(frame);
    const now = performance.now();
    return [performance.getEntriesByType("navigation")[0].responseStart, now];
  });
  return { first, rendered, bytes };
}

function share(values, percent) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))].toFixed(1);
}

// A page without a browser, by a connection that is kept.
function fetched(agent, url) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const asked = get(url, { agent }, (answer) => {
      const first = performance.now() - begun;
      let bytes = 0;
      answer.on("data", (part) => (bytes += part.length));
      answer.on("end", () => (answer.statusCode === 200 ? resolve({ first, bytes }) : reject(new Error(`${url}: ${answer.statusCode}`))));
    });
    asked.on("error", reject);
  });
}

// Looks at all pages, each as often as the bare one, while events are sent; a table of what they took.
async function rounds({ name, count, columns, look, address, bare, users, rate }) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { address, rate, users } });
  const times = new Map(PAGES.map((path) => [path, []]));
  const bareTimes = [];
  for (let round = 0; round < count; round += 1) {
    for (const path of PAGES) {
      times.get(path).push(await look(address + path));
      bareTimes.push(await look(bare));
    }
  }
  const sent = await new Promise((resolve) => (worker.once("message", resolve), worker.postMessage("end")));
  console.log(`\n${name}: ${users} users; ${Math.round(sent.sent)} events/s sent meanwhile, ${Math.round(sent.durable)} events/s durable\n`);
  console.log(`| page | ${columns.map(({ title }) => `${title}: median | p99`).join(" | ")} | bytes |\n|---|${"---|---|".repeat(columns.length)}---|`);
  const row = (title, looks) => {
    const figures = columns.flatMap(({ key }) => [50, 99].map((percent) => `${share(looks.map((it) => it[key]), percent)} ms`));
    console.log(`| ${title} | ${figures.join(" | ")} | ${Math.max(...looks.map((it) => it.bytes))} |`);
  };
  for (const [path, looks] of times) row(`\`${path}\``, looks);
  row("all", [...times.values()].flat());
  row("a page that was ready, of a server that does nothing else", bareTimes);
}

async function measure([quickstart, users = "1000000", rate = "50000"]) {
  const daemon = new Daemon(quickstart);
  const yardstick = await bare();
  try {
    await daemon.start();
    await fill(daemon.address, Number(users));
    await charged(daemon.address);
    const whole = { address: daemon.address, bare: yardstick.page, users: Number(users), rate: Number(rate) };
    const agent = new Agent({ keepAlive: true });
    const first = { title: "first byte", key: "first" };
    const paused = (url) => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS)).then(() => fetched(agent, url));
    await rounds({ name: "Without a browser", count: ROUNDS_WITHOUT_BROWSER, columns: [first], look: paused, ...whole });
    agent.destroy();
    await charged(daemon.address);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
    const columns = [first, { title: "rendered", key: "rendered" }];
    await rounds({ name: "In a browser", count: ROUNDS, columns, look: (url) => look(page, url), ...whole });
    await browser.close();
  } finally {
    yardstick.end();
    await daemon.end();
  }
}

if (isMainThread) {
  await measure(process.argv.slice(2));
} else {
  await load(workerData);
}
