// The test explorer: the tests of policies, what came of them, and which prices they reach.

import { execFile } from "node:child_process";
import * as path from "node:path";
import * as vscode from "vscode";
import { derivationsBody } from "./derivations-page";
import { page } from "./page";
import { type CoveredLine, coveredLines, readResults, type Results, type Tested } from "./test-results";
import type { Ask } from "./week";

const TEST_FILES = "**/*.test.aquarium.{yaml,yml}";

/** How much a run may write: the results of many thousand tests. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

/** A test as the server finds it in a text. */
interface Found {
  name: string;
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
}

/** Finds, shows and runs the tests of policies. */
export class PolicyTests implements vscode.Disposable, vscode.CodeLensProvider {
  private readonly controller = vscode.tests.createTestController("aquarium.tests", "Aquarium policies");
  private readonly covered = new WeakMap<vscode.FileCoverage, CoveredLine[]>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly run_: vscode.TestRunProfile;
  private readonly cover: vscode.TestRunProfile;
  private readonly debug: vscode.TestRunProfile;
  private readonly registered: vscode.Disposable;
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(
    private readonly ask: Ask,
    private readonly compiler: () => string,
  ) {
    const { Run, Coverage, Debug } = vscode.TestRunProfileKind;
    const run = (request: vscode.TestRunRequest, token: vscode.CancellationToken) => this.run(request, token);
    this.run_ = this.controller.createRunProfile("Run", Run, run, true);
    this.cover = this.controller.createRunProfile("Run with coverage", Coverage, run, true);
    this.debug = this.controller.createRunProfile("Show every charge, step by step", Debug, run, true);
    this.cover.loadDetailedCoverage = async (_, file) => (this.covered.get(file) ?? []).map(statement);
    this.controller.refreshHandler = () => this.findAll();
    this.controller.resolveHandler = (item) => (item === undefined ? this.findAll() : this.read(item));
    const watcher = vscode.workspace.createFileSystemWatcher(TEST_FILES);
    this.registered = vscode.Disposable.from(
      this.controller,
      this.changed,
      watcher,
      watcher.onDidCreate((uri) => this.read(this.file(uri))),
      watcher.onDidChange((uri) => this.read(this.file(uri))),
      watcher.onDidDelete((uri) => this.controller.items.delete(uri.toString())),
      vscode.workspace.onDidOpenTextDocument((document) => this.follow(document)),
      vscode.workspace.onDidChangeTextDocument((change) => this.follow(change.document)),
      vscode.languages.registerCodeLensProvider({ pattern: TEST_FILES }, this),
      vscode.commands.registerCommand("aquarium.runTest", (file: string, test?: string) => this.runOne(this.run_, file, test)),
      vscode.commands.registerCommand("aquarium.debugTest", (file: string, test?: string) => this.runOne(this.debug, file, test)),
      vscode.commands.registerCommand("aquarium.coverTest", (file: string, test?: string) => this.runOne(this.cover, file, test)),
    );
  }

  /** Reads the tests of the workspace's folders and of open documents. */
  async findAll(): Promise<void> {
    const found = await vscode.workspace.findFiles(TEST_FILES, "**/node_modules/**");
    await Promise.all(found.map((uri) => this.read(this.file(uri))));
  }

  dispose(): void {
    this.registered.dispose();
  }

