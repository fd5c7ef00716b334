// Runs inside VS Code's own extension host, with the real `vscode` API.

const assert = require("node:assert");
const vscode = require("vscode");

const TIME_MAX = 60_000;

const file = (name) => vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, name);
const errors = (uri) => vscode.languages.getDiagnostics(uri).filter((it) => it.severity === vscode.DiagnosticSeverity.Error);

async function until(what, holds) {
  for (const end = Date.now() + TIME_MAX; ; ) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > end) throw new Error(`in vain waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function open(name) {
  const document = await vscode.workspace.openTextDocument(file(name));
  await vscode.window.showTextDocument(document);
  return document;
}

async function replace(document, from, to) {
  const start = document.getText().indexOf(from);
  assert.notEqual(start, -1, `no ${from} in the document`);
  const range = new vscode.Range(document.positionAt(start), document.positionAt(start + from.length));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, to);
  assert.ok(await vscode.workspace.applyEdit(edit));
}

const tests = {
  "the extension is the packaged one, with its server": async () => {
    const extension = vscode.extensions.getExtension("aquarium.aquarium");
    assert.ok(extension, "not installed");
    assert.ok(!extension.extensionPath.includes("editors/vscode"), extension.extensionPath);
    await vscode.workspace.fs.stat(vscode.Uri.joinPath(extension.extensionUri, "bin", "aquarium-lsp"));
  },
  "a policy file has the language and its findings": async () => {
    const document = await open("broken.aquarium.yaml");
    assert.equal(document.languageId, "aquarium");
    const [finding] = await until("an error", () => errors(document.uri).length > 0 && errors(document.uri));
    assert.equal(finding.source, "aquarium");
    assert.match(String(finding.code.value), /^AQ\d{4}$/);
    assert.equal(document.lineAt(finding.range.start.line).text.trim().split(":")[0], "vmtime");
  },
  "a code leads to its explanation": async () => {
    const { code } = errors(file("broken.aquarium.yaml"))[0];
    assert.equal(code.target.scheme, "aquarium-explain");
    const explanation = await vscode.workspace.openTextDocument(code.target);
    assert.ok(explanation.getText().length > 20, explanation.getText());
  },
  "an edit that mends the policy removes the finding, one that breaks it brings it back": async () => {
    const document = await open("broken.aquarium.yaml");
    await replace(document, "times {volume", "times {volume}");
    await until("no error", () => errors(document.uri).length === 0);
    await replace(document, "times {volume}", "times {volume");
    await until("an error", () => errors(document.uri).length > 0);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  },
  "the server comes back after a restart": async () => {
    const document = await open("broken.aquarium.yaml");
    await vscode.commands.executeCommand("aquarium.restartServer");
    await until("an error", () => errors(document.uri).length > 0);
  },
  "a plain file that begins as a policy is one, another is not": async () => {
    await open("plain.yaml");
    const isPolicy = (name) => vscode.workspace.textDocuments.some((it) => it.uri.path === file(name).path && it.languageId === "aquarium");
    await until("the language", () => isPolicy("plain.yaml"));
    const other = await open("other.yaml");
    assert.equal(other.languageId, "yaml");
  },
};

exports.run = async () => {
  let failures = 0;
  for (const [name, test] of Object.entries(tests)) {
    const failure = await test().then(() => undefined, (error) => error.stack);
    failures += failure === undefined ? 0 : 1;
    console.log(`[suite]${JSON.stringify({ name, failure })}`);
  }
  if (failures > 0) throw new Error(`${failures} failed`);
};
