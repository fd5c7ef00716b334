// usage: node agreement.mjs SERVER FILE...
// Compares two readings of each policy, word by word: the TextMate grammar, which colours a file at once, and the
// server's semantic tokens, which know more. Where both say something it must not be two different things.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

// Where the grammar says nothing, or no more than that something stands in quotes, there is nothing to agree on.
const SILENT = /^(source|meta|string\.quoted)/;
const NAME = /^(entity\.name|entity\.other|string|support\.type|variable|constant\.other)/;
// What the grammar may say of a word of each kind; kinds that it cannot know stand with what they look like.
const ALLOWED = {
  comment: /^(comment|keyword\.other\.directive|constant\.other\.lint|punctuation\.definition\.comment)/,
  property: /^(keyword\.(other|control\.root)|support\.type\.property-name|variable\.other\.member)/,
  enumMember: NAME,
  struct: NAME,
  class: NAME,
  variable: /^(variable|constant|support|punctuation|entity\.name)/,
  function: /^support/,
  keyword: /^(keyword|storage)/,
  operator: /^(keyword\.operator|keyword\.control|storage|punctuation)/,
  number: /^(constant\.(numeric|other\.date)|keyword\.other\.unit|string)/,
  enum: /^(constant\.language|string)/,
  string: /^(string|constant|keyword\.operator|entity\.other|keyword\.other\.unit|keyword\.control\.flow|entity\.name|variable)/,
};

const [server, ...files] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));

async function grammar() {
  const wasm = readFileSync(join(dirname(require.resolve("vscode-oniguruma")), "onig.wasm"));
  await oniguruma.loadWASM(wasm);
  const onigLib = Promise.resolve({
    createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
    createOnigString: (text) => new oniguruma.OnigString(text),
  });
  const path = join(here, "../syntaxes/aquarium.tmLanguage.json");
  const loadGrammar = async () => textmate.parseRawGrammar(readFileSync(path, "utf8"), path);
  return new textmate.Registry({ onigLib, loadGrammar }).loadGrammar("source.aquarium");
}

// The scopes of each line: [from, to, the innermost scope].
function scopes(loaded, text) {
  let state = textmate.INITIAL;
  return text.split(/\r?\n/).map((line) => {
    const { tokens, ruleStack } = loaded.tokenizeLine(line, state);
    state = ruleStack;
    return tokens.map((token) => [token.startIndex, token.endIndex, token.scopes.at(-1)]);
  });
}

// A client that asks one question after the other.
class Client {
  constructor(command) {
    this.process = spawn(command, { stdio: ["pipe", "pipe", "ignore"] });
    this.waiting = new Map();
    this.last = 0;
    let rest = Buffer.alloc(0);
    this.process.stdout.on("data", (data) => {
      rest = Buffer.concat([rest, data]);
      for (;;) {
        const end = rest.indexOf("\r\n\r\n");
        const length = end < 0 ? NaN : Number(/content-length: (\d+)/i.exec(rest.subarray(0, end))?.[1]);
        if (!(rest.length >= end + 4 + length)) return;
        const message = JSON.parse(rest.subarray(end + 4, end + 4 + length));
        rest = rest.subarray(end + 4 + length);
        if (message.method === undefined) this.waiting.get(message.id)?.(message.result);
      }
    });
  }

  send(message) {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  ask(method, params) {
    const id = ++this.last;
    this.send({ id, method, params });
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }
}

const loaded = await grammar();
const client = new Client(server);
const { capabilities } = await client.ask("initialize", { processId: process.pid, rootUri: null, capabilities: {} });
const { tokenTypes } = capabilities.semanticTokensProvider.legend;
client.send({ method: "initialized", params: {} });
let [words, failures] = [0, 0];
for (const file of files) {
  const text = readFileSync(file, "utf8");
  const uri = pathToFileURL(file).href;
  client.send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "aquarium", version: 1, text } } });
  const { data } = await client.ask("textDocument/semanticTokens/full", { textDocument: { uri } });
  const lines = scopes(loaded, text);
  let [line, column] = [0, 0];
  for (let at = 0; at < data.length; at += 5) {
    const [lineDelta, columnDelta, length, kind] = data.slice(at, at + 4);
    [line, column] = lineDelta === 0 ? [line, column + columnDelta] : [line + lineDelta, columnDelta];
    const inside = lines[line].filter(([from, to]) => from < column + length && column < to);
    const wrong = inside.filter(([from, to, scope]) => {
      const shared = text.split(/\r?\n/)[line].slice(Math.max(from, column), Math.min(to, column + length));
      return shared.trim() !== "" && !SILENT.test(scope) && !/^["'{}$]+$/.test(shared) && !ALLOWED[tokenTypes[kind]].test(scope);
    });
    words += 1;
    failures += wrong.length > 0 ? 1 : 0;
    for (const [from, to, scope] of wrong) {
      const word = text.split(/\r?\n/)[line].slice(from, to);
      console.log(`${file}:${line + 1}:${from + 1}: \`${word}\` is ${scope} in the grammar, ${tokenTypes[kind]} for the server`);
    }
  }
}
client.process.kill();
console.log(`${words} words of ${files.length} files, ${failures} disagreements`);
process.exit(words > 0 && failures === 0 ? 0 : 1);
