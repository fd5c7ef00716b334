//! From a compiled policy to a WebAssembly module.
//!
//! One function per distinct charge, an export that charges one slot, one that charges a row of them, and the
//! policy itself in a custom section. No imports, no floating point, no loop but that over the slots, and
//! nothing that depends on anything but the policy: equal policies give equal bytes. The format is
//! described in `docs/module-format.md`.

mod arithmetic;
mod assembler;
mod body;
mod conditions;
mod dispatch;
mod division;
mod helpers;
mod source;
mod tiers;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use aquarium_ir::Expression;
use aquarium_ir::bounds::{Problem, Prover};
use aquarium_ir::module::{
    BATCH_EXPORT, CHARGE_EXPORT, MEMORY_EXPORT, MEMORY_PAGES, POLICY_SECTION, SEAL_SECTION, SOURCE_SECTION,
    seal,
};
use aquarium_ir::policy::{Charge, ChargeId, Policy};
use aquarium_ir::slot::Limits;
use serde::Serialize;
use wasm_encoder::{
    CodeSection, CustomSection, Encode, ExportKind, ExportSection, Function, FunctionSection, MemorySection,
    MemoryType, Module, NameMap, NameSection, Section, SectionId, TypeSection, ValType,
};

use self::assembler::Helpers;
use self::helpers::Helper;
use crate::SourceFile;

/// How a module is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmitOptions<'a> {
    /// Whether to use the wide-arithmetic instructions; without them the module runs on any engine, slower.
    pub wide_arithmetic: bool,
    /// Files whose text goes into the module, so that whoever explains a charge can show the lines that it is by.
    pub sources: &'a [SourceFile],
}

impl Default for EmitOptions<'_> {
    fn default() -> Self {
        Self { wide_arithmetic: true, sources: &[] }
    }
}

/// Why a policy cannot be written as a module. Analysis finds the same problems and reports them in the
/// author's words; this is for policies that did not come from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// A charge names something that the policy does not have.
    #[error("charge {} names something that the policy does not have", .0.0)]
    Unknown(ChargeId),
    /// A charge cannot be computed for every slot.
    #[error("charge {} cannot be compiled: {}", .charge.0, .problem.reason)]
    Unproven {
        /// The charge.
        charge: ChargeId,
        /// The first of its problems.
        problem: Problem,
    },
    /// The policy cannot be written.
    #[error("the policy cannot be written: {0}")]
    Section(String),
}

/// Writes a policy as a module.
///
/// # Errors
/// Where an expression is not proven to be computable for all slots of its resource.
pub fn emit(policy: &Policy, options: EmitOptions<'_>) -> Result<Vec<u8>, EmitError> {
    let mut code = Code::new(policy, options);
    for (id, charge) in (0..).map(ChargeId).zip(&policy.charges) {
        code.charge(id, charge)?;
    }
    let mut module = code.module().finish();
    drop(code);
    json(&mut module, POLICY_SECTION, policy)?;
    json(&mut module, SOURCE_SECTION, &source::spans(policy, options.sources))?;
    let sealed = seal(&module);
    CustomSection { name: SEAL_SECTION.into(), data: sealed.into() }.append_to(&mut module);
    Ok(module)
}

/// Appends a custom section of JSON, written where it stays: there is nothing longer than that of a large policy.
fn json(module: &mut Vec<u8>, name: &str, content: &impl Serialize) -> Result<(), EmitError> {
    let start = module.len();
    serde_json::to_writer(&mut *module, content).map_err(|error| EmitError::Section(error.to_string()))?;
    let mut named = Vec::new();
    name.encode(&mut named);
    let mut head = vec![SectionId::Custom.into()];
    (named.len() + module.len() - start).encode(&mut head);
    module.splice(start..start, head.into_iter().chain(named));
    Ok(())
}

/// The functions of a module in the making.
struct Code<'a> {
    policy: &'a Policy,
    /// By resource.
    limits: Vec<Limits>,
    /// By body.
    provers: Vec<Option<Prover<'a>>>,
    helpers: Vec<Helper>,
    indices: Helpers,
    /// The function of each charge.
    charges: Vec<u32>,
    /// The name and body of each distinct charge function, and by its body where it is.
    functions: Vec<(String, Rc<[u8]>)>,
    known: HashMap<Rc<[u8]>, u32>,
}

