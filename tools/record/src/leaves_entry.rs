//! The leaves of the hash tree over a medium.

use crate::Entry;
use evidence::{ByteCount, Digest};
use serde::{Deserialize, Serialize};

/// Values in one entry: its line stays well below what a line may hold.
const IN_ONE_ENTRY: usize = 8192;

/// BLAKE3 over equal parts of the medium, each as `b3sum` prints it; the last part ends with the medium.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaves {
    /// Media bytes in a part.
    pub leaf_size: ByteCount,
    /// Number of the first one in this entry, from 0.
    pub first: u64,
    /// A value for each.
    pub values: Vec<Digest>,
}

impl Leaves {
    /// Entries for all parts of a medium, whose values are `values`.
    pub fn entries(leaf_size: ByteCount, values: &[Digest]) -> impl Iterator<Item = Entry> {
        (0..)
            .step_by(IN_ONE_ENTRY)
            .zip(values.chunks(IN_ONE_ENTRY))
            .map(move |(first, values)| Entry::Leaves(Leaves { leaf_size, first, values: values.to_vec() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_leaves_are_told_in_entries_that_fit_a_line() {
        let values = vec![Digest::from_bytes(&[7; 32]); 20_000];
        let entries: Vec<Entry> = Leaves::entries(ByteCount(1 << 20), &values).collect();
        let mut next = 0;
        for entry in &entries {
            assert!(serde_json::to_string(entry).unwrap().len() < 1 << 20);
            let Entry::Leaves(leaves) = entry else { panic!("{}", entry.kind()) };
            assert_eq!(leaves.first, next);
            next += u64::try_from(leaves.values.len()).unwrap();
        }
        assert_eq!((entries.len(), next), (3, 20_000));
    }
}
