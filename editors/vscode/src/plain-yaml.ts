// Plain `.yaml` files that are policies.

import * as vscode from "vscode";

/** The root key of a policy, today's or a legacy one, behind nothing but comments and `---`. */
const BEGINS_AS_POLICY = /^\uFEFF?(?:[ \t]*(?:#.*)?\r?\n|---[ \t]*\r?\n)*(?:aquariumpolicy|aquariumdsl|creditdsl)[ \t]*:/;

/** How much of a file is looked at. */
const LINES_MAX = 200;

/** Takes YAML files that begin as a policy for policies. Whoever switches one back to YAML is left alone. */
export function adoptPlainYaml(language: string): vscode.Disposable {
  const seen = new Set<string>();
  const adopt = async (document: vscode.TextDocument): Promise<void> => {
    const wanted = vscode.workspace.getConfiguration("aquarium", document).get("detectPlainYaml", true);
    if (document.languageId !== "yaml" || !wanted || seen.has(document.uri.toString())) return;
    const beginning = document.getText(new vscode.Range(0, 0, LINES_MAX, 0));
    if (!BEGINS_AS_POLICY.test(beginning)) return;
    seen.add(document.uri.toString());
    await vscode.languages.setTextDocumentLanguage(document, language);
  };
  for (const document of vscode.workspace.textDocuments) void adopt(document);
  return vscode.Disposable.from(
    vscode.workspace.onDidOpenTextDocument(adopt),
    vscode.workspace.onDidSaveTextDocument(adopt),
  );
}
