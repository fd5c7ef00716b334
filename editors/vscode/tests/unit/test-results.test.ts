// What is made of the results of `aquariumc test --format json`.

import { expect, test } from "vitest";
import { coveredLines, readResults } from "../../src/test-results";

const point = (line: number, what: string, hits: number, path = "policy.aquarium") => ({ path, line, what, hits });
const results = (points: ReturnType<typeof point>[]) => ({ format: 1, files: [], coverage: [{ files: [], points }] });

test("results are read", () => {
  expect(readResults(JSON.stringify(results([])), "").coverage).toHaveLength(1);
});

test("what cannot be read says why", () => {
  expect(() => readResults("", "no such file: x\n")).toThrow("no such file: x");
  expect(() => readResults("nonsense", "")).toThrow("says nothing");
  expect(() => readResults('{"format": 2}', "")).toThrow("have format 2, not 1");
});

test("a line has all that can be reached in it, and the hits of what is reached most", () => {
  const lines = coveredLines(results([point(9, "outside its time frame", 0), point(9, "inside its time frame", 3), point(4, "vmtime", 0)]), "/p");
  expect([...lines.keys()]).toEqual(["/p/policy.aquarium"]);
  expect(lines.get("/p/policy.aquarium")).toEqual([
    { line: 3, hits: 0, points: [{ what: "vmtime", hits: 0 }] },
    { line: 8, hits: 3, points: [{ what: "outside its time frame", hits: 0 }, { what: "inside its time frame", hits: 3 }] },
  ]);
});

test("paths are those of the directory in which the tests run", () => {
  const lines = coveredLines(results([point(1, "a", 1, "../b/x.aquarium"), point(1, "a", 1, "/c/y.aquarium")]), "/p/tests");
  expect([...lines.keys()]).toEqual(["/p/b/x.aquarium", "/c/y.aquarium"]);
});
