//! What users take of memory: bytes that are allocated and not yet given back.

#![allow(unsafe_code, reason = "an allocator that counts is one that allocates")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use aquarium_charging::input::{Source, read_text};
use aquarium_charging::{Deployments, Ledger};
use aquarium_ir::instant::Millis;
use aquarium_ir::policy::{CostPolicy, Mode};
use common::{Builder, always, flat, instant, plan, usage, user};

/// The allocator of the system, and how much of it is in use.
struct Counting;

static IN_USE: AtomicIsize = AtomicIsize::new(0);

fn count(bytes: usize, sign: isize) {
    IN_USE.fetch_add(sign * isize::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
}

// SAFETY: everything is passed on to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const USERS: usize = 1_000;
/// A million such users take 1 GB: most of it the ledger itself, whose history is empty while the user is idle.
const BYTES_MAX: usize = 1_024;

fn deployments() -> Deployments {
    let mut builder = Builder::new("Europe/Athens")
        .resource("disk", "GB*hr", CostPolicy::Continuous, true)
        .resource("vmtime", "hr", CostPolicy::Onoff, true);
    let plan = plan("100", "0 0 1 * *", Mode::Add, "0");
    builder.agreement("default", &[always(flat("0.1")), always(flat("2"))], plan);
    builder.deployments()
}

/// A user who has a role, a machine that runs and a disk that holds something.
fn ledger(deployments: &mut Deployments, user_id: usize) -> Ledger {
    let source = Source { received: Millis(1), keeps_received: true, writes_records: true, plausible: None };
    let id = format!("6f9619ff-8b86-d011-b42d-{user_id:012}");
    let mut ledger = Ledger::new(&id);
    let events = [
        user("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "2024-01-02", "student", true),
        usage("3f2504e0-4f89-11d3-9a0c-0305e82c3302", "2024-01-03", "vmtime", "vm-4711", "1"),
        usage("3f2504e0-4f89-11d3-9a0c-0305e82c3303", "2024-01-04", "disk", "volume-17", "250"),
    ];
    for text in events {
        ledger.append(read_text(&text, &source).unwrap().record.into_owned());
    }
    ledger.fold(deployments, Millis(instant("2024-01-05")));
    ledger
}

/// Bytes a user, of ledgers that are made by `make`.
fn bytes_each(mut make: impl FnMut(usize) -> Ledger) -> usize {
    let mut ledgers = Vec::with_capacity(USERS);
    let before = IN_USE.load(Ordering::Relaxed);
    ledgers.extend((0..USERS).map(&mut make));
    let grown = usize::try_from(IN_USE.load(Ordering::Relaxed) - before).unwrap();
    assert_eq!(ledgers.len(), USERS);
    grown / USERS + size_of::<Ledger>()
}

/// One test, for others would allocate beside it.
#[test]
fn an_idle_user_with_two_open_instances_takes_a_kilobyte_at_most() {
    let mut deployments = deployments();
    let whole = bytes_each(|user| ledger(&mut deployments, user));
    let heads: Vec<(String, Vec<u8>)> = (0..USERS)
        .map(|user| {
            let mut ledger = ledger(&mut deployments, user);
            (ledger.user().to_string(), ledger.save(1).head)
        })
        .collect();
    let idle = bytes_each(|user| Ledger::restore(&heads[user].0, &heads[user].1).unwrap().0);
    let saved = heads.iter().map(|(_, head)| head.len()).sum::<usize>() / USERS;
    println!("{idle} bytes idle, {whole} with three records in memory, {saved} saved");
    let restored = Ledger::restore(&heads[0].0, &heads[0].1).unwrap().0;
    assert_eq!(restored.state().instances().len(), 2);
    assert!(idle <= BYTES_MAX, "{idle} bytes");
}
