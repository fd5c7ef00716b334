// usage: node bench.mjs QUICKSTART [USERS] [EVENTS_PER_SECOND]   (an absolute path)
// How soon pages of the console come, in a browser, from a daemon that has many users and is sent events meanwhile: a
// table in Markdown. First byte and render count from the beginning of the navigation, its connection included;
// a page is rendered at the second frame after everything was loaded. Between them a page of a server that does nothing else
// is looked at as often: browser, sender and daemon share the machine, and what that page takes is theirs.

import { spawn } from "node:child_process";
import { request } from "node:http";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { chromium } from "playwright-core";
import { Daemon } from "./daemon.mjs";

const ROUNDS = 40;
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

async function measure([quickstart, users = "1000000", rate = "50000"]) {
  const daemon = new Daemon(quickstart);
  const yardstick = await bare();
  try {
    await daemon.start();
    await fill(daemon.address, Number(users));
    await charged(daemon.address);
    const worker = new Worker(new URL(import.meta.url), { workerData: { address: daemon.address, rate: Number(rate), users: Number(users) } });
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    const page = await (await browser.newContext({ baseURL: daemon.address, viewport: { width: 1280, height: 900 } })).newPage();
    const times = new Map(PAGES.map((path) => [path, []]));
    const bareTimes = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const path of PAGES) {
        times.get(path).push(await look(page, path));
        bareTimes.push(await look(page, yardstick.page));
      }
    }
    await browser.close();
    const sent = await new Promise((resolve) => (worker.once("message", resolve), worker.postMessage("end")));
    console.log(`${users} users; ${Math.round(sent.sent)} events/s sent meanwhile, ${Math.round(sent.durable)} events/s durable\n`);
    console.log("| page | first byte: median | p99 | rendered: median | p99 | bytes |\n|---|---|---|---|---|---|");
    const row = (name, looks) => {
      const [first, rendered] = ["first", "rendered"].map((key) => looks.map((it) => it[key]));
      console.log(`| ${name} | ${share(first, 50)} ms | ${share(first, 99)} ms | ${share(rendered, 50)} ms | ${share(rendered, 99)} ms | ${Math.max(...looks.map((it) => it.bytes))} |`);
    };
    for (const [path, looks] of times) row(`\`${path}\``, looks);
    row("all", [...times.values()].flat());
    row("a page that was ready, of a server that does nothing else", bareTimes);
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
