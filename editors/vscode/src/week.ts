// The prices of an agreement in a week, hour by hour, in a view beside the policy.

import * as vscode from "vscode";
import { page } from "./page";
import { type Week, weekBody } from "./week-page";

/** Asks the server something beyond the protocol. */
export type Ask = <T>(method: string, params: object) => Promise<T>;

/** Shows the week of an agreement; without one, of one that is asked for. */
export async function showWeek(ask: Ask, uri?: string, agreement?: string): Promise<void> {
  const document = uri ?? vscode.window.activeTextEditor?.document.uri.toString();
  const name = agreement ?? (await vscode.window.showInputBox({ prompt: "The agreement to show", value: "default" }));
  if (document === undefined || name === undefined) return;
  const week = await ask<Week>("aquarium/week", { uri: document, agreement: name });
  const panel = vscode.window.createWebviewPanel("aquarium.week", `Week of ${name}`, vscode.ViewColumn.Beside);
  panel.webview.html = page(`Week of ${name}`, weekBody(week));
}
