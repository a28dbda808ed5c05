//! Signed heads of records.

use record::Head;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::OnceLock;

/// A head as it comes.
pub fn head(input: &[u8], scratch: &Path) {
    let path = scratch.join("item.head.json");
    std::fs::write(&path, input).unwrap();
    match Head::read(&path) {
        Ok(head) => {
            assert_eq!(
                Head::read(&path).unwrap().is_signed(),
                head.is_signed(),
                "two judgements of one head"
            );
            // Read by others it must say the same.
            let file: Value = serde_json::from_slice(input).unwrap();
            let statement: Value = serde_json::from_str(file["statement"].as_str().unwrap()).unwrap();
            assert_eq!(statement["signed"], "permafrost-record-head");
            assert_eq!(statement["entries"], head.statement.entries);
            assert_eq!(statement["bytes"], head.statement.bytes);
            assert_eq!(statement["chain_head"], head.statement.chain_head.to_string());
            assert_eq!(statement["sha256"], head.statement.sha256.to_string());
            assert_eq!(file["public_key"], head.key.to_pem());
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    }
}

/// The key and signature of a good head around a statement as it comes: the input never has its signature.
pub fn head_stated(input: &[u8], scratch: &Path) {
    static GOOD: OnceLock<Value> = OnceLock::new();
    let good = GOOD.get_or_init(|| {
        let kept = std::fs::read(crate::corpus("head").join("own")).unwrap();
        serde_json::from_slice(&kept).unwrap()
    });
    let text = String::from_utf8_lossy(input);
    if good["statement"] == *text {
        return;
    }
    let part = |name: &str| good[name].as_str().unwrap();
    // In the order and form in which heads are written.
    let file = format!(
        "{{\"statement\":{},\"public_key\":{},\"signature\":{}}}\n",
        json!(text),
        json!(part("public_key")),
        json!(part("signature"))
    );
    head(file.as_bytes(), scratch);
    if let Ok(head) = Head::read(&scratch.join("item.head.json")) {
        assert!(!head.is_signed(), "a signature over something else was taken: {text}");
    }
}
