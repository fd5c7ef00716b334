// What `aquariumc test --format json` says, and what an editor makes of it. Knows no editor.

import * as path from "node:path";
import type { Derivation } from "./derivations-page";

/** The results of a run: the first version of their shape. */
export interface Results {
  format: number;
  files: TestedFile[];
  coverage: PolicyCoverage[];
}

export interface TestedFile {
  path: string;
  errors: { line: number; column: number; code: string; message: string }[];
  tests: Tested[];
}

export interface Tested {
  name: string;
  line: number;
  outcome: "passed" | "failed" | "not-run";
  reason: string | null;
  mismatches: { what: string; expected: string; actual: string; line: number; column: number }[];
  /** How its charges came about, where that was asked for. */
  derivations?: Derivation[];
}

export interface PolicyCoverage {
  files: string[];
  points: Point[];
}

/** A price, tier, expression, branch or time frame, and how often tests reach it. */
export interface Point {
  path: string;
  line: number;
  what: string;
  hits: number;
}

/** A line of a policy that tests can reach. */
export interface CoveredLine {
  /** Counted from 0. */
  line: number;
  hits: number;
  /** What can be reached in it; more than one where it has branches, tiers or a time frame. */
  points: { what: string; hits: number }[];
}

/** Reads what a run has written; says why it cannot be read. */
export function readResults(output: string, errors: string): Results {
  let results: Results;
  try {
    results = JSON.parse(output) as Results;
  } catch {
    throw new Error(errors.trim() || "the compiler says nothing about the tests");
  }
  if (results.format !== 1) throw new Error(`the compiler's results have format ${results.format}, not 1: update the extension`);
  return results;
}

/** The lines that tests can reach, by the absolute path of their file. */
export function coveredLines(results: Results, directory: string): Map<string, CoveredLine[]> {
  const files = new Map<string, Map<number, CoveredLine>>();
  for (const { path: file, line, what, hits } of results.coverage.flatMap((policy) => policy.points)) {
    const absolute = path.resolve(directory, file);
    const lines = files.get(absolute) ?? new Map<number, CoveredLine>();
    files.set(absolute, lines);
    const covered = lines.get(line) ?? { line: line - 1, hits: 0, points: [] };
    lines.set(line, covered);
    covered.hits = Math.max(covered.hits, hits);
    covered.points.push({ what, hits });
  }
  return new Map([...files].map(([file, lines]) => [file, [...lines.values()].sort((left, right) => left.line - right.line)]));
}
