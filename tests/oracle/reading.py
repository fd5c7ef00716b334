"""An independent, naive reading of the language and of charging.

It shares nothing with the product, not even the programming language: no cron, no timelines, no incremental
state. A policy is plain Python data (see `generate.py`), every instant is evaluated from scratch, every figure is
a Fraction, and local time is the Python standard library's.
"""

import bisect
import copy
import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
EPOCH = datetime.datetime(1970, 1, 1)


def round_half_even(value, places):
    """The decimal nearest to `value`, a tie going to the even digit (Python's round does that on Fractions)."""
    return Fraction(round(value * 10**places), 10**places)


class Clock:
    """Local time of one zone."""

    def __init__(self, name):
        self.zone = ZoneInfo(name)

    def instant(self, local):
        """The instant of a naive local time: gaps move forward, the first of two."""
        offset = local.replace(tzinfo=self.zone, fold=0).utcoffset()
        return int((local - offset - EPOCH) / datetime.timedelta(milliseconds=1))

    def local(self, instant):
        """The naive local time of an instant."""
        utc = EPOCH + datetime.timedelta(milliseconds=instant)
        return utc.replace(tzinfo=datetime.timezone.utc).astimezone(self.zone).replace(tzinfo=None)

    def first_of(self, month):
        """The first instant of a month, (year, month)."""
        return self.instant(datetime.datetime(*month, 1))


def next_month(month):
    year, number = month
    return (year + 1, 1) if number == 12 else (year, number + 1)


def cron_matches_day(cron, date):
    """Whether a cron pattern (a dict of sets, None for a lone star) names a date."""
    if cron["month"] is not None and date.month not in cron["month"]:
        return False
    dom = cron["dom"] is None or date.day in cron["dom"]
    dow = cron["dow"] is None or (date.isoweekday() % 7) in cron["dow"]
    if cron["dom"] is not None and cron["dow"] is not None:
        return date.day in cron["dom"] or (date.isoweekday() % 7) in cron["dow"]
    return dom and dow


def cron_local_times(cron, first, last):
    """The naive local times that a pattern names on the dates first..last."""
    date, times = first, []
    while date <= last:
        if cron_matches_day(cron, date):
            for hour in sorted(cron["hour"] if cron["hour"] is not None else range(24)):
                for minute in sorted(cron["minute"] if cron["minute"] is not None else range(60)):
                    times.append(datetime.datetime(date.year, date.month, date.day, hour, minute))
        date += datetime.timedelta(days=1)
    return times


class Frames:
    """Membership of instants in time frames, for instants within [first, last]."""

    def __init__(self, clock, first, last):
        self.clock, self.first, self.last = clock, first, last
        self.cache = {}

    def ranges(self, entry):
        """The intervals of one repeat entry: from each local start to the first local end after it."""
        key = (entry[0]["text"], entry[1]["text"])
        if key not in self.cache:
            begin = self.clock.local(self.first - 400 * DAY).date()
            end = self.clock.local(self.last + 400 * DAY).date()
            starts, ends = (cron_local_times(cron, begin, end) for cron in entry)
            found = []
            for start in starts:
                after = bisect.bisect_right(ends, start)
                if after < len(ends):
                    interval = (self.clock.instant(start), self.clock.instant(ends[after]))
                    if interval[0] < interval[1]:
                        found.append(interval)
            self.cache[key] = found
        return self.cache[key]

    def contains(self, frame, at):
        if frame is None:
            return True
        if frame.get("from") is not None and at < frame["from"]:
            return False
        if frame.get("to") is not None and at >= frame["to"]:
            return False
        repeat = frame.get("repeat") or []
        if repeat and not any(s <= at < e for entry in repeat for s, e in self.ranges(entry)):
            return False
        return not any(s <= at < e for s, e in frame.get("except") or [])

    def edges(self, frame):
        """Every instant at which membership may change."""
        if frame is None:
            return set()
        found = {frame.get("from"), frame.get("to")}
        for entry in frame.get("repeat") or []:
            found.update(edge for interval in self.ranges(entry) for edge in interval)
        found.update(edge for interval in frame.get("except") or [] for edge in interval)
        return {edge for edge in found if edge is not None}


