//! The module format: how a compiled policy travels in a WebAssembly module, and how a charge function is
//! called.
//!
//! This knows the layout of the file and of slots in linear memory, not what the code in it does. The
//! format is described in `docs/module-format.md`.

use ethnum::I256;
use sha2::{Digest, Sha256};

use crate::expression::Variable;
use crate::policy::{self, Policy};
use crate::slot::Slot;

/// The version of the module format; a runtime refuses a module of a greater one. Format 1 differs in the policy's
/// agreements alone ([`policy::FORMAT`]) and is read too.
pub const MODULE_FORMAT: u32 = 2;

/// The largest module that is read.
pub const MODULE_BYTES_MAX: usize = 64 << 20;

/// The custom section that holds the compiled policy as JSON.
pub const POLICY_SECTION: &str = "aquarium.policy";
/// The custom section that holds source spans as JSON.
pub const SOURCE_SECTION: &str = "aquarium.source";
/// The custom section, the last of the file, that holds format version and digest of what is before it.
pub const SEAL_SECTION: &str = "aquarium.seal";

/// The export of the linear memory.
pub const MEMORY_EXPORT: &str = "memory";
/// The export that charges one slot: `(slot: i32, result: i32)`, both addresses.
pub const CHARGE_EXPORT: &str = "charge";
/// The export that charges a row of slots: `(slots: i32, results: i32, count: i32)`.
pub const BATCH_EXPORT: &str = "charge_batch";

/// Bytes of a slot in linear memory.
pub const SLOT_BYTES: usize = 112;
/// Bytes of a result: [`Credits`](crate::Credits) as a 256-bit little-endian integer.
pub const RESULT_BYTES: usize = 32;
/// The most slots of one batch: with their results they fill the memory.
pub const BATCH_SLOTS_MAX: usize = 4096;
/// The memory of a module, in pages of 64 KiB; it neither grows nor shrinks.
pub const MEMORY_PAGES: u64 = 9;
/// Where the results of a batch lie: behind the slots.
pub const RESULTS_OFFSET: usize = BATCH_SLOTS_MAX * SLOT_BYTES;

const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// A number of a slot in linear memory, little-endian. The charge's index, 32 bits, is at offset 0, four zero
/// bytes follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotField {
    /// 64 bits.
    Duration,
    /// 256 bits.
    Volume,
    /// 256 bits.
    Total,
    /// 256 bits.
    Amount,
}

impl SlotField {
    /// Where a variable is found.
    #[must_use]
    pub fn of(variable: Variable) -> Self {
        match variable {
            Variable::Volume => Self::Volume,
            Variable::Total => Self::Total,
            Variable::Value | Variable::Amount => Self::Amount,
            Variable::Duration => Self::Duration,
        }
    }

    /// Its offset within the slot.
    #[must_use]
    pub fn offset(self) -> u64 {
        match self {
            Self::Duration => 8,
            Self::Volume => 16,
            Self::Total => 48,
            Self::Amount => 80,
        }
    }
}

/// Puts a slot where it lies in linear memory.
#[inline]
pub fn put_slot(slot: &Slot, place: &mut [u8; SLOT_BYTES]) {
    let parts: [&[u8]; 5] = [
        &u64::from(slot.charge.0).to_le_bytes(),
        &slot.duration_millis.to_le_bytes(),
        &slot.volume.to_le_bytes(),
        &slot.total.to_le_bytes(),
        &slot.amount.to_le_bytes(),
    ];
    let mut rest = place.as_mut_slice();
    for part in parts {
        let Some((place, after)) = rest.split_at_mut_checked(part.len()) else { break };
        place.copy_from_slice(part);
        rest = after;
    }
}

/// A result as it lies in linear memory.
#[must_use]
#[inline]
pub fn result_of(bytes: [u8; RESULT_BYTES]) -> I256 {
    I256::from_le_bytes(bytes)
}

/// Why bytes are not a module of this format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModuleError {
    /// Not WebAssembly, or cut short.
    #[error("not a compiled policy: {0}")]
    NotAModule(&'static str),
    /// Another format.
    #[error(
        "the module has format {0}, this program reads formats up to {MODULE_FORMAT}: compile the policy again"
    )]
    Format(u32),
    /// The digest does not fit the content.
    #[error("the module is damaged: its content does not have the digest that it was sealed with")]
    Damaged,
    /// The policy section cannot be read.
    #[error("the policy in the module cannot be read: {0}")]
    Policy(String),
}

