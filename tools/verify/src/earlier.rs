//! The records of runs that were cut off, as the record that goes on with them names them.

use crate::claims::Claims;
use crate::papers::is_no_file;
use crate::property::{Property, Verdict};
use crate::signature::{self, FoundHead, WrittenDown};
use record::{EarlierRecord, RecordError};
use std::io;
use std::path::Path;

pub const EARLIER: &str = "earlier records as named";

/// What is wrong with one, if anything; `Ok(false)` where it is not here.
type Found = Result<bool, String>;

/// Compares each with its chain head as named, and its signed head with it; `None` where there was one run only.
pub fn judge(claims: &Claims) -> Option<Property> {
    if claims.earlier.is_empty() {
        return None;
    }
    let folder = claims.path.parent().unwrap_or(Path::new(""));
    let mut missing = Vec::new();
    for earlier in &claims.earlier {
        match look(folder, earlier) {
            Ok(true) => {}
            Ok(false) => missing.push(earlier.name.clone()),
            Err(told) => return Some(Property::found(EARLIER, Err(told))),
        }
    }
    Some(match &missing[..] {
        [] => {
            let told = format!("{}, each with the chain head that is named", claims.earlier.len());
            Property::found(EARLIER, Ok(told))
        }
        missing => Property::not_checked(EARLIER, format!("not here: {}", missing.join(", "))),
    })
}

fn look(folder: &Path, earlier: &EarlierRecord) -> Found {
    let name = &earlier.name;
    let path = folder.join(name);
    if path.file_name() != Some(name.as_ref()) || name.contains('/') {
        return Err(format!("\"{name}\" is no name of a record beside this one"));
    }
    for path in [&path, &record::head_path(&path)] {
        if is_no_file(path) {
            return Err(format!("{} is no ordinary file: it was put in its place", path.display()));
        }
    }
    let claims = match Claims::read(path) {
        Ok(claims) => claims,
        Err(RecordError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(false);
        }
        Err(error) => return Err(error.to_string()),
    };
    if claims.head != earlier.chain_head {
        let (is, named) = (claims.head, earlier.chain_head);
        return Err(format!("the chain of {name} ends in {is}, named is {named}: it was altered"));
    }
    // What a loss of power leaves behind the last entry is no line of a record.
    if claims.chain.is_err() && claims.closed.is_none() {
        return Err(format!("{name}: something was added behind the chain head that is named"));
    }
    let head = FoundHead::find(&claims.path, None).map_err(|error| error.to_string())?;
    if head.read.is_none() {
        // Named with its chain head, it needs none: the power may have gone before that was made.
        return Ok(true);
    }
    let [signed, _] = signature::judge(Some(&claims), &head, WrittenDown::Nothing);
    match signed.verdict {
        Verdict::Fails => Err(format!("{name}: {}", signed.detail)),
        _ => Ok(true),
    }
}