class Resolver:
    """What holds at an instant, by the rules of inheritance and override, evaluated afresh."""

    def __init__(self, policy, frames):
        self.policy, self.frames = policy, frames

    def chain(self, section, name):
        items = self.policy[section]
        while name is not None:
            yield items[name]
            name = items[name].get("extends")

    def field(self, section, name, key):
        """What an item gives, or the nearest ancestor that gives it, effective or not."""
        for item in self.chain(section, name):
            if key in item["fields"]:
                return item["fields"][key]
        return None

    def frame(self, section, name):
        for item in self.chain(section, name):
            if item.get("effective") is not None:
                return item["effective"]
        return None

    def effective(self, section, name, at):
        """The nearest item of the chain that is effective at an instant."""
        while name is not None:
            if self.frames.contains(self.frame(section, name), at):
                return name
            name = self.policy[section][name].get("extends")
        return None

    def part(self, agreement, section):
        """The part that an agreement or its nearest ancestor gives: (part, the agreement that gives it)."""
        while agreement is not None:
            item = self.policy["agreements"][agreement]
            if section in item["parts"]:
                return item["parts"][section], agreement
            agreement = item.get("extends")
        return None, None

    def in_part(self, agreement, section, key, at):
        """What an agreement's part gives for one key at an instant."""
        part, giver = self.part(agreement, section)
        if part is None:
            return None
        over = part.get("over")
        if over is not None and key in over["fields"] and self.frames.contains(over.get("effective"), at):
            return over["fields"][key]
        if part.get("name") is not None:
            effective = self.effective(section, part["name"], at)
            return None if effective is None else self.field(section, effective, key)
        parent = self.policy["agreements"][giver].get("extends")
        return None if parent is None else self.in_part(parent, section, key, at)

    def value(self, agreement, section, key, at):
        effective = self.effective("agreements", agreement, at)
        return None if effective is None else self.in_part(effective, section, key, at)

    def price(self, agreement, resource, at):
        return self.value(agreement, "pricelists", resource, at)

    def expression(self, agreement, resource, at):
        own = self.value(agreement, "algorithms", resource, at)
        return own if own is not None else self.value(agreement, "algorithms", "*", at)

    def threshold(self, agreement, at):
        effective = self.effective("agreements", agreement, at)
        given = (item["threshold"] for item in self.chain("agreements", effective) if "threshold" in item)
        return next(given, None)

    def plan(self, agreement, key, at):
        return self.value(agreement, "creditplans", key, at)

    def edges(self):
        found = set()
        for section in ("pricelists", "algorithms", "creditplans", "agreements"):
            for item in self.policy[section].values():
                found |= self.frames.edges(item.get("effective"))
        for item in self.policy["agreements"].values():
            for part in item["parts"].values():
                found |= self.frames.edges((part.get("over") or {}).get("effective"))
        return found


def evaluate(node, env):
    """The value of an expression: Fractions in the author's units, booleans for conditions."""
    kind, *rest = node
    if kind == "num":
        return rest[0]
    if kind == "literal":
        return rest[0] * env["unit_factor"][rest[1]]
    if kind == "var":
        return env[rest[0]]
    if kind == "if":
        return evaluate(rest[1] if evaluate(rest[0], env) else rest[2], env)
    if kind == "and":
        return evaluate(rest[0], env) and evaluate(rest[1], env)
    if kind == "or":
        return evaluate(rest[0], env) or evaluate(rest[1], env)
    if kind in "*/" and isinstance(env["price"], list):
        return tiered_product(node, env)
    values = [evaluate(operand, env) if isinstance(operand, tuple) else operand for operand in rest]
    return OPERATIONS[kind](*values)


def tiered_product(node, env):
    """A product with a tiered price: price and volume together are the integral over the tiers."""
    kind, left, right = node
    if (left, right) == (("var", "price"), ("var", "volume")):
        return tiered(env["price"], env["total"], env["volume"])
    other = evaluate(right, env)
    return tiered_product(left, env) * other if kind == "*" else tiered_product(left, env) / other


