// A user's hands on the workbench: what is seen of a broken policy, in pictures.

import { join } from "node:path";

const SLOW = { timeout: 60_000 };

export async function drive(page, report, pictures, workspace) {
  const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`) });
  const steps = {
    "the workbench opens the folder": async () => {
      await page.waitForSelector(".monaco-workbench .part.statusbar", SLOW);
      await page.waitForSelector(".explorer-folders-view .monaco-list-row", SLOW);
    },
    "a policy opens with its language": async () => {
      await openFile(page, "broken.aquarium.yaml");
      await page.waitForSelector('[id="status.editor.mode"]:has-text("Aquarium policy")', SLOW);
    },
    "the mistake is underlined": async () => {
      await page.waitForSelector(".squiggly-error", SLOW);
    },
    "keys, names and expressions have colours of their own": async () => {
      const line = page.locator(".view-line:has-text('vmtime:') span span").first();
      await line.waitFor(SLOW);
      const colours = await page.$$eval(".view-line", (lines) => new Set(lines.flatMap((it) => [...it.querySelectorAll("span > span")].map((span) => span.className))).size);
      if (colours < 4) throw new Error(`only ${colours} kinds of token`);
    },
    "the finding stands in the list of problems": async () => {
      await page.keyboard.press("Control+Shift+M");
      const rows = page.locator(".markers-panel .monaco-list-row", { hasText: "aquarium" });
      await rows.first().waitFor(SLOW);
      await picture("squiggle");
      await page.keyboard.press("Control+Shift+M");
    },
    "a place tells what it means": async () => {
      await quickOpen(page, "teams.aquarium.yaml");
      await again(async () => {
        await page.mouse.move(5, 5);
        await word(page, "effective").hover({ timeout: 5_000 });
        await page.waitForSelector('.monaco-hover:visible:has-text("at 22:00 every day")', { timeout: 5_000 });
      });
      await picture("hover");
      await page.keyboard.press("Escape");
    },
    "what may stand at a place is proposed": async () => {
      await again(async () => {
        await page.keyboard.press("Escape");
        await word(page, "nigths").dblclick();
        await page.keyboard.press("Control+Space");
        await page.waitForSelector('.suggest-widget.visible .monaco-list-row:has-text("nights")', { timeout: 5_000 });
      });
      await picture("completion");
      await page.keyboard.press("Escape");
    },
    "a name is changed in its box": async () => {
      await word(page, "base").first().dblclick();
      await page.keyboard.press("F2");
      const isReady = () => document.activeElement?.closest(".rename-box") !== null && document.activeElement.value === "base";
      await page.waitForFunction(isReady, undefined, SLOW);
      await page.keyboard.type("standard");
      await picture("rename");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".view-line:has-text('extends: standard')", SLOW);
      await page.keyboard.press("Control+Z");
    },
    "a slip is mended from the lamp": async () => {
      const row = page.locator(".action-widget .monaco-list-row", { hasText: "write `nights`" });
      // The menu goes away when findings come in while it is open.
      await again(async () => {
        await page.keyboard.press("Escape");
        await word(page, "nigths").dblclick();
        await page.keyboard.press("Control+.");
        await row.waitFor({ timeout: 5_000 });
      });
      await picture("fix");
      await row.click(SLOW);
      await page.waitForSelector(".view-line:has-text('pricelist: nights')", SLOW);
    },
    "the prices of an agreement's week are a grid": async () => {
      await quickOpen(page, "prices.aquarium.yaml");
      await page.locator(".codelens-decoration a", { hasText: "prices of the week" }).click(SLOW);
      const view = webview(page);
      const machines = view.locator("section", { hasText: "vmtime" });
      await machines.locator("table.week").waitFor(SLOW);
      const hours = await machines.locator("td").allTextContents();
      if (hours.length !== 168) throw new Error(`${hours.length} hours`);
      const night = hours.slice(0, 6).concat(hours.slice(22, 24)).join("");
      const day = hours.slice(6, 22).join("");
      const legend = await machines.locator(".legend").innerText();
      if (!/^(A+|B+)$/.test(night) || !/^(A+|B+)$/.test(day) || night[0] === day[0]) throw new Error(`nights ${night}, days ${day}`);
      for (const price of ["0.5 per hr", "1 per hr"]) if (!legend.includes(price)) throw new Error(`no ${price}: ${legend}`);
      await machines.locator("summary").first().click();
      await picture("week");
      await page.keyboard.press("Control+W");
    },
    "recorded events are charged in a view": async () => {
      await focusEditor(page, "prices.aquarium.yaml");
      await command(page, "Aquarium: Charge an Event File");
      const path = page.locator('.quick-input-widget input[aria-label*="The events to charge"]');
      await path.waitFor(SLOW);
      const view = webview(page);
      // A dialog that is still listing a folder puts that folder in the place of what is typed.
      await again(async () => {
        if (await path.isVisible()) {
          await path.fill(`${workspace}/prices/events.ndjson`);
          await page.keyboard.press("Enter");
        }
        await view.locator("h1", { hasText: "events.ndjson" }).waitFor({ timeout: 5_000 });
      });
      for (const person of await view.locator("summary").all()) await person.click();
      const shown = await view.locator("body").innerText();
      for (const words of ["alice\t-10\t0\t10\t0", "bob\t-4\t0\t4\t0", "2 users, 0 duplicates"]) {
        if (!shown.includes(words)) throw new Error(`no ${JSON.stringify(words)}: ${JSON.stringify(shown)}`);
      }
      await picture("charges");
      await page.keyboard.press("Control+W");
    },
    "a test is run from the lens above it, and what it expects in vain is shown": async () => {
      await quickOpen(page, "prices.test.aquarium.yaml");
      await page.locator(".codelens-decoration a", { hasText: "run test" }).nth(1).click(SLOW);
      await page.getByText("1 != 2").first().waitFor(SLOW);
      await picture("failed-test");
      await page.keyboard.press("Escape");
    },
    "all tests stand in the explorer with what came of them": async () => {
      await command(page, "Test: Run All Tests with Coverage");
      const row = (name, state) => page.locator(`.test-explorer .monaco-list-row[aria-label*="${state}"]`, { hasText: name });
      await command(page, "Testing: Focus on Test Explorer View");
      await page.locator(".test-explorer .monaco-list-row", { hasText: "prices.test.aquarium.yaml" }).click(SLOW);
      await page.keyboard.press("ArrowRight");
      await row("days cost the full price", "Passed").waitFor(SLOW);
      await row("nights cost half", "Failed").waitFor(SLOW);
      await picture("tests");
      await command(page, "View: Toggle Panel Visibility");
    },
    "what tests reach is marked in the policy's gutter": async () => {
      await quickOpen(page, "prices.aquarium.yaml");
      await page.waitForSelector(".coverage-deco-gutter.coverage-deco-hit", SLOW);
      await page.waitForSelector(".coverage-deco-gutter.coverage-deco-miss", SLOW);
      await picture("coverage");
    },
    "the walkthrough shows its steps": async () => {
      await command(page, "Welcome: Open Walkthrough");
      await page.locator(".quick-input-list .monaco-list-row", { hasText: "Write charging policies" }).click(SLOW);
      await page.locator(".getting-started-step, .step-title", { hasText: "See the prices of a week" }).first().waitFor(SLOW);
      await picture("walkthrough");
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    const failure = await step().then(() => undefined, (error) => error.message);
    report(`workbench: ${name}`, failure);
    if (failure !== undefined) break;
  }
  await picture("last");
}

// Does something until it works, for a time.
async function again(step) {
  for (const end = Date.now() + SLOW.timeout; ; ) {
    const failure = await step().then(() => undefined, (error) => error);
    if (failure === undefined) return;
    if (Date.now() > end) throw failure;
  }
}

// The innermost span of the editor that has a word.
function word(page, text) {
  return page.locator(".view-line span > span", { hasText: text });
}

async function quickOpen(page, name) {
  await (await quickInput(page, "Control+P")).fill(name);
  await page.locator(`.quick-input-list .monaco-list-row[aria-label^="${name}"]`).first().click(SLOW);
  await page.waitForSelector(`.tab.active:has-text("${name}")`, SLOW);
}

// The page inside a view of an extension.
function webview(page) {
  return page.frameLocator("iframe.webview.ready").frameLocator("#active-frame");
}

// The box that a key opens. A view that has just been closed takes the focus with it: the key is
// lost then, or closes the box at once.
async function quickInput(page, key) {
  const input = page.locator(".quick-input-widget input");
  await again(async () => {
    await page.keyboard.press(key);
    await input.waitFor({ timeout: 5_000 });
  });
  return input;
}

async function command(page, title) {
  await (await quickInput(page, "F1")).fill(`>${title}`);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: title }).first().click(SLOW);
}

async function focusEditor(page, name) {
  await page.locator(`.tab:has-text("${name}")`).first().click(SLOW);
}

async function openFile(page, name) {
  const row = page.locator(".explorer-folders-view .monaco-list-row", { hasText: name });
  await row.waitFor(SLOW);
  await row.dblclick();
  await page.waitForSelector(".editor-instance .view-lines .view-line", SLOW);
}
