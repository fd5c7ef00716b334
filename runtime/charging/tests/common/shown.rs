//! Cases as a person would read them when a law fails: policies in a few lines, events one a line.

use std::fmt::{self, Debug, Formatter};

use aquarium_ir::Policy;
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{ExpressionId, Given, Price, PriceId};
use aquarium_ir::time::{Body, Frame, FrameId, Timeline};
use jiff::Timestamp;

use super::cases::{Case, Event, VersionCase, What};

impl Debug for Case {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for version in &self.versions {
            writeln!(f, "\n{version:?}")?;
        }
        for event in &self.events {
            writeln!(f, "{event:?}")?;
        }
        for (index, conflict) in self.repeats.iter().filter(|_| !self.events.is_empty()) {
            let what = if *conflict { "conflict with" } else { "duplicate of" };
            writeln!(f, "{what} {}", index.get(&self.events).id)?;
        }
        Ok(())
    }
}

impl Debug for Event {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { id, client, at, received, what } = self;
        write!(f, "{} {id} of {client}: ", instant(*at))?;
        match what {
            What::Usage { resource, instance, nano } => write!(f, "{resource}/{instance} {nano}e-9")?,
            What::User { role, active } => {
                write!(f, "{role}, {}", if *active { "active" } else { "inactive" })?;
            }
            What::Assign(agreement) => write!(f, "assigned {agreement:?}")?,
            What::Grant(credits) => write!(f, "granted {credits}")?,
            What::Threshold(value) => write!(f, "threshold {value:?}")?,
        }
        if received == at { Ok(()) } else { write!(f, " (received {})", instant(*received)) }
    }
}

impl Debug for VersionCase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let policy = &self.policy;
        let to = self.to.map_or("for ever".to_owned(), instant);
        writeln!(
            f,
            "version from {} to {to}, {}, precision {}",
            instant(self.from),
            policy.zone.name(),
            policy.precision
        )?;
        if let Some(received) = self.received {
            writeln!(f, "  received {}", instant(received))?;
        }
        if let Some(frame) = policy.effective {
            writeln!(f, "  effective in frame {}", frame.0)?;
        }
        for (frame, index) in policy.frames.iter().zip(0..) {
            writeln!(f, "  frame {index}: {}", frame_text(frame))?;
        }
        for agreement in &policy.agreements {
            writeln!(f, "  {}:", agreement.name)?;
            for (resource, index) in policy.resources.iter().zip(0..) {
                let price = timeline(&agreement.prices[index], &|given: &Given<PriceId>| {
                    price(&policy.prices[given.value.index()])
                });
                let formula = timeline(&agreement.expressions[index], &|given: &Given<ExpressionId>| {
                    policy.expressions[given.value.index()].text.clone()
                });
                writeln!(f, "    {}: {price}; {formula}", resource.name)?;
            }
            plan(f, policy, &agreement.name)?;
            let threshold =
                timeline(&agreement.threshold, &|threshold: &aquarium_ir::Rational| threshold.to_string());
            writeln!(f, "    threshold: {threshold}")?;
        }
        let name = |id: aquarium_ir::policy::AgreementId| &policy.agreements[id.index()].name;
        let roles: Vec<String> =
            policy.roles.iter().map(|(role, id)| format!("{role}: {}", name(*id))).collect();
        writeln!(f, "  roles: {}; *: {:?}", roles.join(", "), policy.everybody_else.map(name))
    }
}

fn plan(f: &mut Formatter<'_>, policy: &Policy, agreement: &str) -> fmt::Result {
    let Some((_, agreement)) = policy.agreement(agreement) else { return Ok(()) };
    let plan = &agreement.plan;
    if plan.credits.0.is_empty() {
        return Ok(());
    }
    let credits = timeline(&plan.credits, &|given: &Given<aquarium_ir::Rational>| given.value.to_string());
    let initial = timeline(&plan.initial, &|given: &Given<aquarium_ir::Rational>| given.value.to_string());
    let mode = timeline(&plan.mode, &|mode: &aquarium_ir::policy::Mode| format!("{mode:?}"));
    let at = timeline(&plan.at, &|cron: &aquarium_ir::time::Cron| cron.text.clone());
    writeln!(f, "    plan: {mode} {credits} at {at}, initially {initial}")
}

fn timeline<T>(timeline: &Timeline<T>, text: &dyn Fn(&T) -> String) -> String {
    let layers = timeline.0.iter().map(|layer| {
        let body = match &layer.body {
            Body::Value(value) => text(value),
            Body::Timeline(inner) => format!("({})", self::timeline(inner, text)),
        };
        match layer.frame {
            Some(FrameId(frame)) => format!("{body} in frame {frame}"),
            None => body,
        }
    });
    layers.collect::<Vec<_>>().join(", else ")
}

fn price(price: &Price) -> String {
    match price {
        Price::Flat(price) => price.to_string(),
        Price::Tiers(tiers) => {
            let tier = |tier: &aquarium_ir::policy::Tier| match &tier.upto {
                Some(upto) => format!("{} up to {upto}", tier.price),
                None => tier.price.to_string(),
            };
            format!("[{}]", tiers.iter().map(tier).collect::<Vec<_>>().join(", "))
        }
    }
}

fn frame_text(frame: &Frame) -> String {
    let mut text = String::new();
    if frame.from > Millis::MIN {
        text += &format!("from {} ", instant(frame.from.0));
    }
    if frame.to < Millis::MAX {
        text += &format!("to {} ", instant(frame.to.0));
    }
    for range in &frame.repeat {
        text += &format!("each `{}` to `{}` ", range.start.text, range.end.text);
    }
    for (from, to) in &frame.except {
        text += &format!("except {} to {} ", instant(from.0), instant(to.0));
    }
    text
}

fn instant(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |instant| instant.to_string())
}