def half_away(value, places=0):
    scaled = abs(value) * 10**places
    rounded = Fraction(int(scaled + Fraction(1, 2)), 10**places)
    return rounded if value >= 0 else -rounded


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "/~": lambda a, b: round_half_even(a / b, 12),
    "mod": lambda a, b: a - b * int(a / b),
    "min": min,
    "max": max,
    "abs": abs,
    "clamp": lambda x, low, high: max(low, min(x, high)),
    "floor": lambda a: Fraction(a.numerator // a.denominator),
    "ceil": lambda a: Fraction(-((-a.numerator) // a.denominator)),
    "round": half_away,
    "neg": lambda a: -a,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "not": lambda a: not a,
}


def tiered(tiers, total, volume):
    """The integral of graduated prices from total to total + volume."""
    charge, low = Fraction(0), Fraction(0)
    for upto, price in tiers:
        begin, end = max(low, total), total + volume if upto is None else min(upto, total + volume)
        if end > begin:
            charge += (end - begin) * price
        low = upto
    return charge


class Version:
    """A policy, and when it holds."""

    def __init__(self, policy, first, last, since, until):
        self.policy, self.since, self.until = policy, since, until
        self.clock = Clock(policy["timezone"])
        self.frames = Frames(self.clock, first, last)
        self.resolver = Resolver(policy, self.frames)

    def holds(self, at):
        within = (self.since is None or self.since <= at) and (self.until is None or at < self.until)
        return within and self.frames.contains(self.policy.get("effective"), at)

    def edges(self):
        """Every instant at which it may begin or cease to hold."""
        return self.frames.edges(self.policy.get("effective")) | ({self.since, self.until} - {None})


class Versions:
    """All deployments, in their order, and the billing months that follow from their zones."""

    def __init__(self, deployments, first, last):
        self.all = [Version(policy, first, last, since, until) for policy, since, until in deployments]
        self.edges = sorted(set().union(*(version.edges() for version in self.all)))
        self.cuts = sorted(set(self.edges).union(*(version.resolver.edges() for version in self.all)))
        self.months = self.read_months(first, last)

    def in_force(self, at):
        """Of the versions that hold the latest deployed; where none does, the one last in force, and False."""
        holding = [version for version in self.all if version.holds(at)]
        if holding:
            return holding[-1], True
        for edge in reversed(self.edges[:bisect.bisect_right(self.edges, at)]):
            holding = [version for version in self.all if version.holds(edge - 1)]
            if holding:
                return holding[-1], False
        return self.all[0], False

    def read_months(self, first, last):
        """[(month, first instant, first instant of the next)]: a month ends as the zone at its start tells."""
        local = self.all[0].clock.local(first - 100 * DAY)
        month = (local.year, local.month)
        start, months = self.all[0].clock.first_of(month), []
        while start <= last + 40 * DAY:
            end = self.in_force(start)[0].clock.first_of(next_month(month))
            months.append((month, start, end))
            month, start = next_month(month), end
        return months

    def month(self, month):
        return next((start, end) for name, start, end in self.months if name == month)


class User:
    """One user's records charged up to an instant."""

    def __init__(self, versions, records, at):
        self.versions, self.at = versions, at
        order = lambda record: (record["at"], record["rank"], record["client"], record["id"])
        self.records = sorted((record for record in records if record["at"] <= at), key=order)
        self.namings = [(None, None, None)]
        self.active, self.was_active = False, False
        self.state = {}
        self.totals = {}
        self.plan, self.grants, self.refilled = Fraction(0), Fraction(0), Fraction(0)
        self.own_threshold = None
        self.entries, self.findings = [], []

    def agreement(self, at):
        """The agreement that the assignment, else the role, names."""
        role, assigned = [naming[1:] for naming in self.namings if naming[0] is None or naming[0] <= at][-1]
        version, covered = self.versions.in_force(at)
        if assigned is not None:
            return assigned
        return policy_agreement(version.policy, role) if covered else None

    def threshold(self):
        """The user's own, else the agreement's, else 0."""
        if self.own_threshold is not None:
            return self.own_threshold
        (version, covered), agreement = self.versions.in_force(self.at), self.agreement(self.at)
        known = covered and agreement in version.policy["agreements"]
        given = version.resolver.threshold(agreement, self.at) if known else None
        return Fraction(0) if given is None else given

    def run(self):
        first = self.records[0]["at"] if self.records else self.at
        months = {start for _, start, _ in self.versions.months if first < start <= self.at}
        by_instant = {}
        for record in self.records:
            by_instant.setdefault(record["at"], []).append(record)
        instants = set(by_instant) | months | self.firings(first)
        for instant in sorted(instants):
            if instant in months:
                self.month_end(instant)
            records = by_instant.get(instant, [])
            self.name(instant, [record for record in records if record["rank"] == 1])
            self.refill(instant)
            for record in records:
                if record["kind"] == "grant":
                    self.grant(record["credits"])
                if record["kind"] == "threshold":
                    self.own_threshold = record["value"]
                if record["kind"] == "resource":
                    self.resource_event(record)
        charged = sum((entry["credits"] for entry in self.entries), Fraction(0))
        posted = list(self.entries)
        accrued = self.accrue()
        return {
            "refilled": self.refilled, "charged": charged, "accrued": accrued,
            "balance": self.refilled - charged - accrued, "entries": posted, "threshold": self.threshold(),
            "findings": self.findings,
        }

    def firings(self, first):
        """Every instant at which some credit plan's cron occurs."""
        self.occurrences = {}
        for version in self.versions.all:
            begin, end = version.clock.local(first).date(), version.clock.local(self.at).date()
            plans = [item["fields"] for item in version.policy["creditplans"].values()]
            for cron in [fields["at"] for fields in plans if "at" in fields]:
                times = {version.clock.instant(local) for local in cron_local_times(cron, begin, end)}
                self.occurrences[id(version), cron["text"]] = times
        return {t for times in self.occurrences.values() for t in times if first <= t <= self.at}

    def month_end(self, instant):
        for key in sorted(self.state):
            self.charge_interval(key, instant)
        self.totals = {}

    def name(self, instant, records):
        """User events and assignments of one instant take effect together, the last in order holds."""
        _, role, assigned = self.namings[-1]
        for record in records:
            if record["kind"] == "assign":
                assigned = record["agreement"]
            else:
                role, self.active = record["role"], record["active"]
        self.namings.append((instant, role, assigned))

    def refill(self, instant):
        agreement = self.agreement(instant)
        (version, covered), plan = self.versions.in_force(instant), {}
        if covered and agreement in version.policy["agreements"]:
            keys = ("credits", "at", "initial", "mode")
            plan = {key: version.resolver.plan(agreement, key, instant) for key in keys}
        in_force = plan.get("credits") is not None and plan.get("at") is not None
        if self.active and not self.was_active:
            self.was_active = True
            if in_force:
                self.add(plan["initial"] or Fraction(0))
        if self.active and in_force and instant in self.occurrences[id(version), plan["at"]["text"]]:
            if plan["mode"] == "reset":
                self.add(plan["credits"] - self.plan_with_accrual(instant))
            else:
                self.add(plan["credits"])

    def plan_with_accrual(self, instant):
        """The plan part of the wallet as if all open intervals ended at an instant."""
        there = copy.copy(self)
        there.state = {key: list(held) for key, held in self.state.items()}
        there.totals, there.entries = dict(self.totals), []
        for key in sorted(there.state):
            there.charge_interval(key, instant)
        return there.plan

    def add(self, credits):
        self.plan += credits
        self.refilled += credits

    def grant(self, credits):
        """A negative grant takes from grants down to 0, the rest from the plan part."""
        self.refilled += credits
        rest = max(-credits - self.grants, Fraction(0)) if credits < 0 else Fraction(0)
        self.grants += credits + rest
        self.plan -= rest

    def take(self, credits):
        """A charge takes from the plan part down to 0, then from grants down to 0, then from the plan part."""
        if credits <= 0:
            self.plan -= credits
            return
        from_plan = min(credits, max(self.plan, 0))
        from_grants = min(credits - from_plan, max(self.grants, 0))
        self.grants -= from_grants
        self.plan -= credits - from_grants

    def resource_event(self, event):
        resource = self.versions.in_force(event["at"])[0].policy["resources"].get(event["resource"])
        if resource is None:
            return self.findings.append(("unknown-resource", event["id"]))
        largest = resource.get("max", 10**12)
        if abs(event["value"]) > largest:
            return self.findings.append(("bad-value", event["id"]))
        key = (event["resource"], event["instance"] if resource["complex"] else "")
        value, instant = event["value"], event["at"]
        if resource["costpolicy"] == "discrete":
            if value >= 0:
                self.charge_slots(event["resource"], event["instance"], [(instant, instant)], value, event["id"])
            return
        if resource["costpolicy"] == "onoff":
            if value not in (0, 1):
                return self.findings.append(("bad-value", event["id"]))
            if value == 1 and key not in self.state:
                self.state[key] = [Fraction(1), instant]
            elif value == 0 and key in self.state:
                self.charge_interval(key, instant)
                del self.state[key]
            return
        if abs(self.state.get(key, [0])[0] + value) > largest:
            return self.findings.append(("bad-value", event["id"]))
        if value == 0:
            return
        held = self.state.setdefault(key, [Fraction(0), instant])
        self.charge_interval(key, instant)
        held[0] += value

    def charge_interval(self, key, until):
        held = self.state[key]
        since, held[1] = held[1], until
        if since == until or held[0] <= 0:
            return
        edges = [since] + [c for c in self.versions.cuts if since < c < until]
        edges += [naming[0] for naming in self.namings if naming[0] is not None and since < naming[0] < until]
        edges = sorted(set(edges)) + [until]
        self.charge_slots(key[0], key[1], list(zip(edges, edges[1:])), held[0], None)

    def what(self, resource, at):
        """What makes neighbouring pieces one slot: agreement, and where covered price, expression, precision."""
        agreement, (version, covered) = self.agreement(at), self.versions.in_force(at)
        if not covered or agreement not in version.policy["agreements"] or resource not in version.policy["resources"]:
            return agreement, None, None, None
        price = version.resolver.price(agreement, resource, at)
        expression = version.resolver.expression(agreement, resource, at)
        if price is None or expression is None:
            return agreement, None, None, None
        return agreement, price, expression, version.policy["precision"]

    def charge_slots(self, resource, instance, pieces, amount, _cause):
        slots = []
        for begin, end in pieces:
            what = self.what(resource, begin)
            if slots and slots[-1][2] == what:
                slots[-1][1] = end
            else:
                slots.append([begin, end, what])
        for begin, end, what in slots:
            self.post(resource, instance, begin, end, what, amount)

    def post(self, resource, instance, begin, end, what, amount):
        agreement, price, expression, precision = what
        declared = self.declared(resource)
        total = self.totals.get(resource, Fraction(0))
        duration = Fraction(end - begin, declared.get("unit_millis", 1))
        volume = {"discrete": amount, "onoff": duration, "continuous": amount * duration}[declared["costpolicy"]]
        credits = Fraction(0)
        if price is not None:
            env = {
                "price": price, "volume": volume, "total": total, "value": amount, "amount": amount,
                "duration": duration, "unit_factor": declared["unit_factor"],
            }
            credits = round_half_even(evaluate(expression, env), precision)
        self.totals[resource] = total + volume
        self.take(credits)
        if volume == 0 and credits == 0:
            return
        self.entries.append({
            "resource": resource, "instance": instance, "from": begin, "to": end, "volume": volume,
            "credits": credits, "agreement": agreement, "uncovered": price is None,
        })

    def declared(self, resource):
        """What a resource is, which never changes."""
        return next(v.policy["resources"][resource] for v in self.versions.all if resource in v.policy["resources"])

    def accrue(self):
        before = len(self.entries)
        for key in sorted(self.state):
            self.charge_interval(key, self.at)
        return sum((e["credits"] for e in self.entries[before:]), Fraction(0))


def policy_agreement(policy, role):
    roles = {name.lower(): agreement for name, agreement in policy["roles"].items()}
    if role is not None and role.lower() in roles and role != "*":
        return roles[role.lower()]
    if "*" in roles:
        return roles["*"]
    return "default" if "default" in policy["agreements"] else None


class World:
    """Deployments in force, `(policy, since, until)` in order of deployment; the first has neither."""

    def __init__(self, deployments, records_by_user, at):
        instants = [record["at"] for records in records_by_user.values() for record in records]
        self.versions = Versions(deployments, min(instants + [at]), max(instants + [at]))
        self.records, self.at = records_by_user, at

    def users(self, known=None):
        """How everybody stands, by what was received up to `known`."""
        return {user: self.user(user, self.at, known) for user in self.records}

    def visible(self, user, at, known):
        received = lambda record: known is None or record["received"] <= known
        return [record for record in self.records[user] if record["at"] <= at and received(record)]

    def user(self, user, at, known):
        return User(self.versions, self.visible(user, at, known), at).run()

    def standing(self, user, at, known):
        """(balance, threshold) at an instant."""
        figures = self.user(user, at, known)
        return figures["balance"], figures["threshold"]

    def local_month(self, at):
        return next(name for name, start, end in self.versions.months if start <= at < end)

    def bill(self, user, month, known):
        """(opening, charges by resource, closing) of a month, what is open included; None: there is no bill."""
        start, end = self.versions.month(month)
        if start > self.at or not self.visible(user, min(self.at, end), known):
            return None
        if self.at >= end:
            entries, refilled = self.user(user, end, known)["entries"], self.user(user, end - 1, known)["refilled"]
        else:
            there = User(self.versions, self.visible(user, self.at, known), self.at)
            refilled = there.run()["refilled"]
            entries = there.entries
        within = lambda entry: entry["from"] < end
        before = sum((e["credits"] for e in entries if e["from"] < start), Fraction(0))
        opening = self.user(user, start - 1, known)["refilled"] - before
        lines = {}
        for entry in entries:
            if start <= entry["from"] < end:
                lines[entry["resource"]] = lines.get(entry["resource"], Fraction(0)) + entry["credits"]
        closing = refilled - sum((e["credits"] for e in entries if within(e)), Fraction(0))
        return opening, lines, closing
