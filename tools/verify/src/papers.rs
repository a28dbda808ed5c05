//! What lies beside an image: its record, the record's head, and what somebody wrote down of the key.

use crate::arguments::Arguments;
use crate::claims::{self, Claims};
use crate::property::Property;
use crate::signature::{self, FoundHead, WrittenDown};
use crate::time_stamp::FoundStamp;
use crate::verification::VerifyError;
use std::path::Path;

#[derive(Debug)]
pub struct Papers {
    pub claims: Option<Claims>,
    pub head: FoundHead,
    written_down: WrittenDown,
    stamp: FoundStamp,
}

/// True of what is there and no ordinary file: opening a pipe waits for somebody who writes.
pub fn is_no_file(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file())
}

impl Papers {
    /// Reads what the command line names, or what lies beside the image.
    pub fn find(arguments: &Arguments) -> Result<Self, VerifyError> {
        let named = match arguments.is_of_a_record() {
            true => Some(arguments.image.as_path()),
            false => arguments.record.as_deref(),
        };
        let written_down = arguments.written_down()?;
        let record = claims::place(&arguments.image, named);
        let beside = record::head_path(&record);
        for path in [&record, arguments.head.as_ref().unwrap_or(&beside)] {
            if is_no_file(path) {
                return Err(VerifyError::NoFile(path.clone()));
            }
        }
        let claims = claims::find(&arguments.image, named)?;
        let head = FoundHead::find(&record, arguments.head.as_deref())?;
        let stamp = FoundStamp::find(&head.path, arguments.authority.as_deref())?;
        Ok(Self { claims, head, written_down, stamp })
    }

    /// The verdicts on head and key.
    pub fn judge_signature(&self) -> [Property; 2] {
        signature::judge(self.claims.as_ref(), &self.head, self.written_down)
    }

    /// The verdict on the head's time-stamp, where there is one or one was asked for.
    pub fn judge_time_stamp(&self) -> Option<Property> {
        self.stamp.judge()
    }
}
