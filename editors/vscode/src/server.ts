// Which program is the language server, and which the compiler.

import * as fs from "node:fs";
import * as path from "node:path";
import type { Executable } from "vscode-languageclient/node";

const SUFFIX = process.platform === "win32" ? ".exe" : "";

/** A program to start, and its arguments. */
export type Server = Executable & { args: string[] };

/** The server of the settings, else the one that came with the extension, else one of the `PATH`. */
export function findServer(extensionPath: string, configured: string): Server {
  if (configured !== "") return started(configured);
  const bundled = path.join(extensionPath, "bin", `aquarium-lsp${SUFFIX}`);
  const found = [bundled, onPath("aquarium-lsp"), onPath("aquariumc")].find((file) => file !== undefined && isFile(file));
  return started(found ?? "aquarium-lsp");
}

/** The compiler of the settings, else the one that came along, else one of the `PATH`. */
export function findCompiler(extensionPath: string, configured: string): string {
  if (configured !== "") return configured;
  const bundled = path.join(extensionPath, "bin", `aquariumc${SUFFIX}`);
  return isFile(bundled) ? bundled : (onPath("aquariumc") ?? "aquariumc");
}

/** The compiler serves by a verb, the server by itself. */
function started(command: string): Server {
  const isCompiler = path.basename(command, SUFFIX) === "aquariumc";
  return { command, args: isCompiler ? ["lsp"] : [] };
}

function onPath(name: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(path.delimiter).filter((directory) => directory !== "");
  return directories.map((directory) => path.join(directory, name + SUFFIX)).find(isFile);
}

function isFile(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
}
