// A helpdesk's hands on the console: by keys alone, through searches, sliders and filters, and while the daemon is away.

import { join } from "node:path";

export async function drive(context, daemon, pictures, check) {
  const page = await context.newPage();
  const is = (holds, what) => {
    if (!holds) throw new Error(what);
  };

  await check("by keys: the first tab skips to the content", async () => {
    await page.goto("/console");
    await page.keyboard.press("Tab");
    is((await focused(page)) === "Skip to the content", await focused(page));
    await page.keyboard.press("Enter");
    is(await page.evaluate(() => document.activeElement.id === "content"), "the content is not reached");
  });

  await check("by keys: a user is found while typing, and opened", async () => {
    await page.keyboard.press("/");
    await page.keyboard.type("1040");
    await page.waitForFunction(() => document.querySelectorAll("#results tbody tr").length === 1);
    is(page.url().includes("query=1040"), "the address does not follow");
    for (let tab = 0; tab < 5 && (await focused(page)) !== "1040"; tab += 1) await page.keyboard.press("Tab");
    is((await focused(page)) === "1040", `the user is not reached by tabs, but ${await focused(page)}`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/console\/user\?id=1040/);
  });

  await check("by keys: every link, field and button of a page is reached and seen", async () => {
    await page.goto("/console/user?id=1040&at=2011-12-15");
    const all = await page.locator("a:visible, input:visible, button:visible, summary:visible, [tabindex='0']:visible").count();
    const seen = new Set();
    for (let tab = 0; tab < all + 5; tab += 1) {
      await page.keyboard.press("Tab");
      const place = await page.evaluate(() => {
        const element = document.activeElement;
        const outlined = getComputedStyle(element).outlineStyle !== "none";
        return { index: [...document.querySelectorAll("*")].indexOf(element), outlined, name: element.outerHTML.slice(0, 80) };
      });
      is(place.outlined || place.name.startsWith("<body"), `no outline: ${place.name}`);
      seen.add(place.index);
    }
    is(seen.size >= all, `${seen.size} of ${all}`);
  });

  await check("the chart can be pointed at", async () => {
    await page.locator("figure .u-over").hover();
    const values = () => [...document.querySelectorAll(".u-legend .u-value")].slice(1, 3).map((it) => it.textContent);
    await page.waitForFunction(`(${values})().some((value) => /\\d/.test(value))`);
  });

  await check("by keys: the slider moves the page to another instant", async () => {
    const slider = page.getByLabel("Slide: at");
    await slider.focus();
    const before = await page.locator("dd .large data").first().getAttribute("value");
    for (let press = 0; press < 3; press += 1) await page.keyboard.press("PageDown");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => /^\d+$/.test(url.searchParams.get("at") ?? ""));
    const after = await page.locator("dd .large data").first().getAttribute("value");
    is(before !== after, `${before} as before`);
  });

  await check("the second slider shows what was known", async () => {
    await page.goto("/console/user?id=1040");
    const known = await page.locator("details tbody tr td:last-child a").first();
    await page.locator("summary", { hasText: "What came late" }).click();
    await known.click();
    await page.waitForURL(/known=/);
    await page.locator("p.mark", { hasText: "changes the balance" }).waitFor();
    await page.screenshot({ path: join(pictures, "late.png"), fullPage: true });
  });

  await check("times are those of the policy's zone wherever the reader is", async () => {
    await page.goto("/console/user?id=1040&at=1323907200000");
    const time = page.locator("section time").first();
    is((await time.getAttribute("datetime")) === "2011-12-15T00:00:00Z", "UTC");
    const zone = await page.evaluate(() => document.documentElement.dataset.zone);
    const expected = await page.evaluate((zone) => new Intl.DateTimeFormat(navigator.languages, { timeZone: zone, dateStyle: "medium", timeStyle: "medium" }).format(1323907200000), zone);
    is((await time.locator(".local").textContent()) === expected, "local");
  });

  await check("entries are filtered, paged, and say why", async () => {
    await page.goto("/console/user/wallet?id=1040");
    await page.getByRole("link", { name: "Next page" }).click();
    await page.waitForURL(/after=100/);
    await page.getByLabel("Resource").fill("vmtime");
    await page.getByLabel("Month").fill("2011-12");
    await page.keyboard.press("Enter");
    await page.waitForURL(/resource=vmtime/);
    const resources = await page.locator("tbody td:nth-child(3)").allInnerTexts();
    is(resources.length > 5 && resources.every((it) => it === "vmtime"), resources.join());
    await page.getByRole("link", { name: /^Why/ }).first().click();
    await page.getByRole("heading", { name: "The arithmetic" }).waitFor();
    await page.getByRole("link", { name: "Trace from here" }).click();
    await page.waitForURL(/trace/);
  });

  await check("a bill is exported as REST has it, and printed without what is around it", async () => {
    await page.goto("/console/user/bill?id=1040&month=2011-12");
    const closing = await page.locator(".bill .facts div:last-child data").getAttribute("value");
    const json = await (await page.request.get(await page.getByRole("link", { name: "As JSON" }).getAttribute("href"))).json();
    is(json.closing === closing, `${json.closing} ${closing}`);
    const csv = await (await page.request.get(await page.getByRole("link", { name: "As CSV" }).getAttribute("href"))).text();
    is(csv.trim().endsWith(closing), csv.slice(-60));
    await page.emulateMedia({ media: "print" });
    for (const part of ["header", "form", "footer"]) is(!(await page.locator(part).isVisible()), `the ${part} is printed`);
    await page.screenshot({ path: join(pictures, "bill-printed.png"), fullPage: true });
    await page.emulateMedia({ media: "screen" });
  });

  await check("an agreement's week is chosen", async () => {
    await page.goto("/console/policies");
    await page.getByLabel("Resource").selectOption("vmtime");
    await page.getByRole("button", { name: "Show" }).click();
    await page.waitForURL(/resource=vmtime/);
    is((await page.locator("table.week tbody tr").count()) === 24, "24 hours");
  });

  await check("what a deployment changed is told for all of its time, and leads to the weeks before and since", async () => {
    await page.goto("/console/policies");
    await page.getByRole("link", { name: /What it changed/ }).first().click();
    // Another agreement has a price of its own in some hours of the week: there nothing changes.
    const subjects = await page.locator("main section h2").allInnerTexts();
    is(subjects.join() === "agreement default,agreement research", subjects.join());
    const other = page.locator("main section:nth-of-type(2) tbody tr");
    is((await other.count()) === 1, "one price is another, and nothing else");
    const when = await other.locator("td").first().innerText();
    is(when === "until 2010-12-30T10:00:00Z; every week Fri 14:00 to Sat 15:00, Sun 15:00 to Mon 12:00; from 2011-12-30T10:00:00Z on", when);
    const row = page.locator("main section:nth-of-type(1) tbody tr");
    is((await row.count()) === 1, "one price is another, and nothing else");
    const cells = await row.locator("th, td").allInnerTexts();
    is(cells[0] === "vmtime" && cells[1] === "always", cells.join(" | "));
    is(cells[2].startsWith("0.05 per Hr") && cells[3].startsWith("0.06 per Hr"), cells.join(" | "));
    const weeks = row.locator("td:last-child a");
    for (const [place, price] of [[0, "0.05"], [1, "0.06"]]) {
      const week = await page.context().newPage();
      await week.goto(await weeks.nth(place).getAttribute("href"));
      is((await week.locator("table.week tbody td").first().innerText()) === price, `the week has not ${price}`);
      is((await week.getByLabel("Resource").inputValue()) === "vmtime", "the week is of another resource");
      await week.close();
    }
  });

  await check("quarantine leads from a reason to the bytes", async () => {
    await page.goto("/console/quarantine");
    await page.getByRole("link", { name: "bad-version" }).click();
    await page.locator("section[aria-labelledby=list] tbody a").first().click();
    await page.locator("summary", { hasText: "Its bytes" }).click();
    is((await page.locator("details pre").innerText()).startsWith("00000000  7b"), "the dump");
  });

  await check("live figures stop with the daemon and come back with it", async () => {
    await page.goto("/console/components");
    await page.locator("#live", { hasText: "Live." }).waitFor();
    const searching = await context.newPage();
    await searching.goto("/console");
    await daemon.stop("SIGKILL");
    await page.locator("#live", { hasText: "does not answer" }).waitFor();
    await searching.keyboard.press("/");
    await searching.keyboard.type("10");
    await searching.locator("#results", { hasText: "does not answer" }).waitFor();
    await daemon.start();
    await page.locator("#live", { hasText: "Live." }).waitFor({ timeout: 30_000 });
    await searching.keyboard.type("4");
    await searching.waitForFunction(() => document.querySelectorAll("#results tbody tr").length >= 1);
    await searching.close();
  });

  await check("nothing of that was forbidden to the pages", async () => {
    const wrongs = context.wrongs.filter((wrong) => !wrong.includes("ERR_CONNECTION"));
    is(wrongs.length === 0, wrongs.join("\n     "));
  });
}

function focused(page) {
  return page.evaluate(() => document.activeElement.textContent.trim().slice(0, 40));
}
