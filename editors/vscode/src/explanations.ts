// The long texts of diagnostic codes, as documents that can be opened.

import * as path from "node:path";
import * as vscode from "vscode";

const SCHEME = "aquarium-explain";

/** Shows what a code means: behind the code of a finding, and by a command. */
export class Explanations implements vscode.Disposable {
  private readonly registered: vscode.Disposable;

  constructor(private readonly explain: (code: string) => Promise<string>) {
    this.registered = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
        provideTextDocumentContent: (uri) => this.text(path.posix.basename(uri.path, ".md")),
      }),
      vscode.commands.registerCommand("aquarium.explain", (code?: string) => this.ask(code)),
    );
  }

  /** Where the explanation of a code is. */
  address(code: string): string {
    return `${SCHEME}:/${code}.md`;
  }

  dispose(): void {
    this.registered.dispose();
  }

  private async ask(given?: string): Promise<void> {
    const code = given ?? (await vscode.window.showInputBox({ prompt: "The code to explain", placeHolder: "AQ0401" }));
    if (!code) return;
    await vscode.commands.executeCommand("markdown.showPreview", vscode.Uri.parse(this.address(code)));
  }

  private async text(code: string): Promise<string> {
    return this.explain(code).catch((error: unknown) => `# ${code}\n\n${error instanceof Error ? error.message : String(error)}\n`);
  }
}
