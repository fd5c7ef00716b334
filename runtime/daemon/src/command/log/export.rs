//! Records as lines: the log as NDJSON, with times of receipt, as `log import` takes it back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write;

use aquarium_store::{Kind, Record};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use serde_json::value::RawValue;

use super::super::Failure;
use super::reading::each_record;
use crate::config::Configuration;

/// Writes all records, one on each line.
pub fn export(out: &mut impl Write, configuration: &Configuration) -> Result<(), Failure> {
    let mut written = Ok(());
    each_record(configuration, &mut |record| {
        if written.is_ok() {
            written = out.write_all(&exported(&record));
        }
    })?;
    Ok(written?)
}

/// A record as a line: its own JSON with the time of receipt; what was refused as a record of its own.
fn exported(record: &Record<'_>) -> Vec<u8> {
    let received = record.stored.received_millis;
    let Kind::Quarantined(reason) = record.stored.kind else {
        return with_receipt(record.stored.body, received);
    };
    let body = record.stored.body;
    // What is no text is written so that nothing of it is lost.
    let (field, text) = match str::from_utf8(body) {
        Ok(text) => ("text", text.to_owned()),
        Err(_) => ("bytes", BASE64_STANDARD.encode(body)),
    };
    let message = record.stored.note;
    let refused = json!({ "reason": reason, "message": message, "receivedMillis": received, field: text });
    format!("{}\n", json!({ "quarantined": refused })).into_bytes()
}

fn with_receipt(body: &[u8], received_millis: i64) -> Vec<u8> {
    let mut fields: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(body).unwrap_or_default();
    let received = RawValue::from_string(received_millis.to_string());
    if let Ok(received) = &received {
        fields.insert(Cow::Borrowed("receivedMillis"), received);
    }
    let mut line = serde_json::to_vec(&fields).unwrap_or_default();
    // Line breaks stand only between values: within strings JSON has none.
    line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exported_event_is_one_line_with_its_time_of_receipt() {
        let line =
            with_receipt(b"{\"id\":\"a\",\n\"value\":1.50,\"receivedMillis\":1,\"\\u0062\":[ 1,\r\n2 ]}", 7);
        let expected = "{\"b\":[ 1,  2 ],\"id\":\"a\",\"receivedMillis\":7,\"value\":1.50}\n";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
