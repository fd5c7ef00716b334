// The extension: starts the language server, and shows how it is.

import * as vscode from "vscode";
import { LanguageClient, type LanguageClientOptions, type Location, type Position, State, Trace } from "vscode-languageclient/node";
import { Explanations } from "./explanations";
import { adoptPlainYaml } from "./plain-yaml";
import { findCompiler, findServer } from "./server";
import { simulate } from "./simulate";
import { ServerStatus } from "./status";
import { PolicyTests } from "./tests";
import { type Ask, showWeek } from "./week";

const LANGUAGE = "aquarium";

let session: Session | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  session = new Session(context);
  context.subscriptions.push(
    vscode.commands.registerCommand("aquarium.restartServer", () => session?.restart()),
    vscode.commands.registerCommand("aquarium.showLog", () => session?.showLog()),
    vscode.commands.registerCommand("aquarium.showUses", showUses),
    vscode.commands.registerCommand("aquarium.showWeek", (uri?: string, agreement?: string) => session?.view((ask) => showWeek(ask, uri, agreement))),
    vscode.commands.registerCommand("aquarium.simulate", (events?: vscode.Uri) => session?.view((ask) => simulate(ask, events))),
    vscode.workspace.onDidChangeConfiguration((change) => session?.follow(change)),
    adoptPlainYaml(LANGUAGE),
  );
  await session.start();
}

export async function deactivate(): Promise<void> {
  await session?.stop();
  session = undefined;
}

/** The language server and what shows it. */
class Session {
  private client: LanguageClient | undefined;
  private readonly log = vscode.window.createOutputChannel("Aquarium", { log: true });
  private readonly status = new ServerStatus(LANGUAGE);
  private readonly explanations = new Explanations((code) => this.explain(code));
  private readonly tests: PolicyTests;
  /** The start or stop that is under way: each waits for the one before. */
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly context: vscode.ExtensionContext) {
    const compiler = () => findCompiler(context.extensionPath, settings().get("compiler.path", ""));
    this.tests = new PolicyTests((method, params) => this.ask(method, params), compiler);
    context.subscriptions.push(this.log, this.status, this.explanations, this.tests);
  }

  start(): Promise<void> {
    return this.inTurn(async () => {
      const server = findServer(this.context.extensionPath, settings().get("server.path", ""));
      this.log.info(`starting ${[server.command, ...server.args].join(" ")}`);
      this.status.starting();
      const client = new LanguageClient(LANGUAGE, "Aquarium", server, this.clientOptions());
      client.onDidChangeState(({ newState }) => this.status.show(newState, client.initializeResult?.serverInfo));
      this.client = client;
      await client.setTrace(Trace.fromString(settings().get("trace.server", "off")));
      await client.start().then(
        () => this.tests.findAll(),
        (error: unknown) => this.failed(server.command, error),
      );
    });
  }

  stop(): Promise<void> {
    return this.inTurn(async () => {
      const client = this.client;
      this.client = undefined;
      // A server that never started, or that crashed, cannot be stopped: dispose of the client all the same.
      if (client?.state === State.Running) await client.stop().catch(() => undefined);
      await client?.dispose().catch(() => undefined);
    });
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  showLog(): void {
    this.log.show();
  }

  async follow(change: vscode.ConfigurationChangeEvent): Promise<void> {
    if (change.affectsConfiguration("aquarium.server.path")) await this.restart();
    if (change.affectsConfiguration("aquarium.trace.server")) {
      await this.client?.setTrace(Trace.fromString(settings().get("trace.server", "off")));
    }
  }

  private inTurn(step: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(step, step);
    return this.turn;
  }

  private clientOptions(): LanguageClientOptions {
    return {
      documentSelector: [{ language: LANGUAGE }],
      outputChannel: this.log,
      initializationOptions: { explanations: this.explanations.address("{code}") },
    };
  }

  private failed(command: string, error: unknown): void {
    this.log.error(error instanceof Error ? error : String(error));
    this.status.failed();
    void vscode.window
      .showErrorMessage(`The Aquarium language server \`${command}\` does not start.`, "Show Log", "Settings")
      .then((answer) => {
        if (answer === "Show Log") this.showLog();
        if (answer === "Settings") void vscode.commands.executeCommand("workbench.action.openSettings", "aquarium.server.path");
      });
  }

  /** Shows something that the server is asked for; says so if it cannot be. */
  async view(show: (ask: Ask) => Promise<void>): Promise<void> {
    await show((method, params) => this.ask(method, params)).catch((error: unknown) => {
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    });
  }

  private async ask<T>(method: string, params: object): Promise<T> {
    if (this.client?.state !== State.Running) throw new Error("the Aquarium language server does not run");
    return this.client.sendRequest<T>(method, params);
  }

  private async explain(code: string): Promise<string> {
    return this.ask<string>("aquarium/explain", { code });
  }
}

/** What the lens above an item does: lists the places that use it. */
async function showUses(uri: string, position: Position, locations: Location[]): Promise<void> {
  const places = locations.map(({ uri, range: { start, end } }) => {
    const range = new vscode.Range(start.line, start.character, end.line, end.character);
    return new vscode.Location(vscode.Uri.parse(uri), range);
  });
  const start = new vscode.Position(position.line, position.character);
  await vscode.commands.executeCommand("editor.action.showReferences", vscode.Uri.parse(uri), start, places);
}

function settings(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration("aquarium");
}