  /** The lenses above the tests of a file. */
  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const file = this.file(document.uri);
    await this.read(file);
    const tests = [...file.children].flatMap(([id, test]) => (test.range === undefined ? [] : [{ id, range: test.range }]));
    return tests.flatMap(({ id, range }) => [
      new vscode.CodeLens(range, { title: "run test", command: "aquarium.runTest", arguments: [file.id, id] }),
      new vscode.CodeLens(range, { title: "debug test", command: "aquarium.debugTest", arguments: [file.id, id] }),
      new vscode.CodeLens(range, { title: "with coverage", command: "aquarium.coverTest", arguments: [file.id, id] }),
    ]);
  }

  private async follow(document: vscode.TextDocument): Promise<void> {
    if (/\.test\.aquarium\.ya?ml$/.test(document.uri.path)) await this.read(this.file(document.uri));
  }

  /** The item of a file, new if there is none. */
  private file(uri: vscode.Uri): vscode.TestItem {
    const known = this.controller.items.get(uri.toString());
    if (known !== undefined) return known;
    const item = this.controller.createTestItem(uri.toString(), vscode.workspace.asRelativePath(uri), uri);
    item.canResolveChildren = true;
    this.controller.items.add(item);
    return item;
  }

  /** Reads the tests of a file as the editor has it. */
  private async read(item: vscode.TestItem): Promise<void> {
    const { uri } = item;
    if (uri === undefined) return;
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    const text = open?.getText() ?? new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
    // A server that is not up yet is asked again when the explorer is opened or the file changes.
    const found = await this.ask<Found[]>("aquarium/tests", { text }).catch(() => undefined);
    if (found === undefined) return;
    const same = found.map(({ name }) => name).join("\n") === [...item.children].map(([, test]) => test.label).join("\n");
    item.children.replace(found.map((test) => this.test(uri, item, test)));
    if (!same) this.changed.fire();
  }

  private test(uri: vscode.Uri, file: vscode.TestItem, { name, range: { start, end } }: Found): vscode.TestItem {
    const item = file.children.get(name) ?? this.controller.createTestItem(name, name, uri);
    item.range = new vscode.Range(start.line, start.character, end.line, end.character);
    return item;
  }

  private async runOne(profile: vscode.TestRunProfile, file: string, test?: string): Promise<void> {
    const item = this.controller.items.get(file);
    const chosen = test === undefined ? item : item?.children.get(test);
    if (chosen === undefined) return;
    await vscode.workspace.saveAll(false);
    const source = new vscode.CancellationTokenSource();
    await this.run(new vscode.TestRunRequest([chosen], undefined, profile), source.token);
    source.dispose();
  }

  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const run = this.controller.createTestRun(request);
    const chosen = request.include ?? [...this.controller.items].map(([, item]) => item);
    const files = new Map<vscode.TestItem, vscode.TestItem[]>();
    for (const item of chosen) {
      const file = item.parent ?? item;
      if (file.children.size === 0) await this.read(file);
      const tests = item.parent === undefined ? [...file.children].map(([, test]) => test) : [item];
      files.set(file, [...(files.get(file) ?? []), ...tests]);
    }
    for (const [file, tests] of files) {
      const wanted = tests.filter((test) => !(request.exclude ?? []).includes(test));
      if (!token.isCancellationRequested) await this.runFile(run, file, wanted, request.profile, token);
    }
    run.end();
  }

  private async runFile(run: vscode.TestRun, file: vscode.TestItem, tests: vscode.TestItem[], profile: vscode.TestRunProfile | undefined, token: vscode.CancellationToken): Promise<void> {
    for (const test of tests) run.started(test);
    const directory = path.dirname(file.uri?.fsPath ?? "");
    const filter = tests.length === 1 && file.children.size > 1 ? ["--filter", tests[0]?.id ?? ""] : [];
    const words = ["test", path.basename(file.uri?.fsPath ?? ""), "--format", "json", ...(profile === this.debug ? ["--explain"] : []), ...filter];
    const results = await execute(this.compiler(), words, directory, token).catch((error: unknown) => String(error instanceof Error ? error.message : error));
    if (typeof results === "string") {
      for (const test of tests) run.errored(test, new vscode.TestMessage(results));
      return;
    }
    const outcomes = new Map(results.files.flatMap((it) => it.tests).map((tested) => [tested.name, tested]));
    const broken = results.files.flatMap((it) => it.errors).map((error) => `line ${error.line}: ${error.message} [${error.code}]`);
    for (const test of tests) show(run, test, outcomes.get(test.id), broken);
    if (profile === this.cover) this.addCoverage(run, results, directory);
    if (profile === this.debug) for (const test of tests) explain(outcomes.get(test.id));
  }

  private addCoverage(run: vscode.TestRun, results: Results, directory: string): void {
    for (const [file, lines] of coveredLines(results, directory)) {
      const coverage = vscode.FileCoverage.fromDetails(vscode.Uri.file(file), lines.map(statement));
      this.covered.set(coverage, lines);
      run.addCoverage(coverage);
    }
  }
}

/** Tells what came of a test. */
function show(run: vscode.TestRun, test: vscode.TestItem, tested: Tested | undefined, broken: string[]): void {
  run.appendOutput(`${tested?.outcome ?? "not run"}: ${test.label}\r\n`, undefined, test);
  if (tested?.outcome === "passed") {
    run.passed(test);
  } else if (tested?.outcome === "failed") {
    run.failed(test, tested.mismatches.map((mismatch) => message(test, mismatch)));
  } else {
    const reasons = tested?.reason ? [tested.reason] : broken;
    run.errored(test, new vscode.TestMessage(reasons.join("\n") || "the test was not run: save the file"));
  }
}

/** Shows how the charges of a test came about, beside it. */
function explain(tested: Tested | undefined): void {
  if (tested === undefined) return;
  const title = `Charges of ${tested.name}`;
  const panel = vscode.window.createWebviewPanel("aquarium.derivations", title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true });
  panel.webview.html = page(title, derivationsBody(tested.name, tested.reason ?? tested.outcome, tested.derivations ?? []));
}

function message(test: vscode.TestItem, { what, expected, actual, line, column }: Tested["mismatches"][number]): vscode.TestMessage {
  const message = vscode.TestMessage.diff(`${what}: expected ${expected}, got ${actual}`, expected, actual);
  if (test.uri) message.location = new vscode.Location(test.uri, new vscode.Position(line - 1, column - 1));
  return message;
}

/** A line of a policy in the gutter: what it holds are branches, where that is more than one thing. */
function statement({ line, hits, points }: CoveredLine): vscode.StatementCoverage {
  const place = new vscode.Range(line, 0, line, Number.MAX_SAFE_INTEGER);
  const branches = points.length > 1 ? points.map((point) => new vscode.BranchCoverage(point.hits, place, point.what)) : [];
  return new vscode.StatementCoverage(hits, place, branches);
}

/** Runs the compiler's tests; exit code 1 says that some fail, which their results tell too. */
function execute(compiler: string, words: string[], directory: string, token: vscode.CancellationToken): Promise<Results> {
  return new Promise((resolve, reject) => {
    const options = { cwd: directory, maxBuffer: OUTPUT_BYTES_MAX };
    const process = execFile(compiler, words, options, (error, output, errors) => {
      if (error !== null && typeof error.code === "string") {
        reject(new Error(`the compiler \`${compiler}\` does not start: ${error.message}`));
        return;
      }
      try {
        resolve(readResults(output, errors));
      } catch (unreadable) {
        reject(unreadable instanceof Error ? unreadable : new Error(String(unreadable)));
      }
    });
    token.onCancellationRequested(() => process.kill());
  });
}
