//! The threads that hash, each of them one or several algorithms in the order of the medium.

use crate::block::Block;
use crossbeam_channel::{Receiver, Sender, unbounded};
use evidence::{Digest, HashAlgorithm, Hasher};
use std::cmp::Reverse;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

/// Bytes that all hashes of a thread take in turn, while they lie in the core's first cache.
const STRETCH: usize = 16 << 10;

/// Shares algorithms out among at most `threads`: the most expensive first, each to the thread that has least to do. A hash
/// can't be split, and more threads than cores only take turns.
fn lanes(algorithms: &[HashAlgorithm], threads: usize) -> Vec<Vec<HashAlgorithm>> {
    let mut lanes = vec![(0u32, Vec::new()); threads.min(algorithms.len())];
    let mut sorted = algorithms.to_vec();
    sorted.sort_by_key(|algorithm| Reverse(algorithm.cost()));
    for algorithm in sorted {
        if let Some((cost, lane)) = lanes.iter_mut().min_by_key(|(cost, _)| *cost) {
            *cost = cost.saturating_add(algorithm.cost());
            lane.push(algorithm);
        }
    }
    lanes.into_iter().map(|(_, lane)| lane).collect()
}

/// Values of the algorithms of one thread.
pub(crate) type Values = Vec<(HashAlgorithm, Digest)>;

/// A thread that hashes, and where it takes its blocks from.
pub(crate) type Lane<'scope> = (Sender<Arc<Block>>, ScopedJoinHandle<'scope, Values>);

/// Starts the threads.
pub(crate) fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    algorithms: &[HashAlgorithm],
    threads: usize,
) -> std::io::Result<Vec<Lane<'scope>>> {
    let start = |lane: Vec<HashAlgorithm>| {
        // As many as there are blocks can wait in it.
        let (blocks, incoming) = unbounded::<Arc<Block>>();
        let name = lane.iter().map(|algorithm| algorithm.word()).collect::<Vec<_>>().join("+");
        let hash = move || hash(&lane, &incoming);
        Ok((blocks, thread::Builder::new().name(name).spawn_scoped(scope, hash)?))
    };
    lanes(algorithms, threads).into_iter().map(start).collect()
}

fn hash(lane: &[HashAlgorithm], blocks: &Receiver<Arc<Block>>) -> Values {
    let mut hashers: Vec<Hasher> = lane.iter().map(|algorithm| Hasher::new(*algorithm)).collect();
    for block in blocks {
        for stretch in block.data().chunks(STRETCH) {
            for hasher in &mut hashers {
                hasher.update(stretch);
            }
        }
    }
    hashers.into_iter().map(|hasher| (hasher.algorithm(), hasher.finish())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_shared_out_so_that_no_thread_waits_for_another() {
        let usual = HashAlgorithm::USUAL;
        assert_eq!(lanes(&usual, 1).concat().len(), 3);
        assert_eq!(lanes(&usual, 8).len(), 3);
        let all = lanes(&HashAlgorithm::ALL, 2);
        assert_eq!(all.len(), 2);
        assert_eq!(all.concat().iter().collect::<std::collections::BTreeSet<_>>().len(), 7);
        let costs: Vec<u32> = all.iter().map(|lane| lane.iter().map(|a| a.cost()).sum()).collect();
        assert!(costs[0].abs_diff(costs[1]) <= 700, "{all:?}");
    }
}
