// The pages of the views: what is data stands in them as text, whatever it holds.

import { describe, expect, test } from "vitest";
import { chargesBody } from "../../src/charges-page";
import { derivationsBody } from "../../src/derivations-page";
import { page, text } from "../../src/page";
import { weekBody } from "../../src/week-page";

const WORDING = { price: "0.5 per hr", expression: "price * volume < 3" };
const LINK = { words: "price list nights", uri: "file:///a/b.aquarium", range: { start: { line: 6 } } };
const DAY = { date: "2011-03-27", hours: [[0], [1, 0], [], ...Array.from({ length: 21 }, () => [1])] };
const WEEK = {
  agreement: "<b>gold</b>",
  zone: "Europe/Athens",
  at: 1_320_012_000_000,
  resources: [
    { resource: "vmtime", now: WORDING, priceChain: [LINK], expressionChain: [], values: [WORDING, { price: null, expression: null }], days: [DAY] },
  ],
};

describe("a page", () => {
  test("runs nothing and loads nothing", () => {
    const html = page("a & b", "<p>x</p>");
    expect(html).toContain("default-src 'none'");
    expect(html).toContain("<title>a &amp; b</title>");
    expect(html).not.toContain("<script");
  });

  test("has every text as text", () => {
    expect(text(`<a href="x">'&'</a>`)).toBe("&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  });
});

describe("the week of an agreement", () => {
  const html = weekBody(WEEK);

  test("has a cell for each hour: one price, two prices, none where the clock skips it", () => {
    const cells = [...html.matchAll(/<td class="([^"]*)"[^>]*>([^<]*)<\/td>/g)].map(([, kind, letters]) => `${kind}:${letters}`);
    expect(cells).toHaveLength(24);
    expect(cells.slice(0, 4)).toEqual(["v0:A", "v1:BA", "skipped:", "v1:B"]);
  });

  test("names its prices, the instant and the way to the price", () => {
    expect(html).toContain("<h1>&lt;b&gt;gold&lt;/b&gt;</h1>");
    expect(html).toContain("on the clock of Europe/Athens, in the week of 2011-10-30T22:00:00.000Z");
    expect(html).toContain("0.5 per hr, <code>price * volume &lt; 3</code>");
    expect(html).toContain("not covered");
    expect(html).toContain("price list nights <small>b.aquarium:7</small>");
  });
});

describe("what events come to", () => {
  const entry = { resource: "vmtime", instanceID: null, from: 0, to: 3_600_000, volume: "1", price: "2", agreement: "gold", credits: "2", uncovered: false };
  const report = (entries: number) => ({
    at: 3_600_000,
    users: { "<u>": { balance: "-2", accrued: "0", charged: "2", refilled: "0", entries: Array.from({ length: entries }, () => entry) } },
    duplicates: 1,
    quarantined: [{ reason: "malformed", line: 3, message: "no <event>" }],
  });

  test("has balances, charges and what has no effect", () => {
    const html = chargesBody("events.ndjson", report(1));
    expect(html).toContain("at 1970-01-01T01:00:00Z: 1 user, 1 duplicate,");
    expect(html).toContain('<td class="text">&lt;u&gt;</td><td class="number">-2</td>');
    expect(html).toContain('<td class="text">1970-01-01T00:00:00Z</td><td class="text">1970-01-01T01:00:00Z</td>');
    expect(html).toContain("no &lt;event&gt;");
  });

  test("shows a part of very many charges and says so", () => {
    const html = chargesBody("events.ndjson", report(1000));
    expect(html.match(/<td class="text">vmtime<\/td>/g)).toHaveLength(200);
    expect(html).toContain("and 800 more");
  });
});

describe("how the charges of a test came about", () => {
  const entry = { userID: "<u>", resource: "vmtime", instanceID: "vm", from: 0, to: 3_600_000, volume: "1", price: "2", item: "pricelist gold", source: "p.aquarium:7", agreement: "gold", credits: "2", uncovered: false };
  const steps = [{ text: "volume < 3", source: "p.aquarium:4", value: "true", unit: "" }, { text: null, source: "p.aquarium:4", value: "2", unit: "credit" }];
  const derivation = { entry, expression: " price * volume ", steps, value: "2", precision: 6 };

  test("has each step with its value, and every text as text", () => {
    const html = derivationsBody("a <night>", "failed", [derivation]);
    expect(html).toContain("<h1>a &lt;night&gt;</h1><p>failed</p>");
    expect(html).toContain("&lt;u&gt;, vmtime vm: 2 credits");
    expect(html).toContain("1970-01-01T00:00:00Z to 1970-01-01T01:00:00Z, volume 1, agreement gold");
    expect(html).toContain("price 2 (pricelist gold, p.aquarium:7)");
    expect(html).toContain("<code>volume &lt; 3</code></td><td class=\"number\">true</td>");
    expect(html).toContain("<code>p.aquarium:4</code></td><td class=\"number\">2</td><td class=\"text\">credit</td>");
    expect(html).toContain("comes to 2, rounded half to even to 6 places: 2");
  });

  test("says so where nothing was charged, or nothing covers it", () => {
    expect(derivationsBody("a", "passed", [])).toContain("nothing was charged");
    const uncovered = { ...derivation, entry: { ...entry, uncovered: true, credits: "0" }, expression: null, steps: [], value: null };
    expect(derivationsBody("a", "passed", [uncovered])).toContain("comes to 0: no price or no expression covers it");
  });

  test("does not grow without limit", () => {
    expect(derivationsBody("a", "passed", Array.from({ length: 203 }, () => derivation))).toContain("and 3 more");
  });
});
