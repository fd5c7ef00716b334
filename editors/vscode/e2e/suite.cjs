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

const all = (document) => new vscode.Range(0, 0, document.lineCount, 0);
const text = (hover) => hover.contents.map((part) => part.value ?? part).join("\n");

// What a provider says about the place of a text, once the server is there.
const ask = (command, document, place) =>
  until(command, async () => {
    const at = document.positionAt(document.getText().indexOf(place) + 1);
    const answer = await vscode.commands.executeCommand(command, document.uri, at);
    return (answer?.items ?? answer)?.length > 0 && answer;
  });

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
  // A run saves what is open: before anything is edited.
  "tests of a policy have findings, and lenses that run them": async () => {
    const document = await open("prices/prices.test.aquarium.yaml");
    const lenses = await until("the lenses", async () => {
      const found = await vscode.commands.executeCommand("vscode.executeCodeLensProvider", document.uri);
      return found.length === 6 && found;
    });
    assert.deepEqual(lenses.map((lens) => lens.command.title), ["run test", "debug test", "with coverage", "run test", "debug test", "with coverage"]);
    const debug = lenses[1].command;
    await vscode.commands.executeCommand(debug.command, ...debug.arguments);
    const labels = () => vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.label));
    await until("the charges", () => labels().includes("Charges of days cost the full price")).catch((error) => {
      throw new Error(`${error.message}: ${labels().join(", ")}; ${JSON.stringify(debug)}`);
    });
    await replace(document, "expect:", "expects:");
    await until("an error", () => errors(document.uri).length > 0);
    await vscode.commands.executeCommand("workbench.action.files.revert");
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
  "a place tells what it means, and what may stand there": async () => {
    const document = await open("teams/teams.aquarium.yaml");
    const hovers = await ask("vscode.executeHoverProvider", document, "effective");
    assert.match(text(hovers[0]), /at 22:00 every day until at 06:00 every day[^]*next:/);
    const { items } = await ask("vscode.executeCompletionItemProvider", document, "nigths");
    assert.ok(items.some((item) => item.label === "nights"), JSON.stringify(items.map((item) => item.label)));
    const hints = await vscode.commands.executeCommand("vscode.executeInlayHintProvider", document.uri, all(document));
    assert.ok(hints.some((hint) => hint.label === "2010-12-30T12:00:00+02:00"), JSON.stringify(hints));
  },
  "words have a meaning beside their form": async () => {
    const document = await open("teams/teams.aquarium.yaml");
    const legend = await vscode.commands.executeCommand("vscode.provideDocumentSemanticTokensLegend", document.uri);
    assert.ok(legend.tokenTypes.includes("class"), legend.tokenTypes.join());
    const { data } = await vscode.commands.executeCommand("vscode.provideDocumentSemanticTokens", document.uri);
    assert.ok(data.length > 100, String(data.length));
  },
  "a name is changed wherever it stands": async () => {
    const document = await open("teams/teams.aquarium.yaml");
    const at = document.positionAt(document.getText().indexOf("base") + 1);
    const edit = await vscode.commands.executeCommand("vscode.executeDocumentRenameProvider", document.uri, at, "standard");
    assert.ok(await vscode.workspace.applyEdit(edit));
    assert.equal(document.getText().match(/standard/g).length, 2);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  },
  "a slip is mended by its fix, and the layout put right": async () => {
    const document = await open("teams/teams.aquarium.yaml");
    const [finding] = await until("the slip", () => errors(document.uri).length > 0 && errors(document.uri));
    const actions = await vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, finding.range);
    const fix = actions.find((action) => action.edit);
    assert.equal(fix?.title, "write `nights`");
    assert.ok(await vscode.workspace.applyEdit(fix.edit));
    await until("no error", () => errors(document.uri).length === 0);
    await vscode.commands.executeCommand("editor.action.formatDocument");
    await until("the layout", () => document.getText().includes('"*": default'));
    await vscode.commands.executeCommand("workbench.action.files.revert");
  },
  "a part of an agreement becomes an item of its own, and an item that is missing is written": async () => {
    const document = await open("prices/prices.aquarium.yaml");
    const offered = async (place) => {
      const at = document.positionAt(document.getText().indexOf(place) + 1);
      return vscode.commands.executeCommand("vscode.executeCodeActionProvider", document.uri, new vscode.Range(at, at));
    };
    const titled = (actions, title) => actions.find((action) => action.title === title);
    const written = await until("the action", async () => titled(await offered("algorithm: usual"), "write algorithm `usual` out here"));
    assert.equal(written.kind.value, "refactor.inline");
    assert.ok(await vscode.workspace.applyEdit(written.edit));
    const named = await until("the way back", async () => titled(await offered("algorithm:\n        vmtime"), "give this algorithm a name: `default`"));
    assert.ok(await vscode.workspace.applyEdit(named.edit));
    await replace(document, "creditplan: monthly", "creditplan: weekly");
    const created = await until("the item", async () => titled(await offered("weekly"), "create credit plan `weekly`"));
    assert.ok(await vscode.workspace.applyEdit(created.edit));
    await until("no error", () => errors(document.uri).length === 0);
    await vscode.commands.executeCommand("workbench.action.files.revert");
  },
  "items are found in files that are not open": async () => {
    const found = await vscode.commands.executeCommand("vscode.executeWorkspaceSymbolProvider", "nights");
    assert.deepEqual(found.map((symbol) => symbol.name), ["nights", "nights"]);
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
