//! The threads that hash, each of them one or several algorithms in the order of the medium.

use crate::block::Block;
use crossbeam_channel::{Receiver, Sender, unbounded};
use evidence::{HashAlgorithm, HashGroup, HashSet};
use std::cmp::Reverse;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

/// Shares algorithms out among at most `threads`: the most expensive first, each to the thread that has least to do. A hash
/// can't be split, and more threads than cores only take turns.
fn lanes(algorithms: &[HashAlgorithm], threads: usize) -> Vec<Vec<HashAlgorithm>> {
    // SHA-1 by the processor's own instructions runs in the shadow of another hash at a third of its price. MD5's chain is
    // the longest and takes nothing on where SHA-256 can.
    let other = [HashAlgorithm::Sha256, HashAlgorithm::Md5].into_iter().find(|a| algorithms.contains(a));
    let other = other.filter(|_| HashAlgorithm::Sha1.implementation() == "sha-ni");
    let in_shadow = |algorithm: &HashAlgorithm| other.is_some() && *algorithm == HashAlgorithm::Sha1;
    let mut sorted: Vec<HashAlgorithm> = algorithms.iter().filter(|a| !in_shadow(a)).copied().collect();
    sorted.sort_by_key(|algorithm| Reverse(algorithm.cost()));

    let mut lanes = vec![(0u32, Vec::new()); threads.min(sorted.len())];
    for algorithm in sorted {
        if let Some((cost, lane)) = lanes.iter_mut().min_by_key(|(cost, _)| *cost) {
            *cost = cost.saturating_add(algorithm.cost());
            lane.push(algorithm);
            if Some(algorithm) == other {
                lane.extend(algorithms.iter().copied().filter(in_shadow));
            }
        }
    }
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

/// Hashes that one thread computes.
pub(crate) struct Hashed {
    name: String,
    group: HashGroup,
}

impl Hashed {
    /// Their values over all blocks that came.
    pub(crate) fn finish(self) -> HashSet {
        self.group.finish()
    }
}

/// Hashes of nothing yet, shared out among at most `threads`.
pub(crate) fn begin(algorithms: &[HashAlgorithm], threads: usize) -> Vec<Hashed> {
    let hashed = |lane: Vec<HashAlgorithm>| Hashed {
        name: lane.iter().map(|algorithm| algorithm.word()).collect::<Vec<_>>().join("+"),
        group: HashGroup::new(&lane),
    };
    lanes(algorithms, threads).into_iter().map(hashed).collect()
}

/// A thread that hashes, and where it takes its blocks from.
pub(crate) type Lane<'scope> = (Sender<Arc<Block>>, ScopedJoinHandle<'scope, Hashed>);

/// Starts the threads, which go on with what was hashed.
pub(crate) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    hashes: Vec<Hashed>,
) -> std::io::Result<Vec<Lane<'scope>>> {
    let start = |hashed: Hashed| {
        // As many as there are blocks can wait in it.
        let (blocks, incoming) = unbounded::<Arc<Block>>();
        let name = hashed.name.clone();
        let hash = move || hash(hashed, &incoming);
        Ok((blocks, thread::Builder::new().name(name).spawn_scoped(scope, hash)?))
    };
    hashes.into_iter().map(start).collect()
}

fn hash(mut hashed: Hashed, blocks: &Receiver<Arc<Block>>) -> Hashed {
    for block in blocks {
        hashed.group.update(block.data());
    }
    hashed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_shared_out_so_that_no_thread_waits_for_another() {
        let usual = HashAlgorithm::USUAL;
        assert_eq!(lanes(&usual, 1).concat().len(), 3);
        let two = lanes(&usual, 2);
        assert_eq!((two.len(), two.concat().len()), (2, 3), "{two:?}");
        let shadow = HashAlgorithm::Sha1.implementation() == "sha-ni";
        assert_eq!(two.contains(&vec![HashAlgorithm::Sha256, HashAlgorithm::Sha1]), shadow, "{two:?}");
        let without = lanes(&[HashAlgorithm::Md5, HashAlgorithm::Sha1], 2);
        assert_eq!(without.len(), if shadow { 1 } else { 2 }, "{without:?}");
        let all = lanes(&HashAlgorithm::ALL, 2);
        assert_eq!(all.len(), 2);
        assert_eq!(all.concat().iter().collect::<std::collections::BTreeSet<_>>().len(), 7);
        let costs: Vec<u32> = all.iter().map(|lane| lane.iter().map(|a| a.cost()).sum()).collect();
        assert!(costs[0].abs_diff(costs[1]) <= 700, "{all:?}");
    }
}
