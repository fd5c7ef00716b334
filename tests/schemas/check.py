"""Validates what the compiler writes and what the repository offers against their schemas: see README.md.

Usage: check.py AQUARIUMC (with the Python that has `check-jsonschema` installed)
"""

import json
import pathlib
import re
import subprocess
import sys

import check_jsonschema
import jsonschema
from ruamel.yaml import YAML, YAMLError

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests" / "corpus"
VENDOR = pathlib.Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"


def read_yaml(text):
    """A document as a YAML 1.2 parser reads it."""
    return YAML(typ="safe", pure=True).load(text)


def validator(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


class Run:
    def __init__(self):
        self.failures = 0
        self.checked = 0

    def check(self, name, schema, instance):
        self.checked += 1
        error = jsonschema.exceptions.best_match(schema.iter_errors(instance))
        if error is not None:
            self.failures += 1
            print(f"{name}: {error.json_path}: {error.message}")

    def refuse(self, name, schema, instance):
        """Proves that the schema says something at all."""
        self.checked += 1
        if schema.is_valid(instance):
            self.failures += 1
            print(f"{name} is accepted")


def outputs(run, compiler):
    schemas = {
        "sarif": validator(pathlib.Path(__file__).with_name("sarif-2.1.0-rtm.5.json")),
        "json": validator(ROOT / "docs/schemas/findings.schema.json"),
    }
    for policy in sorted(CORPUS.glob("*/*.aquarium")):
        for form, schema in schemas.items():
            command = [compiler, "check", "--format", form, str(policy)]
            written = subprocess.run(command, capture_output=True, check=False)
            run.check(f"{policy.name} as {form}", schema, json.loads(written.stdout))
    run.refuse("a log without runs", schemas["sarif"], {"version": "2.1.0"})
    run.refuse("findings without format", schemas["json"], {"diagnostics": []})


def valid_policies():
    """The corpus, what `aquariumc init` writes, and the policies of the book (one page has a mistake on purpose)."""
    for file in [*CORPUS.glob("valid/*.aquarium"), ROOT / "compiler/cli/templates/policy.aquarium.yaml"]:
        yield file.name, file.read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("**/*.md"):
        if page.name == "formats.md":
            continue
        blocks = re.findall(r"```yaml file=(\S+)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        yield from ((f"{page.name}: {name}", text) for name, text in blocks if text.startswith("aquariumpolicy:"))


def policies(run):
    schema = validator(ROOT / "docs/schemas/policy.schema.json")
    legal = 0
    for name, text in sorted(valid_policies()):
        try:
            policy = read_yaml(text)
        except YAMLError:
            continue  # a form of policies that YAML does not have
        legal += 1
        run.check(name, schema, json.loads(json.dumps(policy, default=str)))
    if legal < 10:
        run.failures += 1
        print(f"only {legal} policies are legal YAML")
    run.refuse("an unknown section", schema, {"aquariumpolicy": {"pricelist": []}})
    run.refuse("an unknown key", schema, {"aquariumpolicy": {"resources": [{"name": "a", "untit": "MB"}]}})
    run.refuse("a price list in a price", schema, {"aquariumpolicy": {"pricelists": [{"name": "a", "b": [1]}]}})


def integrations(run):
    for file, schema in [("action.yml", "github-actions.json"), ("docs/ci/gitlab-ci.yml", "gitlab-ci.json")]:
        run.check(file, validator(VENDOR / schema), read_yaml((ROOT / file).read_text(encoding="utf-8")))


def main():
    run = Run()
    outputs(run, sys.argv[1])
    policies(run)
    integrations(run)
    print(f"{run.checked} documents validated, {run.failures} failures")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
