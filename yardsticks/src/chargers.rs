//! The same charges by others: native integers, and expressions that interpreters evaluate, all behind the trait by
//! which the fold calls the compiled module. Interpreters reckon in floating point: that is what they offer.

use std::cell::RefCell;
use std::sync::Arc;

use aquarium_charging::{Charger, Trap};
use aquarium_ir::Credits;
use aquarium_ir::slot::Slot;
use ethnum::I256;
use rquickjs::{Context, Function, Persistent, Runtime};

use crate::Failure;
use crate::policy::{Priced, RESOURCES};

type Charged = Result<Credits, Trap>;

/// Native integers: a raw volume by a constant, as a compiler knows it for each price, rounded half to even to 10⁻⁶.
pub struct Native(pub Vec<usize>);

impl Native {
    fn charge(&self, slot: &Slot) -> Charged {
        let volume = u128::try_from(slot.volume.as_i128()).map_err(|_| Trap::BeyondLimits("volume"))?;
        match self.0.get(slot.charge.index()) {
            Some(0) => Ok(divided::<100_000>(volume)),
            Some(1) => Ok(divided::<72>(volume)),
            Some(2) => Ok(divided::<36_000_000_000_000>(volume)),
            _ => Err(Trap::UnknownCharge(slot.charge.0)),
        }
    }
}

fn divided<const BY: u64>(volume: u128) -> Credits {
    let (quotient, rest) = match u64::try_from(volume) {
        Ok(volume) => (u128::from(volume / BY), volume % BY),
        Err(_) => (volume / u128::from(BY), (volume % u128::from(BY)) as u64),
    };
    let up = rest * 2 > BY || (rest * 2 == BY && quotient & 1 == 1);
    Credits(I256::from((quotient + u128::from(up)) * 1_000_000))
}

impl Charger for Native {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Charged>) {
        charges.extend(slots.iter().map(|slot| self.charge(slot)));
    }

    fn charge_one(&self, slot: &Slot) -> Charged {
        self.charge(slot)
    }
}

/// What an interpreter is given, and what its answer is worth.
struct Inputs<'a>(&'a [usize]);

impl Inputs<'_> {
    fn of(&self, slot: &Slot) -> Option<(f64, f64)> {
        let Priced { raw_per_unit, price, .. } = RESOURCES.get(*self.0.get(slot.charge.index())?)?;
        Some((*price, slot.volume.as_f64() / raw_per_unit))
    }
}

fn credits(answer: f64) -> Credits {
    Credits(I256::from((answer * 1e6).round_ties_even() as i128 * 1_000_000))
}

fn stopped(error: impl std::fmt::Display) -> Trap {
    Trap::Stopped(error.to_string())
}

/// A function of JavaScript in QuickJS, called for each slot of a batch within one visit of the context.
pub struct QuickJs(pub Vec<usize>);

thread_local! {
    /// Contexts stay on their threads. What belongs to one goes before it.
    static SCRIPT: RefCell<Option<(Persistent<Function<'static>>, Context)>> = const { RefCell::new(None) };
}

fn script() -> Result<(Persistent<Function<'static>>, Context), Failure> {
    let context = Context::full(&Runtime::new()?)?;
    let function = context.with(|ctx| {
        let function: Function<'_> = ctx.eval("(price, volume) => price * volume")?;
        Ok::<_, rquickjs::Error>(Persistent::save(&ctx, function))
    })?;
    Ok((function, context))
}

impl QuickJs {
    fn evaluate(&self, function: &Function<'_>, slot: &Slot) -> Charged {
        let inputs = Inputs(&self.0).of(slot).ok_or(Trap::UnknownCharge(slot.charge.0))?;
        function.call::<_, f64>(inputs).map(credits).map_err(stopped)
    }
}

/// Visits the context of this thread; nothing where there is none.
fn visit<T>(look: impl FnOnce(&Function<'_>) -> T) -> Option<T> {
    SCRIPT.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = script().ok();
        }
        let (function, context) = kept.as_ref()?;
        context.with(|ctx| Some(look(&function.clone().restore(&ctx).ok()?)))
    })
}

impl Charger for QuickJs {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Charged>) {
        let each = |function: &Function<'_>| {
            charges.extend(slots.iter().map(|slot| self.evaluate(function, slot)));
        };
        // Who charges nothing is told apart by the comparison that comes first.
        let _ = visit(each);
    }

    fn charge_one(&self, slot: &Slot) -> Charged {
        visit(|function| self.evaluate(function, slot)).unwrap_or_else(|| Err(stopped("no context")))
    }
}

/// An expression in Rhai, parsed once; the variables are put into a scope that stays on its thread.
pub struct Rhai {
    numbers: Vec<usize>,
    engine: rhai::Engine,
    expression: rhai::AST,
}

impl Rhai {
    pub fn new(numbers: Vec<usize>) -> Result<Self, Failure> {
        let mut engine = rhai::Engine::new();
        engine.set_optimization_level(rhai::OptimizationLevel::Full);
        let expression = engine.compile_expression("price * volume")?;
        Ok(Self { numbers, engine, expression })
    }

    fn evaluate(&self, scope: &mut rhai::Scope<'static>, slot: &Slot) -> Charged {
        let (price, volume) = Inputs(&self.numbers).of(slot).ok_or(Trap::UnknownCharge(slot.charge.0))?;
        scope.set_value("price", price).set_value("volume", volume);
        let answer = self.engine.eval_ast_with_scope::<f64>(scope, &self.expression);
        answer.map(credits).map_err(stopped)
    }
}

thread_local! {
    static SCOPE: RefCell<rhai::Scope<'static>> = RefCell::new({
        let mut scope = rhai::Scope::new();
        scope.push("price", 0.0).push("volume", 0.0);
        scope
    });
}

impl Charger for Rhai {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Charged>) {
        SCOPE.with_borrow_mut(|scope| charges.extend(slots.iter().map(|slot| self.evaluate(scope, slot))));
    }

    fn charge_one(&self, slot: &Slot) -> Charged {
        SCOPE.with_borrow_mut(|scope| self.evaluate(scope, slot))
    }
}

/// An expression in CEL, compiled once; a context with two variables for each slot, as its interface has it.
pub struct Cel {
    numbers: Vec<usize>,
    program: cel::Program,
    environment: Arc<cel::Env>,
}

impl Cel {
    pub fn new(numbers: Vec<usize>) -> Result<Self, Failure> {
        let program = cel::Program::compile("price * volume").map_err(|error| error.to_string())?;
        Ok(Self { numbers, program, environment: Arc::new(cel::Env::stdlib()) })
    }

    fn evaluate(&self, slot: &Slot) -> Charged {
        let (price, volume) = Inputs(&self.numbers).of(slot).ok_or(Trap::UnknownCharge(slot.charge.0))?;
        let mut context = cel::Context::with_env(self.environment.clone());
        context.add_variable("price", price).map_err(stopped)?;
        context.add_variable("volume", volume).map_err(stopped)?;
        match self.program.execute(&context).map_err(stopped)? {
            cel::Value::Float(answer) => Ok(credits(answer)),
            other => Err(stopped(format!("{other:?}"))),
        }
    }
}

impl Charger for Cel {
    fn charge(&self, slots: &[Slot], charges: &mut Vec<Charged>) {
        charges.extend(slots.iter().map(|slot| self.evaluate(slot)));
    }

    fn charge_one(&self, slot: &Slot) -> Charged {
        self.evaluate(slot)
    }
}
