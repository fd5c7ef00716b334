use aquarium_ir::policy::CostPolicy;

use super::*;

/// The unit, its base units, and what is said of the text.
fn read(text: &str) -> String {
    match read_unit(text) {
        Ok(reading) if reading.is_opaque => format!("opaque {}", reading.unit),
        Ok(reading) => format!("{} = {}", reading.unit, reading.unit.scale()),
        Err(finding) => {
            let fix = finding.details.fix.map_or_else(String::new, |fix| format!(" [{}]", fix.title));
            format!("{}; {}{fix}", finding.message, finding.details.help.unwrap_or_default())
        }
    }
}

#[test]
fn unit_expressions_are_read_exactly() {
    for (text, expected) in [
        ("MB", "MB = 1000000"),
        ("mB", "mB = 1000000"),
        ("KiB", "KiB = 1024"),
        ("kIB", "kIB = 1024"),
        ("Mb", "Mb = 125000"),
        ("Gbit", "Gbit = 125000000"),
        ("GBs", "GBs = 1000000000"),
        ("bits", "bits = 0.125"),
        ("kilobyte", "kilobyte = 1"),
        ("MB/hr", "MB/hr = 5/18"),
        ("GB*day", "GB*day = 86400000000000000"),
        ("MB-Hr", "MB*Hr = 3600000000000"),
        ("MB - Hours", "MB*Hours = 3600000000000"),
        ("pages", "pages = 1"),
        ("m^2 / s", "m^2/s = 0.001"),
        ("GB/week/core", "GB/(week*core) = 125/75600"),
        ("MB*GB", "MB^2 = 1000000000000"),
        ("d", "d = 86400000"),
        ("S", "S = 1"),
        ("Credits", "credit = 1"),
        ("vm hours", "opaque vm hours"),
        ("1/hr", "opaque 1/hr"),
        ("MB*", "opaque MB*"),
        ("", "a unit is missing; "),
        ("mb", "`mb` can mean bytes or bits; write `MB` for bytes or `Mb` for bits"),
        ("gib/hr", "`gib` can mean bytes or bits; write `GiB` for bytes or `Gib` for bits"),
        ("b", "`b` can mean bytes or bits; write `B` for bytes or `bit` for bits"),
        (
            "GB/month",
            "a month has no fixed length; use a time of fixed length, for example `GB*day` or `GB*hr`",
        ),
        ("m^99", "the powers of this unit are too high; "),
    ] {
        assert_eq!(read(text), expected.replace("125/75600", "625/378"), "{text}");
    }
}

#[test]
fn products_keep_the_unit_on_the_left() {
    let unit = |text: &str| read_unit(text).unwrap().unit;
    let shown = |unit: Option<Unit>| unit.unwrap().to_string();
    assert_eq!(shown(unit("credit/MB").times(&unit("GB"))), "credit");
    assert_eq!(shown(unit("MB*hr").per(&unit("min"))), "MB");
    assert!(unit("GB").per(&unit("MB")).unwrap().is_none());
    assert!(unit("page").measures_the_same(&unit("pages")));
    assert!(!unit("page").measures_the_same(&unit("Page")));
    assert_eq!(unit("credit/MB").words(), "credits per MB");
    assert_eq!(unit("MB*hr").words(), "MB*hr");
}

/// Volume, raw units in one of it, and what is said.
fn resource(text: &str, cost_policy: CostPolicy) -> String {
    let (unit, findings) = read_resource_unit(text, cost_policy);
    let unit = unit.map(|unit| format!("{} = {}", unit.volume, unit.raw_per_unit())).unwrap_or_default();
    findings.into_iter().fold(unit, |text, finding| format!("{text} | {}", finding.message))
}

#[test]
fn cost_policies_read_units_their_way() {
    use CostPolicy::{Continuous, Discrete, Onoff};
    for (text, cost_policy, expected) in [
        (
            "MB/hr",
            Discrete,
            "MB = 1000000000 | events are counted in `MB`: the time in `MB/hr` has no effect",
        ),
        ("MB", Discrete, "MB = 1000000000"),
        ("hour", Discrete, "hour = 1000000000"),
        (
            "pages read",
            Discrete,
            "pages read = 1000000000 | `pages read` is no unit expression: it counts as one unit of your own",
        ),
        ("Hour", Onoff, "Hour = 3600000"),
        ("min", Onoff, "min = 60000"),
        ("VM", Onoff, "hr = 3600000 | `VM` is no time: an on/off resource is measured in hours here"),
        ("MB/hr", Continuous, "MB*hr = 3600000000000000"),
        ("MB-Hr", Continuous, "MB*Hr = 3600000000000000"),
        ("day*GB", Continuous, "GB*day = 86400000000000000"),
        ("GB", Continuous, "GB*hr = 3600000000000000 | `GB` without a time means `GB*hr`"),
        ("GB*hr*day", Continuous, " | `GB*hr*day` is not an amount times one time"),
        ("GB*hr/day", Continuous, " | `GB*hr/day` is not an amount times one time"),
        ("hr", Continuous, " | `hr` is not an amount times one time"),
    ] {
        assert_eq!(resource(text, cost_policy), expected, "{text}");
    }
}

#[test]
fn prefixes_belong_to_a_family() {
    for (name, family) in [
        ("GB", Some(PrefixFamily::Decimal)),
        ("Gib", Some(PrefixFamily::Binary)),
        ("B", None),
        ("pages", None),
    ] {
        assert_eq!(prefix_family(name), family, "{name}");
    }
}