/// A module whose seal is whole.
#[derive(Debug, Clone, Copy)]
pub struct ModuleFile<'a> {
    /// The JSON of the policy.
    pub policy: &'a [u8],
    /// The JSON of the source spans.
    pub source: &'a [u8],
}

impl<'a> ModuleFile<'a> {
    /// Finds the sections of a module, checks its format and its digest. The code is not looked at.
    ///
    /// # Errors
    /// Where the bytes are no module, of another format, changed, or cut short.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ModuleError> {
        if bytes.len() > MODULE_BYTES_MAX {
            return Err(ModuleError::NotAModule("it is larger than 64 MiB"));
        }
        let mut rest = bytes.strip_prefix(HEADER).ok_or(ModuleError::NotAModule("it is not WebAssembly"))?;
        let (mut policy, mut source) = (None, None);
        while !rest.is_empty() {
            let start = bytes.len() - rest.len();
            let (id, content) = section(&mut rest).ok_or(ModuleError::NotAModule("it is cut short"))?;
            match custom(id, content) {
                Some((POLICY_SECTION, data)) => policy = policy.or(Some(data)),
                Some((SOURCE_SECTION, data)) => source = source.or(Some(data)),
                Some((SEAL_SECTION, seal)) => {
                    check_seal(seal, bytes.get(..start).unwrap_or_default(), rest)?;
                    let missing = ModuleError::NotAModule("a section is missing");
                    let (policy, source) = policy.zip(source).ok_or(missing)?;
                    return Ok(Self { policy, source });
                }
                _ => {}
            }
        }
        Err(ModuleError::NotAModule("it has no seal"))
    }

    /// The policy in the module.
    ///
    /// # Errors
    /// Where the section is not a policy of this format.
    pub fn policy(&self) -> Result<Policy, ModuleError> {
        let read: Policy =
            serde_json::from_slice(self.policy).map_err(|error| ModuleError::Policy(error.to_string()))?;
        if !(1..=policy::FORMAT).contains(&read.format) {
            return Err(ModuleError::Format(read.format));
        }
        Ok(read)
    }
}

/// The SHA-256 of a module, in hexadecimal digits: its identity in deployments and wallet entries.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// What the seal section holds, for a module that is complete but for it.
#[must_use]
pub fn seal(module: &[u8]) -> Vec<u8> {
    seal_of(Sha256::new_with_prefix(module))
}

/// The same for a module whose bytes were hashed while they were written.
#[must_use]
pub fn seal_of(module: Sha256) -> Vec<u8> {
    let mut seal = MODULE_FORMAT.to_le_bytes().to_vec();
    seal.extend_from_slice(&module.finalize());
    seal
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn check_seal(seal: &[u8], sealed: &[u8], rest: &[u8]) -> Result<(), ModuleError> {
    let Some((format, digest)) = seal.split_first_chunk::<4>() else { return Err(ModuleError::Damaged) };
    let format = u32::from_le_bytes(*format);
    if !(1..=MODULE_FORMAT).contains(&format) {
        return Err(ModuleError::Format(format));
    }
    let whole = digest == Sha256::digest(sealed).as_slice() && rest.is_empty();
    if whole { Ok(()) } else { Err(ModuleError::Damaged) }
}

/// Takes the next section off `rest`: its id and its content.
fn section<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (id, after) = rest.split_first()?;
    *rest = after;
    let length = number(rest)?;
    let (content, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some((*id, content))
}

/// Name and data of a custom section.
fn custom(id: u8, mut content: &[u8]) -> Option<(&str, &[u8])> {
    if id != 0 {
        return None;
    }
    let length = number(&mut content)?;
    let (name, data) = content.split_at_checked(length)?;
    Some((std::str::from_utf8(name).ok()?, data))
}

/// Takes an unsigned LEB128 number of at most 32 bits off `rest`.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_u64;
    for shift in (0..35).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(value).ok();
        }
    }
    None
}
