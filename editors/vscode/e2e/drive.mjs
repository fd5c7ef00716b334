// A user's hands on the workbench: what is seen of a broken policy, in pictures.

import { join } from "node:path";

const SLOW = { timeout: 60_000 };

export async function drive(page, report, pictures) {
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
    },
  };
  for (const [name, step] of Object.entries(steps)) {
    const failure = await step().then(() => undefined, (error) => error.message);
    report(`workbench: ${name}`, failure);
    if (failure !== undefined) break;
  }
  await page.screenshot({ path: join(pictures, "squiggle.png") });
}

async function openFile(page, name) {
  const row = page.locator(".explorer-folders-view .monaco-list-row", { hasText: name });
  await row.waitFor(SLOW);
  await row.dblclick();
  await page.waitForSelector(".editor-instance .view-lines .view-line", SLOW);
}
