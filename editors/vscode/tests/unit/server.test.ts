// Which programs are started.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findCompiler, findServer } from "../../src/server";

let directory: string;
let path: string | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "aquarium-"));
  path = process.env["PATH"];
  process.env["PATH"] = join(directory, "path");
});

afterEach(() => {
  process.env["PATH"] = path;
  rmSync(directory, { recursive: true });
});

function program(...parts: string[]): string {
  const file = join(directory, ...parts);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "");
  chmodSync(file, 0o755);
  return file;
}

test("the settings come first, and a compiler serves by its verb", () => {
  program("extension", "bin", "aquarium-lsp");
  expect(findServer(join(directory, "extension"), "/x/aquarium-lsp")).toEqual({ command: "/x/aquarium-lsp", args: [] });
  expect(findServer(join(directory, "extension"), "/x/aquariumc")).toEqual({ command: "/x/aquariumc", args: ["lsp"] });
  expect(findCompiler(join(directory, "extension"), "/x/aquariumc")).toBe("/x/aquariumc");
});

test("then what came along, then the path", () => {
  const onPath = program("path", "aquariumc");
  expect(findServer(join(directory, "extension"), "")).toEqual({ command: onPath, args: ["lsp"] });
  expect(findCompiler(join(directory, "extension"), "")).toBe(onPath);
  const server = program("extension", "bin", "aquarium-lsp");
  const compiler = program("extension", "bin", "aquariumc");
  expect(findServer(join(directory, "extension"), "")).toEqual({ command: server, args: [] });
  expect(findCompiler(join(directory, "extension"), "")).toBe(compiler);
});

test("without any, the name is what is said not to start", () => {
  expect(findServer(directory, "").command).toBe("aquarium-lsp");
  expect(findCompiler(directory, "")).toBe("aquariumc");
});
