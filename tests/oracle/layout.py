"""Formatting generated policies: what they say stays, and formatting twice changes nothing.

Usage: layout.py AQUARIUMC [CASES [FIRST]]
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from compare import Case

# What says where something is written, not what.
PLACES = {"source", "sources", "source_sha256", "span"}


def meaning(aquariumc, path):
    """The compiled policy without places; None where it is refused."""
    module = path.with_suffix(".json")
    command = [aquariumc, "compile", path, "--emit", "ir", "-o", module]
    if subprocess.run(command, capture_output=True).returncode != 0:
        return None
    return without_places(json.loads(module.read_text()))


def without_places(value):
    if isinstance(value, dict):
        return {key: without_places(inner) for key, inner in value.items() if key not in PLACES}
    if isinstance(value, list):
        return [without_places(inner) for inner in value]
    return value


def failure(aquariumc, path):
    """What is wrong with the formatting of a policy; None if nothing is."""
    before = meaning(aquariumc, path)
    formatted = subprocess.run([aquariumc, "fmt", path], capture_output=True, text=True)
    if formatted.returncode != 0:
        return f"exit {formatted.returncode}: {formatted.stderr.strip()[:300]}"
    if subprocess.run([aquariumc, "fmt", "--check", path], capture_output=True).returncode != 0:
        return "formatting twice differs"
    return None if meaning(aquariumc, path) == before else "it means something else"


def main(aquariumc, cases=200, first=1):
    failed, changed, policies = 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        for seed in range(int(first), int(first) + int(cases)):
            for number, text in enumerate(Case(seed).texts):
                path = pathlib.Path(name) / f"policy{number}.aquarium"
                path.write_text(text)
                wrong = failure(aquariumc, path)
                policies += 1
                changed += path.read_text() != text
                if wrong:
                    failed += 1
                    print(f"seed {seed}, policy {number}: {wrong}")
    print(f"{policies} policies formatted, {changed} changed, {failed} failures")
    return 1 if failed or 2 * changed < policies else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
