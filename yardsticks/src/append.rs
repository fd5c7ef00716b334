//! What the disk allows: the same lines written and synchronized, once in sequence, once in segments with a set of
//! ids in memory that refuses duplicates.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use foldhash::fast::FixedState;

use crate::Failure;
use crate::measure::{Figure, wall_rounds};

const ROUNDS: usize = 3;
/// Lines that are made durable together.
const TOGETHER: usize = 10_000;
const SEGMENT_BYTES: usize = 64 << 20;
/// Where the id of a line is: its first forty bytes behind `{"id":"`.
const ID_FROM: usize = 7;
const ID_DIGITS: usize = 40;

pub fn measure(text: &str, directory: &Path) -> Result<(), Failure> {
    let directory = directory.join("yardstick");
    fs::create_dir_all(&directory)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let groups: Vec<&str> = groups(text, &lines);
    let written = wall_rounds(ROUNDS, || in_sequence(&groups, &directory))?;
    let rates = |seconds: Vec<f64>| seconds.iter().map(|seconds| lines.len() as f64 / seconds).collect();
    Figure::new("sequential write and fdatasync of the same bytes", "events/s", rates(written)).tell()?;
    let appended = wall_rounds(ROUNDS, || in_segments(&lines, &directory))?;
    Figure::new("bare segmented append with a set of ids", "events/s", rates(appended)).tell()?;
    fs::remove_dir_all(&directory)?;
    Ok(())
}

/// What is written together, as it stands in the text.
fn groups<'a>(text: &'a str, lines: &[&str]) -> Vec<&'a str> {
    let mut rest = text;
    let mut take = |group: &[&str]| {
        let (group, after) = rest.split_at(group.iter().map(|line| line.len()).sum());
        rest = after;
        group
    };
    lines.chunks(TOGETHER).map(&mut take).collect()
}

fn in_sequence(groups: &[&str], directory: &Path) -> Result<(), Failure> {
    let mut file = File::create(directory.join("sequence"))?;
    for group in groups {
        file.write_all(group.as_bytes())?;
        file.sync_data()?;
    }
    fs::remove_file(directory.join("sequence"))?;
    Ok(())
}

/// Twenty bytes of an id that is forty hexadecimal digits.
fn id(line: &str) -> Result<[u8; 20], Failure> {
    let digits = line.as_bytes().get(ID_FROM..ID_FROM + ID_DIGITS).ok_or("a line without an id")?;
    let mut bytes = [0; 20];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |place: usize| pair.get(place).and_then(|digit| (*digit as char).to_digit(16));
        let (high, low) = digit(0).zip(digit(1)).ok_or("an id that is not hexadecimal")?;
        *byte = u8::try_from(high << 4 | low)?;
    }
    Ok(bytes)
}

fn in_segments(lines: &[&str], directory: &Path) -> Result<(), Failure> {
    let mut ids: HashSet<[u8; 20], FixedState> =
        HashSet::with_capacity_and_hasher(lines.len(), FixedState::default());
    let (mut buffer, mut number, mut left) = (Vec::new(), 0, 0);
    let mut segment = None;
    for group in lines.chunks(TOGETHER) {
        buffer.clear();
        for line in group {
            if ids.insert(id(line)?) {
                buffer.extend_from_slice(line.as_bytes());
            }
        }
        if left < buffer.len() {
            segment = Some(File::create(directory.join(format!("{number:08}")))?);
            File::open(directory)?.sync_all()?;
            (number, left) = (number + 1, SEGMENT_BYTES);
        }
        let file = segment.as_mut().ok_or("no segment")?;
        file.write_all(&buffer)?;
        file.sync_data()?;
        left -= buffer.len();
    }
    for number in 0..number {
        fs::remove_file(directory.join(format!("{number:08}")))?;
    }
    Ok(())
}