impl<'a> Code<'a> {
    fn new(policy: &'a Policy, options: EmitOptions<'_>) -> Self {
        let (helpers, indices) = helpers::helpers(options.wide_arithmetic);
        Self {
            policy,
            limits: policy.resources.iter().map(Limits::of).collect(),
            provers: policy.bodies.iter().map(|_| None).collect(),
            helpers,
            indices,
            charges: Vec::new(),
            functions: Vec::new(),
            known: HashMap::new(),
        }
    }

    fn charge(&mut self, id: ChargeId, charge: &Charge) -> Result<(), EmitError> {
        let body: Rc<[u8]> = self.function(id, charge)?.into_raw_body().into();
        let next = index(self.helpers.len() + self.functions.len());
        let place = *self.known.entry(Rc::clone(&body)).or_insert(next);
        if place == next {
            let resource = self.policy.resources.get(charge.resource.index());
            let resource = resource.map_or("", |resource| resource.name.as_str());
            self.functions.push((format!("charge {} of {resource}", id.0), body));
        }
        self.charges.push(place);
        Ok(())
    }

    /// Compiles a charge. What is proven of its body at one price serves the others.
    fn function(&mut self, id: ChargeId, charge: &Charge) -> Result<Function, EmitError> {
        let (policy, unknown) = (self.policy, || EmitError::Unknown(id));
        let limits = *self.limits.get(charge.resource.index()).ok_or_else(unknown)?;
        let price = policy.prices.get(charge.price.index()).ok_or_else(unknown)?;
        let body = policy.body(charge).ok_or_else(unknown)?;
        let prover = self.provers.get_mut(charge.body.index()).ok_or_else(unknown)?;
        let prover = prover.get_or_insert_with(|| Prover::new(Cow::Borrowed(body), limits, policy.precision));
        let bounds = prover.at(price);
        if let Some(problem) = bounds.problems.first() {
            return Err(EmitError::Unproven { charge: id, problem: problem.clone() });
        }
        let expression = Expression { nodes: body.nodes_at(price), origins: Vec::new() };
        Ok(body::charge(&expression, &bounds, limits, policy.precision, self.indices))
    }

    /// The module, but for its own custom sections.
    fn module(&self) -> Module {
        let mut declared = Declared::default();
        for helper in &self.helpers {
            declared.function(
                &helper.name,
                ValType::I64,
                helper.parameters,
                helper.results,
                &helper.function.clone().into_raw_body(),
            );
        }
        for (name, function) in &self.functions {
            declared.function(name, ValType::I32, 2, 0, function);
        }
        let single = declared.functions.len();
        declared.function(
            CHARGE_EXPORT,
            ValType::I32,
            2,
            0,
            &dispatch::single(&self.charges).into_raw_body(),
        );
        declared.function(BATCH_EXPORT, ValType::I32, 3, 0, &dispatch::batch(&self.charges).into_raw_body());
        declared.module(&exports(single))
    }
}

/// What a module says of its functions, section by section.
#[derive(Default)]
struct Declared {
    types: TypeSection,
    known_types: BTreeMap<(bool, usize, usize), u32>,
    functions: FunctionSection,
    code: CodeSection,
    names: NameMap,
}

impl Declared {
    /// A function whose parameters are all of one type and whose results are 64-bit integers.
    fn function(&mut self, name: &str, parameter: ValType, parameters: usize, results: usize, body: &[u8]) {
        let next = index(self.known_types.len());
        let kind = *self.known_types.entry((parameter == ValType::I64, parameters, results)).or_insert(next);
        if kind == next {
            self.types.ty().function(vec![parameter; parameters], vec![ValType::I64; results]);
        }
        self.names.append(self.functions.len(), name);
        self.functions.function(kind);
        self.code.raw(body);
    }

    fn module(&self, exports: &ExportSection) -> Module {
        let mut memories = MemorySection::new();
        memories.memory(MemoryType {
            minimum: MEMORY_PAGES,
            maximum: Some(MEMORY_PAGES),
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut names = NameSection::new();
        names.functions(&self.names);
        let mut module = Module::new();
        module.section(&self.types).section(&self.functions).section(&memories);
        module.section(exports).section(&self.code).section(&names);
        module
    }
}

fn exports(single: u32) -> ExportSection {
    let mut exports = ExportSection::new();
    exports.export(MEMORY_EXPORT, ExportKind::Memory, 0);
    exports.export(CHARGE_EXPORT, ExportKind::Func, single);
    exports.export(BATCH_EXPORT, ExportKind::Func, single + 1);
    exports
}

fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
