"""Compares `aquariumc simulate` with the naive reading over generated policies and events, to the last digit.

usage: python3 compare.py AQUARIUMC [CASES] [FIRST_SEED]
"""

import collections
import json
import pathlib
import random
import subprocess
import sys
import tempfile
from fractions import Fraction

import generate
import reading

# What at least this share of the cases must have, or the comparison proves too little.
CLASSES = ["reset", "discount", "known", "bill", "inheritance", "override", "tiers", "conditional", "simultaneous", "duplicate", "conflict", "uncovered",
           "grant", "assignment", "version", "zone", "gap", "threshold", "crossing", "broken", "without effect"]
SHARE = 0.05
# A case whose policy the compiler refuses proves nothing: few may be.
REFUSED_MAX = 0.15
# Instants of a user at which credit events are compared with the balance: each is charged from nothing.
LOOKS = 4


class Case:
    """One generated policy with its events, and both answers."""

    def __init__(self, seed):
        self.seed, self.tally = seed, {}
        rng = random.Random(seed)
        policies = generate.Policies(rng, self.tally)
        policy = policies.policy()
        self.deployments = [(policy, None, None)]
        if rng.random() < 0.3:
            self.tally["version"] = True
            since = generate.moment(rng, policies.start, 50)
            until = generate.moment(rng, since + 1, 30) if rng.random() < 0.5 else None
            self.deployments.append((policies.later_version(), since, until))
        self.texts = [generate.Text(rng).policy(policy) for policy, _, _ in self.deployments]
        agreements = sorted(policy["agreements"])
        self.records, self.lines, self.aside = generate.events(rng, policies, agreements, self.tally)
        last = max(record["at"] for records in self.records.values() for record in records)
        self.at = last if rng.random() < 0.3 else policies.start + rng.randint(1, 80 * 24) * generate.HOUR
        self.known = policies.start + rng.randint(1, 70 * 24) * generate.HOUR if rng.random() < 0.4 else None
        self.world = reading.World(self.deployments, self.records, self.at)
        within = rng.randint(policies.start, self.at) if self.at > policies.start else self.at
        self.month = self.world.local_month(within) if rng.random() < 0.5 else None
        # Where the balance is looked at, besides where it is said to cross the threshold.
        self.looks = [rng.random() for _ in range(LOOKS)] if rng.random() < 0.5 else None
        self.tally.update(known=self.known is not None, bill=self.month is not None)

    def simulated(self, aquariumc, directory):
        paths = [directory / f"policy{index}.aquarium" for index in range(len(self.texts))]
        for path, text in zip(paths, self.texts):
            path.write_text(text)
        events = directory / "events.ndjson"
        events.write_text("".join(line + "\n" for line in self.lines))
        command = [aquariumc, "simulate", paths[0], events, "--at", str(self.at), "--format", "json"]
        if self.known is not None:
            command += ["--known", str(self.known)]
        if self.month is not None:
            command += ["--bills", "%04d-%02d" % self.month]
        if self.looks is not None:
            command += ["--credit-events"]
        for path, (_, since, until) in zip(paths[1:], self.deployments[1:]):
            command += ["--deploy", f"{path}@{since}" + ("" if until is None else f"..{until}")]
        return subprocess.run(command, capture_output=True, text=True)

    def differences(self, report):
        """Every figure that differs, as lines of text."""
        expected = self.world.users(self.known)
        yield from differences(expected, report)
        yield from self.aside_differences(expected, report)
        for user in self.records if self.month is not None else []:
            yield from bill_differences(user, self.world.bill(user, self.month, self.known), report["bills"].get(user))
        for user in self.records if self.looks is not None else []:
            yield from self.credit_event_differences(user, report["users"].get(user, {}).get("creditEvents", []))

    def aside_differences(self, expected, report):
        """What repeats, and what has no effect."""
        if report["duplicates"] != self.aside["duplicates"]:
            yield f"expected {self.aside['duplicates']} duplicates, found {report['duplicates']}"
        findings = [finding for figures in expected.values() for finding in figures["findings"]]
        self.tally["without effect"] = bool(findings)
        naive = collections.Counter(self.aside["quarantined"] + findings)
        spoilt = lambda it: it["stage"] == "ingest" and it["reason"] != "conflict"
        name = lambda it: None if spoilt(it) or it["event"] is None else it["event"]["id"]
        found = [(it["reason"], name(it)) for it in report["quarantined"]]
        if naive != collections.Counter(found):
            yield f"quarantine: missing {naive - collections.Counter(found)}, unexpected {collections.Counter(found) - naive}"

    def credit_event_differences(self, user, events):
        """Where the balance stands is what was announced last, at every record and at every whole minute."""
        records = sorted({record["at"] for record in self.world.visible(user, self.at, self.known)})
        if not records:
            return
        first = records[0]
        self.tally["crossing"] = self.tally.get("crossing") or len(events) > 1
        if [event["sequence"] for event in events] != list(range(1, len(events) + 1)) or events[0]["occurredMillis"] != first:
            yield f"{user}: credit events {events}"
            return
        instants = {event["occurredMillis"] for event in events[:LOOKS]} | {records[int(self.looks[0] * len(records))]}
        minutes = [first + int(look * (self.at - first)) for look in self.looks]
        minutes += [instant - 1 for instant in instants]
        instants |= {minute // reading.MINUTE * reading.MINUTE for minute in minutes}
        for at in sorted(at for at in instants if first <= at <= self.at):
            balance, threshold = self.world.standing(user, at, self.known)
            last = [event for event in events if event["occurredMillis"] <= at][-1]
            if last["state"] != (balance > threshold):
                yield f"{user} at {at}: balance {float(balance)}, threshold {float(threshold)}, announced {last}"
            if last["occurredMillis"] == at and (Fraction(last["balance"]), Fraction(last["threshold"])) != (balance, threshold):
                yield f"{user} at {at}: expected {float(balance)} and {float(threshold)}, announced {last}"
        for before, event in zip(events, events[1:LOOKS]):
            at = event["occurredMillis"] - 1
            # Where nothing is proven the balance is looked at every whole minute and where something changes.
            looked_at = records + self.world.versions.cuts
            if event["occurredMillis"] % reading.MINUTE and event["occurredMillis"] not in looked_at:
                balance, threshold = self.world.standing(user, at, self.known)
                if (balance > threshold) != before["state"]:
                    yield f"{user}: {event} was so one millisecond before"


def bill_differences(user, naive, found):
    if naive is None or found is None:
        if (naive is None) != (found is None):
            yield f"{user}: bill expected {naive}, found {found}"
        return
    opening, lines, closing = naive
    charged = {}
    for line in found["lines"]:
        charged[line["resource"]] = charged.get(line["resource"], Fraction(0)) + Fraction(line["credits"])
    if (Fraction(found["opening"]), Fraction(found["closing"])) != (opening, closing):
        shown = f"{float(opening)} to {float(closing)}"
        yield f"{user} bill: expected {shown}, found {found['opening']} to {found['closing']}"
    if charged != lines:
        yield f"{user} bill: expected {lines}, found {charged}"


def differences(expected, report):
    """Every figure that differs, as lines of text."""
    for user, naive in expected.items():
        found = report["users"].get(user)
        if found is None:
            if naive["entries"] or naive["refilled"]:
                yield f"{user}: missing"
            continue
        for figure in ("refilled", "charged", "accrued", "balance"):
            if Fraction(found[figure]) != naive[figure]:
                yield f"{user} {figure}: expected {float(naive[figure])}, found {found[figure]}"
        yield from entry_differences(user, naive["entries"], found["entries"])


def entry_differences(user, naive, found):
    current = lambda entries: [e for e in entries if not e.get("reverses")]
    mine = collections.Counter(entry_key(e, Fraction(e["volume"])) for e in naive)
    theirs = collections.Counter(entry_key(e, Fraction(e["volume"])) for e in current(found))
    if any(e.get("reverses") for e in found):
        return
    for key in sorted((mine - theirs), key=str):
        yield f"{user} entry missing: {shown(key)}"
    for key in sorted((theirs - mine), key=str):
        yield f"{user} entry unexpected: {shown(key)}"


def entry_key(entry, volume):
    credits = Fraction(entry["credits"])
    return (entry["resource"], entry["from"], entry["to"], volume, credits, entry["agreement"], bool(entry["uncovered"]))


def shown(key):
    return " ".join(str(float(v)) if isinstance(v, Fraction) else str(v) for v in key)


def main(aquariumc, cases=200, first=1):
    cases, first = int(cases), int(first)
    tally, refused, failed = collections.Counter(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        for seed in range(first, first + cases):
            case = Case(seed)
            run = case.simulated(aquariumc, directory)
            if run.returncode == 1:
                refused += 1
                print(f"seed {seed}: refused: {run.stderr.strip().splitlines()[:1]}")
                continue
            if run.returncode != 0:
                failed += 1
                print(f"seed {seed}: exit {run.returncode}: {run.stderr.strip()[:300]}")
                continue
            found = list(case.differences(json.loads(run.stdout)))
            tally.update(key for key, value in case.tally.items() if value)
            if found:
                failed += 1
                print(f"seed {seed}: {len(found)} differences\n  " + "\n  ".join(found[:6]))
    charged = cases - refused
    print(f"{cases} cases, {refused} refused; of the rest: " + ", ".join(f"{c} {tally[c]}" for c in CLASSES))
    thin = [c for c in CLASSES if tally[c] < SHARE * charged]
    if thin or refused > REFUSED_MAX * cases:
        print(f"too few cases of {thin}" if thin else "too many policies were refused")
        failed += 1
    print(f"{cases - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
