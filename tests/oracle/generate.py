"""Random policies (as data, and as text in several layouts) and random events for them."""

import datetime
import json
from fractions import Fraction

EPOCH = datetime.datetime(1970, 1, 1)

HOUR, DAY = 3_600_000, 86_400_000
# Around changes of the clock in Athens, New York and on Lord Howe Island, and a leap day.
STARTS = [1_300_924_800_000, 1_319_500_800_000, 1_330_128_000_000, 1_331_337_600_000, 1_301_616_000_000]
ZONES = ["UTC", "Europe/Athens", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
MB, GB = 10**6, 10**9

RESOURCES = {
    "bandwidth": dict(unit="MB", costpolicy="discrete", unit_factor={"MB": Fraction(1), "GB": Fraction(1000)}),
    "request": dict(unit="requests", costpolicy="discrete", unit_factor={"request": Fraction(1)}),
    "vmtime": dict(unit="hr", costpolicy="onoff", unit_millis=HOUR,
                   unit_factor={"hr": Fraction(1), "min": Fraction(1, 60), "day": Fraction(24)}),
    "diskspace": dict(unit="GB*hr", costpolicy="continuous", unit_millis=HOUR, unit_factor={}),
    "memory": dict(unit="MB/day", costpolicy="continuous", unit_millis=DAY, unit_factor={}),
}


def number(rng, low, high, places):
    """A decimal with at most `places` places."""
    places = rng.randint(0, places)
    return Fraction(rng.randint(low * 10**places, high * 10**places), 10**places)


def text(value):
    """The decimal text of a Fraction that is a finite decimal."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    for places in range(13):
        if (value * 10**places).denominator == 1:
            digits = str(int(value * 10**places)).rjust(places + 1, "0")
            return sign + (digits if places == 0 else f"{digits[:-places]}.{digits[-places:]}")
    raise ValueError(value)


class Policies:
    """One random policy."""

    def __init__(self, rng, tally):
        self.rng, self.tally = rng, tally

    def policy(self):
        """A policy for resources, a zone and a start of its own."""
        rng = self.rng
        self.start, self.zone = rng.choice(STARTS), rng.choice(ZONES)
        names = rng.sample(sorted(RESOURCES), rng.randint(1, 3))
        self.resources = {n: dict(RESOURCES[n], complex=rng.random() < 0.5) for n in names}
        return self.version()

    def later_version(self):
        """A policy for the same resources, at times in another zone or without one of them."""
        if self.rng.random() < 0.4:
            self.tally["zone"] = True
            self.zone = self.rng.choice(ZONES)
        return self.version()

    def version(self):
        """A policy for most of the resources."""
        rng, names = self.rng, sorted(self.resources)
        if len(names) > 1 and rng.random() < 0.15:
            names.remove(rng.choice(names))
        policy = {
            "timezone": self.zone, "precision": rng.choice([0, 2, 4, 6, 6, 6, 9, 12]),
            "resources": {name: self.limited(name) for name in names}, "pricelists": {}, "algorithms": {},
            "creditplans": {}, "agreements": {},
        }
        if rng.random() < 0.15:
            policy["effective"] = self.frame()
            self.tally["gap"] = True
        self.tiered = {n for n in names if rng.random() < 0.25}
        for section, make in (("pricelists", self.price), ("algorithms", self.expression)):
            policy[section]["base"] = {"fields": {n: make(n) for n in names}}
            if rng.random() < 0.15:
                policy[section]["base"]["effective"] = self.frame()
                self.tally["uncovered"] = True
            if section == "algorithms" and rng.random() < 0.3:
                del policy[section]["base"]["fields"][rng.choice(names)]
                policy[section]["base"]["fields"]["*"] = self.expression(None)
            for index in range(rng.randint(0, 3)):
                self.derived(policy[section], f"child{index}", names, make)
        self.plans(policy)
        self.agreement_items(policy, names)
        agreements = sorted(policy["agreements"])
        policy["roles"] = {role: rng.choice(agreements) for role in ("student", "Staff") if rng.random() < 0.8}
        if rng.random() < 0.6:
            policy["roles"]["*"] = rng.choice(agreements)
        return policy

    def limited(self, name):
        """A resource, at times with a `max` that some events pass."""
        if self.rng.random() < 0.2 and RESOURCES[name]["costpolicy"] != "onoff":
            return dict(self.resources[name], max=Fraction(self.rng.choice([20, 45, 100])))
        return self.resources[name]

    def derived(self, items, name, names, make):
        item = {"extends": self.rng.choice(sorted(items)), "fields": {}}
        for resource in names:
            if self.rng.random() < 0.6:
                item["fields"][resource] = make(resource)
        if self.rng.random() < 0.7:
            item["effective"] = self.frame()
        items[name] = item
        self.tally["inheritance"] = True

    def plans(self, policy):
        rng = self.rng
        for index in range(rng.randint(0, 2)):
            fields = {"credits": number(rng, 0, 200, 2), "at": self.firing()}
            if rng.random() < 0.4:
                fields["initial"] = number(rng, 0, 50, 2)
            if rng.random() < 0.4:
                fields["mode"] = rng.choice(["add", "reset"])
                self.tally["reset"] = self.tally.get("reset") or fields["mode"] == "reset"
            item = {"fields": fields}
            if rng.random() < 0.3:
                item["effective"] = {"from": self.start + rng.randint(0, 30) * DAY, "to": None}
            if index and rng.random() < 0.5:
                item["extends"] = "plan0"
                for key in rng.sample(["credits", "at"], rng.randint(0, 2)):
                    del fields[key]
            policy["creditplans"][f"plan{index}"] = item

    def agreement_items(self, policy, names):
        rng = self.rng
        for index, name in enumerate(["default", "gold", "silver"][: rng.randint(1, 3)]):
            parts, item = {}, {}
            if index and rng.random() < 0.7:
                item["extends"] = "default"
                if rng.random() < 0.5:
                    item["effective"] = self.frame()
            for section, make in (("pricelists", self.price), ("algorithms", self.expression)):
                if "extends" in item and rng.random() < 0.4:
                    continue
                part = {"name": rng.choice(sorted(policy[section])), "over": None}
                if rng.random() < 0.35:
                    chosen = rng.sample(names, rng.randint(1, len(names)))
                    part["over"] = {"fields": {n: make(n) for n in chosen}}
                    if section == "algorithms" and rng.random() < 0.3:
                        part["over"]["fields"]["*"] = make(None)
                    self.tally["override"] = True
                    if rng.random() < 0.4:
                        part["over"]["effective"] = self.frame()
                    if "extends" in item and rng.random() < 0.4:
                        part["name"] = None
                parts[section] = part
            if policy["creditplans"] and rng.random() < 0.7:
                parts["creditplans"] = {"name": rng.choice(sorted(policy["creditplans"])), "over": None}
                if rng.random() < 0.4:
                    parts["creditplans"]["over"] = {"fields": {"credits": number(rng, 0, 90, 2)}}
                    if "extends" in item and "creditplans" in policy["agreements"]["default"]["parts"]:
                        parts["creditplans"]["name"] = None
            if rng.random() < 0.4:
                item["threshold"] = -number(rng, 0, 80, 2)
                self.tally["threshold"] = True
            policy["agreements"][name] = dict(item, parts=parts)

    # Prices and expressions.

    def price(self, resource):
        rng = self.rng
        if resource in self.tiered:
            self.tally["tiers"] = True
            limits = sorted(rng.sample(range(1, 400), rng.randint(1, 3)))
            tiers = [(Fraction(limit), number(rng, 0, 3, 4)) for limit in limits]
            return tiers + [(None, number(rng, 0, 3, 4))]
        if rng.random() < 0.08:
            self.tally["discount"] = True
            return -number(rng, 0, 2, 3)
        return number(rng, 0, 5, 5)

    def expression(self, resource):
        """`resource` is None for `*`, which must suit every resource and so stays simple."""
        volume, price = ("var", "volume"), ("var", "price")
        if resource is None or resource in self.tiered or self.tiered and self.rng.random() < 0.3:
            if resource in self.tiered or resource is None:
                # With a flat price this is the plain product, with tiers their integral.
                product = ("*", price, volume)
                factor = self.rng.choice([None, Fraction(1, 2), Fraction(7, 10)])
                return product if factor is None else ("*", product, ("num", factor))
        return self.credits(3, resource, volume, price)

    def credits(self, depth, resource, volume, price):
        rng, again = self.rng, lambda: self.credits(depth - 1, resource, volume, price)
        if depth == 0 or rng.random() < 0.25:
            return rng.choice([("*", price, self.quantity(depth, resource)), ("*", self.quantity(depth, resource), price)])
        kind = rng.choice(["scale", "divide", "sum", "plus", "if", "min", "max", "round", "floor", "ceil", "clamp", "abs", "ratio"])
        self.tally["conditional"] = self.tally.get("conditional") or kind in ("if", "ratio")
        if kind == "scale":
            return ("*", again(), ("num", number(rng, 1, 3, 2)))
        if kind == "divide":
            return ("/", again(), ("num", number(rng, 1, 9, 1)))
        if kind == "sum":
            return (rng.choice("+-"), again(), again())
        if kind == "plus":
            return ("+", again(), ("num", number(rng, 0, 2, 2)))
        if kind == "if":
            return ("if", self.condition(resource, 2), again(), again())
        if kind in ("min", "max"):
            return (kind, again(), rng.choice([again(), ("num", number(rng, 0, 20, 1))]))
        if kind == "round":
            return ("round", again(), rng.randint(0, 3))
        if kind == "clamp":
            return ("clamp", again(), ("num", Fraction(1)), ("num", number(rng, 2, 90, 1)))
        if kind == "ratio":
            return ("if", (">", ("var", "total"), ("num", Fraction(0))), ("*", again(), ("/~", ("var", "volume"), ("var", "total"))), again())
        return (kind, again())

    def quantity(self, depth, resource):
        """Something in the unit of volume."""
        rng = self.rng
        kind = rng.choice(["volume", "volume", "volume", "scale", "sum", "free", "min", "floor", "mod", "total"])
        if kind == "volume" or depth == 0:
            return ("var", "volume")
        inner = self.quantity(depth - 1, resource)
        if kind == "scale":
            return ("*", inner, ("num", number(rng, 1, 3, 2)))
        if kind == "sum":
            return ("+", inner, self.quantity(depth - 1, resource))
        if kind == "free":
            return ("max", ("-", inner, self.amount_literal(resource)), ("num", Fraction(0)))
        if kind == "min":
            return ("min", inner, self.amount_literal(resource))
        if kind == "mod":
            return ("mod", inner, ("num", number(rng, 1, 20, 1)))
        if kind == "total":
            return ("min", ("var", "volume"), ("var", "total"))
        return (rng.choice(["floor", "ceil", "round"]), inner)

    def amount_literal(self, resource):
        units = sorted(self.resources[resource]["unit_factor"])
        value = number(self.rng, 1, 60, 2)
        if units and self.rng.random() < 0.5:
            return ("literal", value, self.rng.choice(units))
        return ("num", value)

    def condition(self, resource, depth):
        rng = self.rng
        if depth and rng.random() < 0.3:
            kind = rng.choice(["and", "or", "not"])
            parts = [self.condition(resource, depth - 1) for _ in range(1 if kind == "not" else 2)]
            return (kind, *parts)
        left = ("var", rng.choice(["volume", "total"]))
        return (rng.choice([">", ">=", "<", "<=", "==", "!="]), left, self.amount_literal(resource))

    # Time.

    def cron(self, minute, hour, dom=None, month=None, dow=None):
        names = lambda field: "*" if field is None else ",".join(str(v) for v in sorted(field))
        days = "*" if dow is None else ",".join(WEEKDAYS[d] if self.rng.random() < 0.5 else str(d) for d in sorted(dow))
        shown = f"{names({minute})} {names({hour})} {names(dom)} {names(month)} {days}"
        return {"minute": {minute}, "hour": {hour}, "dom": dom, "month": month, "dow": dow, "text": shown}

    def firing(self):
        rng = self.rng
        kind = rng.randrange(3)
        if kind == 0:
            return self.cron(0, 0, dom={rng.choice([1, 1, 15, 29, 31])})
        if kind == 1:
            return self.cron(rng.randrange(60), rng.randrange(24), dow={rng.randrange(7)})
        return self.cron(0, rng.choice([0, 2, 3]), dom={rng.randint(1, 28)}, dow={rng.randrange(7)})

    def frame(self):
        rng, frame = self.rng, {"from": None, "to": None}
        if rng.random() < 0.6:
            frame["from"] = self.start + rng.randint(-20, 30) * DAY + rng.randint(0, DAY)
        if rng.random() < 0.5:
            frame["to"] = (frame["from"] or self.start) + rng.randint(1, 40) * DAY + rng.randint(0, DAY)
        if rng.random() < 0.6 or frame == {"from": None, "to": None}:
            frame["repeat"] = [self.range() for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.25:
            begin = self.start + rng.randint(0, 40) * DAY
            frame["except"] = [(begin, begin + rng.randint(1, 3 * DAY))]
        return frame

    def range(self):
        rng = self.rng
        kind = rng.randrange(3)
        minute = lambda: rng.choice([0, 0, 30, rng.randrange(60)])
        hour = lambda: rng.choice([0, 2, 3, rng.randrange(24)])
        if kind == 0:
            return (self.cron(minute(), hour(), dow={rng.randrange(7)}), self.cron(minute(), hour(), dow={rng.randrange(7)}))
        if kind == 1:
            return (self.cron(minute(), hour()), self.cron(minute(), hour()))
        return (self.cron(minute(), hour(), dom={rng.randint(1, 31)}), self.cron(minute(), hour(), dom={rng.randint(1, 31)}))


# Text.

SYMBOLS = {"and": "&&", "or": "||"}
WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by", "/~": "divided by", "mod": "mod", ">": "gt", ">=": "ge",
         "<": "lt", "<=": "le", "==": "eq", "!=": "ne", "and": "and", "or": "or"}


def render(rng, node, words):
    """An expression as text, in words or in symbols, fully parenthesised where it matters."""
    kind, *rest = node
    again = lambda operand: render(rng, operand, words)
    if kind == "num":
        return text(rest[0])
    if kind == "literal":
        return f"{text(rest[0])} {rest[1]}"
    if kind == "var":
        return rng.choice([f"{{{rest[0]}}}", f"${rest[0]}"]) if words else rest[0]
    if kind == "if":
        parts = [again(operand) for operand in rest]
        if words and rest[2][0] == "if" and parts[2].startswith("(if "):
            return f"(if {parts[0]} then {parts[1]} els{parts[2][1:]}"
        return "(if {} then {} else {} end)".format(*parts) if words else "({} ? {} : {})".format(*parts)
    if kind == "not":
        return f"(not {again(rest[0])})" if words else f"!({again(rest[0])})"
    if kind in WORDS:
        operator = WORDS[kind] if words else {"/~": "/", "mod": "%"}.get(kind, SYMBOLS.get(kind, kind))
        return f"({again(rest[0])} {operator} {again(rest[1])})"
    operands = ", ".join(str(o) if isinstance(o, int) else again(o) for o in rest)
    return f"{kind}({operands})" if words or rng.random() < 0.5 or kind == "clamp" else f"Math.{kind}({operands})"


class Text:
    """A policy as text."""

    def __init__(self, rng):
        self.rng, self.lines, self.constants = rng, [], {}

    def line(self, depth, text):
        self.lines.append("  " * depth + text)

    def expression(self, depth, key, node):
        words = self.rng.random() < 0.5
        shown = render(self.rng, node, words)
        kind = self.rng.randrange(4)
        key = '"*"' if key == "*" else key
        if kind == 0:
            self.line(depth, f"{key}: |")
            self.line(depth + 1, shown)
        elif kind == 1 and not words:
            self.line(depth, f"{key}: |")
            self.line(depth + 1, self.function(node, shown))
        elif kind == 2 or shown[0] in "!":
            self.line(depth, f'{key}: "{shown}"')
        else:
            self.line(depth, f"{key}: {shown}")

    def function(self, node, shown):
        """The expression as a JavaScript function; a conditional as statements."""
        if node[0] == "if" and self.rng.random() < 0.7:
            condition, then, otherwise = (render(self.rng, operand, False) for operand in node[1:])
            return f"function charge(price, volume) {{ if ({condition}) {{ return {then}; }} return {otherwise}; }}"
        return self.rng.choice([f"(volume, price) => {shown}", f"function charge(price, volume) {{ return {shown}; }}"])

    def flat(self, resource, price):
        """A flat price as a number, per a quantity, or by the name of a constant."""
        kind = self.rng.randrange(4)
        quantities = {"bandwidth": [("GB", 1000), ("10 MB", 10), ("byte", Fraction(1, 10**6))], "vmtime": [("60 min", 1), ("10 hours", 10)],
                      "request": [("1_000 requests", 1000), ("request", 1)], "diskspace": [("GB*hr", 1)], "memory": [("MB/day", 1)]}
        if kind == 0:
            quantity, factor = self.rng.choice(quantities[resource])
            return f"{text(price * factor)} per {quantity}"
        if kind == 1:
            name = f"rate{len(self.constants)}"
            self.constants[name] = price
            return name
        return text(price)

    def price(self, depth, key, value):
        if not isinstance(value, list):
            self.line(depth, f"{key}: {self.flat(key, value)}")
            return
        self.line(depth, f"{key}:")
        self.line(depth + 1, "tiers:")
        for upto, price in value:
            if upto is None:
                self.line(depth + 1, f"- price: {text(price)}")
            else:
                self.line(depth + 1, f"- upto: {text(upto)}")
                self.line(depth + 1, f"  price: {text(price)}")

    def instant(self, millis):
        """Milliseconds, or an ISO 8601 date-time with an offset."""
        if self.rng.random() < 0.6:
            return str(millis)
        offset, shown = self.rng.choice([(0, "Z"), (2, "+02:00"), (-5, "-05:00")])
        local = EPOCH + datetime.timedelta(milliseconds=millis, hours=offset)
        return local.isoformat(timespec="milliseconds") + shown

    def frame(self, depth, frame):
        if frame is None:
            return
        self.line(depth, "effective:")
        for key in ("from", "to"):
            if frame.get(key) is not None:
                self.line(depth + 1, f"{key}: {self.instant(frame[key])}")
        if frame.get("repeat"):
            self.line(depth + 1, "repeat:")
            for start, end in frame["repeat"]:
                self.line(depth + 2, "- every:")
                shift = 4 if self.rng.random() < 0.5 else 3
                self.line(depth + shift, f'start: "{start["text"]}"')
                self.line(depth + shift, f'end: "{end["text"]}"')
        if frame.get("except"):
            self.line(depth + 1, "except:")
            for begin, end in frame["except"]:
                self.line(depth + 2, f"- from: {begin}")
                self.line(depth + 2, f"  to: {end}")

    def fields(self, depth, section, fields):
        for key, value in fields.items():
            if section == "algorithms":
                self.expression(depth, key, value)
            elif section == "pricelists":
                self.price(depth, key, value)
            elif key == "at":
                self.line(depth, f'at: "{value["text"]}"')
            else:
                self.line(depth, f"{key}: {value if key == 'mode' else text(value)}")

    def item(self, wrapper, body):
        """One list item in one of the layouts in use."""
        layout = self.rng.randrange(3)
        if layout == 2:
            mark = len(self.lines)
            body(3)
            self.lines[mark] = "    - " + self.lines[mark].lstrip()
            return
        self.line(2, f"- {wrapper}:")
        body(4 if layout == 0 else 3)

    def policy(self, policy):
        self.line(0, "# aquarium: allow(coverage-gap)")
        self.line(0, "aquariumpolicy:")
        self.line(1, f"timezone: {policy['timezone']}")
        self.line(1, f"precision: {policy['precision']}")
        self.frame(1, policy.get("effective"))
        self.line(1, "resources:")
        for name, resource in policy["resources"].items():
            self.item("resource", lambda depth: self.resource(depth, name, resource))
        for section, wrapper in (("algorithms", "algorithm"), ("pricelists", "pricelist"), ("creditplans", "creditplan")):
            if policy[section]:
                self.line(1, f"{section}:")
            for name, item in policy[section].items():
                self.item(wrapper, lambda depth: self.plain(depth, section, name, item))
        self.line(1, "agreements:")
        for name, item in policy["agreements"].items():
            self.item("agreement", lambda depth: self.agreement(depth, name, item))
        if policy["roles"]:
            self.line(1, "roles:")
            for role, agreement in policy["roles"].items():
                self.line(2, f'"*": {agreement}' if role == "*" else f"{role}: {agreement}")
        if self.constants:
            self.line(1, "constants:")
            for name, value in self.constants.items():
                self.line(2, f"{name}: {text(value)}")
        return "\n".join(self.lines) + "\n"

    def resource(self, depth, name, resource):
        self.line(depth, f"name: {name}")
        self.line(depth, f"unit: {resource['unit']}")
        self.line(depth, f"complex: {'true' if resource['complex'] else 'false'}")
        self.line(depth, f"costpolicy: {resource['costpolicy']}")
        if "max" in resource:
            self.line(depth, f"max: {text(resource['max'])}")

    def plain(self, depth, section, name, item):
        self.line(depth, f"name: {name}")
        if "extends" in item:
            self.line(depth, f"extends: {item['extends']}")
        self.fields(depth, section, item["fields"])
        self.frame(depth, item.get("effective"))

    def agreement(self, depth, name, item):
        self.line(depth, f"name: {name}")
        if "extends" in item:
            self.line(depth, f"extends: {item['extends']}")
        for section, part in item["parts"].items():
            key = section[:-1]
            self.line(depth, f"{key}: {part['name']}" if part["name"] else f"{key}:")
            if part["over"]:
                self.fields(depth + 1, section, part["over"]["fields"])
                self.frame(depth + 1, part["over"].get("effective"))
        if "threshold" in item:
            self.line(depth, f"threshold: {text(item['threshold'])}")
        self.frame(depth, item.get("effective"))


# Events.


def events(rng, policies, agreements, tally):
    """(records by user for the naive reading, lines of NDJSON, what is expected of lines without effect)."""
    by_user, lines, aside = {}, [], {"duplicates": 0, "quarantined": []}
    start = policies.start
    for number_ in range(rng.randint(1, 3)):
        user = f"user{number_}"
        records = [user_event(rng, start, f"{user}-u{index}") for index in range(rng.randint(1, 4))]
        records += [resource_event(rng, policies, f"{user}-r{index}") for index in range(rng.randint(2, 25))]
        records += [admin_record(rng, agreements, start, f"{user}-a{index}", tally) for index in range(rng.randint(0, 3))]
        if rng.random() < 0.2:
            first, second = rng.sample(records, 2)
            first["at"] = second["at"]
            tally["simultaneous"] = True
        for record in records:
            record["received"] = record["at"] + rng.choice([0, 0, rng.randint(0, 20 * DAY)])
        by_user[user] = records
        lines += [line(rng, user, record) for record in records]
    for user, records in by_user.items():
        for record in rng.sample(records, len(records) // 12):
            lines.append(line(rng, user, record))
            aside["duplicates"] += 1
            tally["duplicate"] = True
    rng.shuffle(lines)
    conflicts(rng, by_user, lines, aside, tally)
    broken(rng, lines, aside, tally)
    return by_user, lines, aside


def conflicts(rng, by_user, lines, aside, tally):
    """Ids used again with other content, after the first: without effect."""
    for user, records in by_user.items():
        if rng.random() < 0.15:
            record = rng.choice([record for record in records if record["kind"] == "resource"])
            lines.append(line(rng, user, dict(record, value=record["value"] + 1)))
            aside["quarantined"].append(("conflict", record["id"]))
            tally["conflict"] = True


# What no event may say, and the reason that is given.
MISTAKES = [
    ("not-json", lambda event: json.dumps(event)[:-2]),
    ("missing-field", lambda event: {key: value for key, value in event.items() if key != "instanceID"}),
    ("missing-field", lambda event: {key: value for key, value in event.items() if key not in ("resource", "value")}),
    ("missing-field", lambda event: {key: value for key, value in event.items() if key != "details"}),
    ("bad-type", lambda event: dict(event, value="1")),
    ("bad-type", lambda event: dict(event, value=True)),
    ("bad-type", lambda event: dict(event, occurredMillis=0)),
    ("bad-type", lambda event: dict(event, occurredMillis=253_402_300_800_000)),
    ("bad-type", lambda event: dict(event, occurredMillis=1.5)),
    ("bad-type", lambda event: dict(event, userID="")),
    ("bad-type", lambda event: dict(event, userID="u" * 257)),
    ("bad-type", lambda event: dict(event, id="i" * 129)),
    ("bad-type", lambda event: dict(event, details=[])),
    ("bad-type", lambda event: json.dumps(event).replace('"value": 1', '"value": 1e18')),
    ("bad-type", lambda event: json.dumps(event).replace('"value": 1', '"value": 1e-10')),
    ("bad-version", lambda event: dict(event, eventVersion="2.0")),
    ("bad-version", lambda event: dict(event, eventVersion="1")),
    ("reserved-client", lambda event: dict(event, clientID="aquarium")),
]


def broken(rng, lines, aside, tally):
    """Lines that are no events."""
    for index in range(rng.choice([0, 0, 1, 3])):
        event = {"id": f"broken{index}", "occurredMillis": 1_320_000_000_000, "clientID": "cloud", "userID": "user0",
                 "resource": "bandwidth", "instanceID": "a", "value": 1, "eventVersion": "1.0", "details": {}}
        reason, spoil = rng.choice(MISTAKES)
        spoilt = spoil(event)
        lines.insert(rng.randrange(len(lines) + 1), spoilt if isinstance(spoilt, str) else json.dumps(spoilt))
        aside["quarantined"].append((reason, None))
        tally["broken"] = True


def moment(rng, start, days):
    """An instant on the hour or within it."""
    return start + rng.randint(0, days * 24) * HOUR + rng.choice([0, 0, rng.randint(0, HOUR)])


def user_event(rng, start, id_):
    said = rng.choice([(True, "ACTIVE")] * 12 + [(False, "ACTIVE"), (True, "SUSPENDED"), (False, "SUSPENDED")])
    return dict(kind="user", rank=1, at=moment(rng, start, 45), client="idp", id=id_, said=said,
                active=said == (True, "ACTIVE"), role=rng.choice(["student", "STAFF", "visitor"]))


def admin_record(rng, agreements, start, id_, tally):
    common = dict(at=moment(rng, start, 60), client="aquarium", id=id_)
    kind = rng.choice(["grant", "assign", "threshold"])
    if kind == "grant":
        tally["grant"] = True
        return dict(common, kind="grant", rank=3, credits=number(rng, -20, 60, 3))
    if kind == "threshold":
        tally["threshold"] = True
        return dict(common, kind="threshold", rank=3, value=rng.choice([None, number(rng, -60, 20, 2)]))
    tally["assignment"] = True
    return dict(common, kind="assign", rank=1, agreement=rng.choice(agreements + ["gone", None]))


def resource_event(rng, policies, id_):
    known = sorted(policies.resources)
    name = rng.choice(known + ["nosuch"]) if rng.random() < 0.05 else rng.choice(known)
    cost_policy = RESOURCES.get(name, {"costpolicy": "discrete"})["costpolicy"]
    at = moment(rng, policies.start, 60)
    if cost_policy == "onoff":
        value = Fraction(rng.choice([0, 0, 0, 1, 1, 1, 1, 1, 2]))
    elif cost_policy == "continuous":
        value = number(rng, -30, 60, 3)
    else:
        value = number(rng, -1, 120, 3)
    return dict(kind="resource", rank=4, at=at, client="cloud", id=id_, resource=name,
                instance=rng.choice(["a", "b"]), value=value)


OLDER = {"userID": "userId", "clientID": "clientId", "instanceID": "instance-id", "occurredMillis": "occuredMillis"}


def line(rng, user, record):
    """A record as text, at times in older spellings and with fields that mean nothing."""
    said = {"id": record["id"], "occurredMillis": record["at"], "receivedMillis": record["received"],
            "clientID": record["client"], "userID": user, "details": {}}
    number_ = None
    if record["kind"] == "grant":
        said.update(recordType="grant", reason="test", author="test")
        number_ = ("credits", text(record["credits"]))
    elif record["kind"] == "threshold":
        said.update(recordType="threshold")
        number_ = ("value", "null" if record["value"] is None else text(record["value"]))
    elif record["kind"] == "assign":
        said.update(recordType="assign", agreement=record["agreement"])
    elif record["kind"] == "user":
        active, kind = record["said"]
        said.update(isActive=active if rng.random() < 0.5 else json.dumps(active), role=record["role"], eventType=kind,
                    eventVersion=rng.choice(["1", "1.0"]))
    else:
        said.update(resource=record["resource"], instanceID=record["instance"], eventVersion="1.0")
        number_ = ("value", value_text(rng, record["value"]))
    if rng.random() < 0.2:
        said = {OLDER.get(key, key) if rng.random() < 0.5 else key: value for key, value in said.items()}
        said["colour"] = {"blue": [1, 2]}
    if number_ is None:
        return json.dumps(said)
    return json.dumps(said)[:-1] + f', "{number_[0]}": {number_[1]}}}'


def value_text(rng, value):
    """A value as one may write it."""
    shown = text(value)
    kind = rng.randrange(8)
    if kind == 0:
        return f"{text(value * 1000)}e-3"
    if kind == 1:
        return f"{text(value / 100)}E+2"
    if kind == 2 and "." in shown:
        return shown + "00"
    return shown
