// What recorded events would cost by the policy as it stands in the editor, in a view beside it.

import * as vscode from "vscode";
import { type Report, chargesBody } from "./charges-page";
import { page } from "./page";
import type { Ask } from "./week";

/** Charges a file of events, the one given or one that is asked for. */
export async function simulate(ask: Ask, given?: vscode.Uri): Promise<void> {
  const policy = vscode.window.activeTextEditor?.document.uri;
  if (policy === undefined) return;
  const filters = { Events: ["ndjson", "jsonl", "json"] };
  const file = given ?? (await vscode.window.showOpenDialog({ title: "The events to charge", filters }))?.[0];
  if (file === undefined) return;
  const events = new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
  const name = vscode.workspace.asRelativePath(file);
  const report = await ask<Report>("aquarium/simulate", { uri: policy.toString(), name, events });
  const panel = vscode.window.createWebviewPanel("aquarium.simulate", `Charges of ${name}`, vscode.ViewColumn.Beside);
  panel.webview.html = page(`Charges of ${name}`, chargesBody(name, report));
}
