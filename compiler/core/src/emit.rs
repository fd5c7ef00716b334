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
use std::io::{self, BufWriter, Write};
use std::rc::Rc;

use aquarium_ir::Expression;
use aquarium_ir::bounds::{Problem, Prover};
use aquarium_ir::module::{
    BATCH_EXPORT, CHARGE_EXPORT, MEMORY_EXPORT, MEMORY_PAGES, POLICY_SECTION, SEAL_SECTION, SOURCE_SECTION,
    seal_of,
};
use aquarium_ir::policy::{Charge, ChargeId, Policy};
use aquarium_ir::slot::Limits;
use serde::Serialize;
use sha2::{Digest, Sha256};
use wasm_encoder::{
    CustomSection, Encode, ExportKind, ExportSection, Function, FunctionSection, MemorySection, MemoryType,
    Module, NameMap, NameSection, Section, SectionId, TypeSection, ValType,
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
    let mut module = Vec::new();
    let compiled = CompiledModule::new(policy, options)?;
    compiled.write_to(&mut module).map_err(|error| EmitError::Section(error.to_string()))?;
    Ok(module)
}

/// A module whose charges are compiled, for whoever has somewhere to write it: it is many times as long as its policy,
/// and is never in memory as a whole.
pub struct CompiledModule<'a> {
    code: Code<'a>,
    sources: &'a [SourceFile],
}

impl<'a> CompiledModule<'a> {
    /// Compiles the charges of a policy.
    ///
    /// # Errors
    /// Where an expression is not proven to be computable for all slots of its resource.
    pub fn new(policy: &'a Policy, options: EmitOptions<'a>) -> Result<Self, EmitError> {
        let mut code = Code::new(policy, options);
        for (id, charge) in (0..).map(ChargeId).zip(&policy.charges) {
            code.charge(id, charge)?;
        }
        Ok(Self { code, sources: options.sources })
    }

    /// Writes the module, section by section.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_to(self, out: &mut impl Write) -> io::Result<()> {
        let Self { mut code, sources } = self;
        let policy = code.policy;
        let mut out = BufWriter::new(Hashed { out, hash: Sha256::new() });
        code.known = HashMap::new();
        code.write_to(&mut out)?;
        drop(code);
        json(&mut out, POLICY_SECTION, policy)?;
        json(&mut out, SOURCE_SECTION, &source::spans(policy, sources))?;
        let Hashed { out, hash } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        section(out, &CustomSection { name: SEAL_SECTION.into(), data: seal_of(hash).into() })?;
        out.flush()
    }
}

/// A writer that hashes what is written.
struct Hashed<'w, W> {
    out: &'w mut W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a section that is at hand.
fn section(out: &mut impl Write, section: &impl Section) -> io::Result<()> {
    let mut bytes = Vec::new();
    section.append_to(&mut bytes);
    out.write_all(&bytes)
}

/// Writes a custom section of JSON. How long it is stands before it: it is made twice, and never there as a whole.
fn json(out: &mut impl Write, name: &str, content: &impl Serialize) -> io::Result<()> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, content)?;
    let mut named = Vec::new();
    name.encode(&mut named);
    let mut head = vec![SectionId::Custom.into()];
    (named.len() + length.0).encode(&mut head);
    out.write_all(&head)?;
    out.write_all(&named)?;
    Ok(serde_json::to_writer(out, content)?)
}

/// A writer that counts bytes.
struct Length(usize);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    /// Each distinct charge function: its first charge, and its body; and by the body where it is.
    functions: Vec<(ChargeId, Rc<[u8]>)>,
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
            self.functions.push((id, body));
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

    /// Writes the module, but for its own custom sections.
    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let helpers: Vec<Vec<u8>> =
            self.helpers.iter().map(|helper| helper.function.clone().into_raw_body()).collect();
        let exported =
            [dispatch::single(&self.charges), dispatch::batch(&self.charges)].map(Function::into_raw_body);
        let bodies = helpers.iter().map(Vec::as_slice);
        let bodies = bodies.chain(self.functions.iter().map(|(_, body)| body.as_ref()));
        let bodies = bodies.chain(exported.iter().map(Vec::as_slice));
        let declared = self.declared();
        out.write_all(&Module::HEADER)?;
        section(out, &declared.types)?;
        section(out, &declared.functions)?;
        section(out, &memory())?;
        section(out, &exports(index(helpers.len() + self.functions.len())))?;
        code_section(out, bodies)?;
        let mut names = NameSection::new();
        names.functions(&declared.names);
        section(out, &names)
    }

    fn declared(&self) -> Declared {
        let mut declared = Declared::default();
        for helper in &self.helpers {
            declared.function(&helper.name, ValType::I64, helper.parameters, helper.results);
        }
        for (id, _) in &self.functions {
            let charge = self.policy.charges.get(id.index());
            let resource = charge.and_then(|charge| self.policy.resources.get(charge.resource.index()));
            let resource = resource.map_or("", |resource| resource.name.as_str());
            declared.function(&format!("charge {} of {resource}", id.0), ValType::I32, 2, 0);
        }
        declared.function(CHARGE_EXPORT, ValType::I32, 2, 0);
        declared.function(BATCH_EXPORT, ValType::I32, 3, 0);
        declared
    }
}

/// What a module says of its functions beside their code, section by section.
#[derive(Default)]
struct Declared {
    types: TypeSection,
    known_types: BTreeMap<(bool, usize, usize), u32>,
    functions: FunctionSection,
    names: NameMap,
}

impl Declared {
    /// A function whose parameters are all of one type and whose results are 64-bit integers.
    fn function(&mut self, name: &str, parameter: ValType, parameters: usize, results: usize) {
        let next = index(self.known_types.len());
        let kind = *self.known_types.entry((parameter == ValType::I64, parameters, results)).or_insert(next);
        if kind == next {
            self.types.ty().function(vec![parameter; parameters], vec![ValType::I64; results]);
        }
        self.names.append(self.functions.len(), name);
        self.functions.function(kind);
    }
}

fn memory() -> MemorySection {
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: MEMORY_PAGES,
        maximum: Some(MEMORY_PAGES),
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    memories
}

/// Writes the code of functions from where they are: there is nothing longer in a module.
fn code_section<'b>(out: &mut impl Write, bodies: impl Iterator<Item = &'b [u8]> + Clone) -> io::Result<()> {
    let number = |number: usize| {
        let mut bytes = Vec::new();
        number.encode(&mut bytes);
        bytes
    };
    let count = number(bodies.clone().count());
    let length: usize = bodies.clone().map(|body| number(body.len()).len() + body.len()).sum();
    out.write_all(&[SectionId::Code.into()])?;
    out.write_all(&number(count.len() + length))?;
    out.write_all(&count)?;
    for body in bodies {
        out.write_all(&number(body.len()))?;
        out.write_all(body)?;
    }
    Ok(())
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
