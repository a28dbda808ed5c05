//! Acquisition records.

use record::{ChainHash, Content};
use std::path::Path;

/// A record as it comes.
pub fn record(input: &[u8], scratch: &Path) {
    let path = scratch.join("item.record.jsonl");
    std::fs::write(&path, input).unwrap();
    let file = record::read(&path).unwrap();
    let mut seen = 0;
    let chain = record::visit(&path, |entry| {
        assert_eq!(entry, file.entries[seen], "two ways to read tell two things");
        seen += 1;
    })
    .unwrap();
    assert_eq!((seen, chain.head), (file.entries.len(), file.head));
    assert_eq!((chain.closed, &chain.broken), (file.is_closed() || chain.closed, &file.broken));
    assert!(
        chain.broken.is_some() || input.is_empty() || input.ends_with(b"\n"),
        "a cut line went unnoticed"
    );
    for entry in &file.entries {
        match &entry.content {
            Content::Known(known) => drop(serde_json::to_string(known).unwrap()),
            Content::Unknown(value) => drop(value.to_string()),
        }
    }
    if let Some(broken) = chain.broken {
        assert!(!broken.to_string().contains(char::is_control), "{broken:?}");
    }
}

/// Gives every line that is an object the number and the hash that the chain wants of it.
pub fn record_chained(input: &[u8], scratch: &Path) {
    let mut bytes = Vec::new();
    let mut head = ChainHash::START;
    for (number, line) in input.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).enumerate() {
        let mut chained =
            format!("{{\"seq\":{number},\"prev\":\"{head}\",\"time\":\"2026-01-02T03:04:05Z\",").into_bytes();
        chained.extend(line.strip_prefix(b"{").unwrap_or(line));
        head = ChainHash::of_line(&chained);
        bytes.extend(chained);
        bytes.push(b'\n');
    }
    record(&bytes, scratch);
}
