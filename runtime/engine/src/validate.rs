//! What a module may consist of: only what the compiler writes.
//!
//! Integer arithmetic, locals, branches, loads and stores, calls of its own functions without recursion, one
//! loop in the batch export, a memory of fixed size. Everything else is refused before any of it is compiled,
//! so a module can neither reach out, nor run for ever, nor compute in floating point.

use aquarium_ir::module::{BATCH_EXPORT, CHARGE_EXPORT, MEMORY_EXPORT, MEMORY_PAGES};
use wasmparser::{
    Export, ExternalKind, FunctionBody, MemoryType, Operator, Parser, Payload, Validator, WasmFeatures,
};

/// Why a module is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not valid WebAssembly.
    #[error("it is not valid WebAssembly: {0}")]
    Invalid(String),
    /// It has a part that no compiled policy has.
    #[error("it has {0}, which no compiled policy has")]
    Foreign(&'static str),
    /// It has an instruction that no compiled policy has.
    #[error("function {function} has the instruction `{instruction}`, which no compiled policy has")]
    Instruction {
        /// The index of the function.
        function: u32,
        /// The instruction.
        instruction: String,
    },
    /// It has a loop elsewhere, or another one, than that over the slots.
    #[error("function {0} has a loop that is not the one over the slots")]
    Loop(u32),
    /// A function calls itself, directly or through others.
    #[error("function {0} can call itself")]
    Recursion(u32),
    /// Something is missing or of another kind than it should be.
    #[error("its {0} is missing or not of the right kind")]
    Export(&'static str),
}

/// Checks that a module consists of nothing but what the compiler writes.
///
/// # Errors
/// The first thing that is something else.
pub fn validate(module: &[u8]) -> Result<(), Refusal> {
    let features = WasmFeatures::WIDE_ARITHMETIC | WasmFeatures::MULTI_VALUE;
    Validator::new_with_features(features)
        .validate_all(module)
        .map_err(|error| Refusal::Invalid(error.to_string()))?;
    let mut content = Content::default();
    for payload in Parser::new(0).parse_all(module) {
        content.payload(payload.map_err(|error| Refusal::Invalid(error.to_string()))?)?;
    }
    content.check()
}

/// What was found in a module.
#[derive(Debug, Default)]
struct Content {
    /// The functions that each function calls.
    calls: Vec<Vec<u32>>,
    /// The functions with a loop, one entry a loop.
    loops: Vec<u32>,
    memory: bool,
    charge: Option<u32>,
    batch: Option<u32>,
    memory_export: bool,
}

impl Content {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), Refusal> {
        match payload {
            Payload::Version { .. }
            | Payload::TypeSection(_)
            | Payload::FunctionSection(_)
            | Payload::CodeSectionStart { .. }
            | Payload::CustomSection(_)
            | Payload::End(_) => Ok(()),
            Payload::MemorySection(memories) => {
                memories.into_iter().try_for_each(|memory| self.memory(memory))
            }
            Payload::ExportSection(exports) => exports.into_iter().try_for_each(|export| self.export(export)),
            Payload::CodeSectionEntry(body) => self.function(&body),
            Payload::ImportSection(_) => Err(Refusal::Foreign("an import")),
            Payload::GlobalSection(_) => Err(Refusal::Foreign("a global")),
            Payload::TableSection(_) => Err(Refusal::Foreign("a table")),
            Payload::ElementSection(_) => Err(Refusal::Foreign("an element segment")),
            Payload::DataSection(_) | Payload::DataCountSection { .. } => {
                Err(Refusal::Foreign("a data segment"))
            }
            Payload::StartSection { .. } => Err(Refusal::Foreign("a start function")),
            _ => Err(Refusal::Foreign("a section of another kind")),
        }
    }

    fn memory(&mut self, memory: wasmparser::Result<MemoryType>) -> Result<(), Refusal> {
        let memory = memory.map_err(|error| Refusal::Invalid(error.to_string()))?;
        let fixed = memory.initial == MEMORY_PAGES && memory.maximum == Some(MEMORY_PAGES);
        if self.memory || !fixed || memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
            return Err(Refusal::Foreign("a memory of another size"));
        }
        self.memory = true;
        Ok(())
    }

    fn export(&mut self, export: wasmparser::Result<Export<'_>>) -> Result<(), Refusal> {
        let export = export.map_err(|error| Refusal::Invalid(error.to_string()))?;
        match (export.name, export.kind) {
            (MEMORY_EXPORT, ExternalKind::Memory) => self.memory_export = true,
            (CHARGE_EXPORT, ExternalKind::Func) => self.charge = Some(export.index),
            (BATCH_EXPORT, ExternalKind::Func) => self.batch = Some(export.index),
            _ => return Err(Refusal::Foreign("an export of another name")),
        }
        Ok(())
    }

    fn function(&mut self, body: &FunctionBody<'_>) -> Result<(), Refusal> {
        let invalid = |error: wasmparser::BinaryReaderError| Refusal::Invalid(error.to_string());
        let function = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        let mut calls = Vec::new();
        for operator in body.get_operators_reader().map_err(invalid)? {
            match operator.map_err(invalid)? {
                Operator::Loop { .. } => self.loops.push(function),
                Operator::Call { function_index } => calls.push(function_index),
                operator if is_written_by_the_compiler(&operator) => {}
                operator => {
                    let text = format!("{operator:?}");
                    let instruction = text.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
                    return Err(Refusal::Instruction { function, instruction });
                }
            }
        }
        calls.sort_unstable();
        calls.dedup();
        self.calls.push(calls);
        Ok(())
    }

    fn check(self) -> Result<(), Refusal> {
        if !self.memory || !self.memory_export {
            return Err(Refusal::Export(MEMORY_EXPORT));
        }
        self.charge.ok_or(Refusal::Export(CHARGE_EXPORT))?;
        let batch = self.batch.ok_or(Refusal::Export(BATCH_EXPORT))?;
        let mut loops = self.loops.iter();
        let first_elsewhere = loops.next().filter(|function| **function != batch);
        if let Some(function) = first_elsewhere.or_else(|| loops.next()) {
            return Err(Refusal::Loop(*function));
        }
        recursion(&self.calls).map_or(Ok(()), |function| Err(Refusal::Recursion(function)))
    }
}

