// The language status item: how the server is.

import * as vscode from "vscode";
import { State } from "vscode-languageclient/node";

/** Shows the state of the server beside the language, in the status bar. */
export class ServerStatus implements vscode.Disposable {
  private readonly item: vscode.LanguageStatusItem;

  constructor(language: string) {
    this.item = vscode.languages.createLanguageStatusItem("aquarium.server", { language });
    this.item.name = "Aquarium language server";
    this.item.command = { command: "aquarium.restartServer", title: "Restart" };
    this.starting();
  }

  /** What the client says about the server. */
  show(state: State, server: { name: string; version?: string } | undefined): void {
    if (state === State.Running) {
      this.set(server ? `${server.name} ${server.version ?? ""}`.trim() : "Aquarium", "Language server", false);
    } else if (state === State.Starting) {
      this.starting();
    } else {
      this.set("Aquarium: stopped", "The language server does not run", false, vscode.LanguageStatusSeverity.Warning);
    }
  }

  starting(): void {
    this.set("Aquarium", "The language server starts", true);
  }

  failed(): void {
    this.set("Aquarium: no server", "The language server does not start", false, vscode.LanguageStatusSeverity.Error);
  }

  dispose(): void {
    this.item.dispose();
  }

  private set(text: string, detail: string, busy: boolean, severity = vscode.LanguageStatusSeverity.Information): void {
    Object.assign(this.item, { text, detail, busy, severity });
  }
}
