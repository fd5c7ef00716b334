"""Holds `aquariumc compile --emit ir` of every policy that compiles against the published JSON Schema.

    python3 tests/schemas/compiled.py target/debug/aquariumc docs/schemas/compiled.schema.json

The schema is held to account too: documents that are changed in one place must be refused.
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

import jsonschema

# Fewer policies than this that compile: the corpus is not found.
POLICIES_MIN = 20


def compiled(compiler, path):
    """The policy as JSON; None where it has an error."""
    command = [compiler, "compile", "--emit", "ir", "--output", "-", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(run.stdout) if run.returncode == 0 else None


def policies():
    for folder in ["valid", "codes", "mistakes"]:
        yield from sorted(Path("tests/corpus", folder).glob("*.aquarium"))
    yield from sorted(Path("examples").rglob("*.aquarium*"))


def places(value, path=()):
    """Every place of a document, the root left out."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in pairs:
        yield (*path, key)
        yield from places(part, (*path, key))


def changed(document, path):
    """The document with another kind of value at a place, and with another key beside it."""
    for is_key in [False, True]:
        copied = copy.deepcopy(document)
        parent = copied
        for step in path[:-1]:
            parent = parent[step]
        if not is_key:
            parent[path[-1]] = [True]
        elif isinstance(parent, dict):
            parent["unheardOf"] = parent.pop(path[-1])
        else:
            continue
        yield copied


def main():
    compiler, schema = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    count, refused = 0, 0
    for path in policies():
        document = compiled(compiler, path)
        if document is None:
            continue
        for error in validator.iter_errors(document):
            sys.exit(f"{path}: {error.json_path}: {error.message}")
        count += 1
        # Roles may have any name.
        for place in [place for place in places(document) if place[0] != "roles"][:: 1 + count]:
            for other in changed(document, place):
                if validator.is_valid(other):
                    sys.exit(f"{path}: the schema takes another value or key at {place}")
                refused += 1
    if count < POLICIES_MIN:
        sys.exit(f"only {count} policies compile")
    print(f"{count} compiled policies are as the schema says; {refused} changed ones are refused")


if __name__ == "__main__":
    main()