/// A function that can call itself, if there is one: takes away, again and again, functions that nobody
/// calls any more.
fn recursion(calls: &[Vec<u32>]) -> Option<u32> {
    let mut callers = vec![0_usize; calls.len()];
    let called = |callers: &mut Vec<usize>, function: u32, change: isize| {
        let count = callers.get_mut(function as usize)?;
        *count = count.saturating_add_signed(change);
        (*count == 0).then_some(function)
    };
    for function in calls.iter().flatten() {
        called(&mut callers, *function, 1);
    }
    let mut free: Vec<u32> =
        (0_u32..).zip(&callers).filter(|(_, count)| **count == 0).map(|(function, _)| function).collect();
    while let Some(function) = free.pop() {
        for callee in calls.get(function as usize).into_iter().flatten() {
            free.extend(called(&mut callers, *callee, -1));
        }
    }
    callers.iter().position(|count| *count > 0).and_then(|function| u32::try_from(function).ok())
}

fn is_written_by_the_compiler(operator: &Operator<'_>) -> bool {
    use Operator as O;
    matches!(
        operator,
        O::Unreachable
            | O::Block { .. }
            | O::If { .. }
            | O::Else
            | O::End
            | O::Br { .. }
            | O::BrIf { .. }
            | O::BrTable { .. }
            | O::Return
            | O::Select
            | O::LocalGet { .. }
            | O::LocalSet { .. }
            | O::I32Load { .. }
            | O::I64Load { .. }
            | O::I64Store { .. }
            | O::I32Const { .. }
            | O::I64Const { .. }
            | O::I32Eqz
            | O::I32Add
            | O::I32Sub
            | O::I32And
            | O::I32Or
            | O::I32WrapI64
            | O::I64ExtendI32U
            | O::I64Eqz
            | O::I64Eq
            | O::I64LtS
            | O::I64LtU
            | O::I64Add
            | O::I64Sub
            | O::I64Mul
            | O::I64DivU
            | O::I64And
            | O::I64Or
            | O::I64Xor
            | O::I64Shl
            | O::I64ShrS
            | O::I64ShrU
            | O::I64Add128
            | O::I64Sub128
            | O::I64MulWideS
            | O::I64MulWideU
    )
}
