// A user's hands on the workbench: what is seen of a broken policy, in pictures.

import { join } from "node:path";

const SLOW = { timeout: 60_000 };

export async function drive(page, report, pictures) {
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
      await word(page, "effective").hover();
      await page.waitForSelector('.monaco-hover:visible:has-text("at 22:00 every day")', SLOW);
      await picture("hover");
      await page.keyboard.press("Escape");
    },
    "what may stand at a place is proposed": async () => {
      await word(page, "nigths").dblclick();
      await page.keyboard.press("Control+Space");
      await page.waitForSelector('.suggest-widget.visible .monaco-list-row:has-text("nights")', SLOW);
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
      await word(page, "nigths").dblclick();
      await page.keyboard.press("Control+.");
      await page.waitForSelector('.action-widget .monaco-list-row:has-text("write `nights`")', SLOW);
      await picture("fix");
      await page.keyboard.press("Enter");
      await page.waitForSelector(".view-line:has-text('pricelist: nights')", SLOW);
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    const failure = await step().then(() => undefined, (error) => error.message);
    report(`workbench: ${name}`, failure);
    if (failure !== undefined) break;
  }
  await picture("last");
}

// The innermost span of the editor that has a word.
function word(page, text) {
  return page.locator(".view-line span > span", { hasText: text });
}

async function quickOpen(page, name) {
  await page.keyboard.press("Control+P");
  await page.waitForSelector(".quick-input-widget input", SLOW);
  await page.keyboard.type(name);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first().waitFor(SLOW);
  await page.keyboard.press("Enter");
  await page.waitForSelector(`.tab.active:has-text("${name}")`, SLOW);
}

async function openFile(page, name) {
  const row = page.locator(".explorer-folders-view .monaco-list-row", { hasText: name });
  await row.waitFor(SLOW);
  await row.dblclick();
  await page.waitForSelector(".editor-instance .view-lines .view-line", SLOW);
}
