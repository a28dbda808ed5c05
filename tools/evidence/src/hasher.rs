//! Running hashes, which instructions they use on this processor, and the proof that they work on it.

use crate::interleaved::Interleaved;
use crate::{Digest, HashAlgorithm, HashSet};
use sha2::Digest as _;

/// A running hash of one algorithm. Clone it to save the state at a point.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    /// MD5, SHA-1 or SHA-256, whose blocks are alike.
    Interleaved(HashAlgorithm, Box<Interleaved>),
    Sha512(sha2::Sha512),
    Sha3(sha3::Sha3_256),
    Sm3(sm3::Sm3),
    // Two kilobytes, where the others are a few hundred bytes.
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    /// Starts a hash over nothing.
    #[must_use]
    pub fn new(algorithm: HashAlgorithm) -> Self {
        Self(match algorithm {
            HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Sha256 => {
                State::Interleaved(algorithm, Box::new(Interleaved::new(&[algorithm])))
            }
            HashAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
            HashAlgorithm::Sha3 => State::Sha3(sha3::Sha3_256::new()),
            HashAlgorithm::Sm3 => State::Sm3(sm3::Sm3::new()),
            HashAlgorithm::Blake3 => State::Blake3(Box::default()),
        })
    }

    /// The algorithm this hash was started with.
    #[must_use]
    pub fn algorithm(&self) -> HashAlgorithm {
        match self.0 {
            State::Interleaved(algorithm, _) => algorithm,
            State::Sha512(_) => HashAlgorithm::Sha512,
            State::Sha3(_) => HashAlgorithm::Sha3,
            State::Sm3(_) => HashAlgorithm::Sm3,
            State::Blake3(_) => HashAlgorithm::Blake3,
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Interleaved(_, state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
            State::Sha3(state) => state.update(bytes),
            State::Sm3(state) => state.update(bytes),
            State::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// Ends the hash.
    #[must_use]
    pub fn finish(self) -> Digest {
        match self.0 {
            State::Interleaved(_, state) => {
                // One was started, one comes out.
                state.finish().pop().map_or_else(|| Digest::from_bytes(&[]), |(_, digest)| digest)
            }
            State::Sha512(state) => Digest::from_bytes(&state.finalize()),
            State::Sha3(state) => Digest::from_bytes(&state.finalize()),
            State::Sm3(state) => Digest::from_bytes(&state.finalize()),
            State::Blake3(state) => Digest::from_bytes(state.finalize().as_bytes()),
        }
    }

    /// Hashes `bytes` in one go.
    #[must_use]
    pub fn of(algorithm: HashAlgorithm, bytes: &[u8]) -> Digest {
        let mut hasher = Self::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }
}

/// Running hashes of several algorithms over the same bytes, on one thread. Those whose steps fit between each other's cost
/// less together than one by one. Clone it to save the state at a point.
#[derive(Clone, Debug)]
pub struct HashGroup {
    interleaved: Option<Interleaved>,
    others: Vec<Hasher>,
}

/// Bytes that all hashes of a group take in turn, while they lie in the core's first cache.
const STRETCH: usize = 16 << 10;

impl HashGroup {
    /// Starts each algorithm over nothing.
    #[must_use]
    pub fn new(algorithms: &[HashAlgorithm]) -> Self {
        let any = algorithms.iter().any(|algorithm| Interleaved::takes(*algorithm));
        let others = algorithms.iter().filter(|algorithm| !Interleaved::takes(**algorithm));
        Self {
            interleaved: any.then(|| Interleaved::new(algorithms)),
            others: others.map(|algorithm| Hasher::new(*algorithm)).collect(),
        }
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for stretch in bytes.chunks(STRETCH) {
            if let Some(interleaved) = &mut self.interleaved {
                interleaved.update(stretch);
            }
            for hasher in &mut self.others {
                hasher.update(stretch);
            }
        }
    }

    /// Ends all of them.
    #[must_use]
    pub fn finish(self) -> HashSet {
        let others = self.others.into_iter().map(|hasher| (hasher.algorithm(), hasher.finish()));
        self.interleaved.map(Interleaved::finish).into_iter().flatten().chain(others).collect()
    }
}

impl HashAlgorithm {
    /// The instructions that [`Hasher`] uses for this algorithm on this processor: `sha-ni`, `avx2`, `sse4.1`, `sse2` or
    /// `portable`. The processor is asked the same questions as the crates ask it.
    #[must_use]
    pub fn implementation(self) -> &'static str {
        let cpu = Processor::of_this_machine();
        match self {
            HashAlgorithm::Sha1 | HashAlgorithm::Sha256 if cpu.sha && cpu.sse41 => "sha-ni",
            HashAlgorithm::Sha512 | HashAlgorithm::Blake3 if cpu.avx2 => "avx2",
            HashAlgorithm::Blake3 if cpu.sse41 => "sse4.1",
            HashAlgorithm::Blake3 if cpu.sse2 => "sse2",
            _ => "portable",
        }
    }

    /// What a core needs for a byte, in hundredths of what it needs for BLAKE3 in vector code; measured on one machine, good
    /// enough to share hashes out among threads.
    #[must_use]
    pub fn cost(self) -> u32 {
        match (self, self.implementation()) {
            (HashAlgorithm::Blake3, _) => 100,
            (HashAlgorithm::Sha1 | HashAlgorithm::Sha256, "sha-ni") => 150,
            (HashAlgorithm::Sha1 | HashAlgorithm::Md5, _) => 380,
            (HashAlgorithm::Sha512, _) => 450,
            (HashAlgorithm::Sha256 | HashAlgorithm::Sha3 | HashAlgorithm::Sm3, _) => 700,
        }
    }
}

/// What decides which code runs.
struct Processor {
    sha: bool,
    avx2: bool,
    sse41: bool,
    sse2: bool,
}

impl Processor {
    #[cfg(target_arch = "x86_64")]
    fn of_this_machine() -> Self {
        Self {
            sha: std::arch::is_x86_feature_detected!("sha") && std::arch::is_x86_feature_detected!("ssse3"),
            avx2: std::arch::is_x86_feature_detected!("avx2"),
            sse41: std::arch::is_x86_feature_detected!("sse4.1"),
            sse2: true,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn of_this_machine() -> Self {
        Self { sha: false, avx2: false, sse41: false, sse2: false }
    }
}

/// A hash that does not give the answer its standard states: this processor, its memory or this program is not sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "self-test: {algorithm} ({implementation}) of {input} is {found}, should be {expected}; \
     this machine computes wrongly: acquire on another one, and test its memory"
)]
pub struct SelfTestError {
    /// What failed.
    pub algorithm: HashAlgorithm,
    /// The instructions it used.
    pub implementation: &'static str,
    /// What was hashed.
    pub input: &'static str,
    /// What came out.
    pub found: Digest,
    /// What is right.
    pub expected: &'static str,
}

/// An algorithm, and its values of `abc` and of a million times the letter a: the first ends within a block, the second
/// goes through the code for many blocks at once.
struct Answers(HashAlgorithm, &'static str, &'static str);

/// RFC 1321 A.5, FIPS 180-4, FIPS 202 and GM/T 0004 by their examples; the rest by OpenSSL 3.0 and b3sum 1.2.
const KNOWN_ANSWERS: [Answers; 7] = [
    Answers(HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72", "7707d6ae4e027c70eea2a935c2296f21"),
    Answers(
        HashAlgorithm::Sha1,
        "a9993e364706816aba3e25717850c26c9cd0d89d",
        "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
    ),
    Answers(
        HashAlgorithm::Sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    ),
    Answers(
        HashAlgorithm::Sha512,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb\
         de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
    ),
    Answers(
        HashAlgorithm::Sha3,
        "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        "5c8875ae474a3634ba4fd55ec85bffd661f32aca75c6d699d0cdcb6c115891c1",
    ),
    Answers(
        HashAlgorithm::Sm3,
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
        "c8aaf89429554029e231941a2acc0ad61ff2a5acd8fadd25847a3a732b3b02c3",
    ),
    Answers(
        HashAlgorithm::Blake3,
        "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        "616f575a1b58d4c9797d4217b9730ae5e6eb319d76edef6549b46f4efe31ff8b",
    ),
];

/// Computes values that are known and compares them, on the very code that is used afterwards. A few milliseconds.
///
/// # Errors
/// [`SelfTestError`] names the first algorithm that is wrong: nothing must be hashed then.
pub fn self_test() -> Result<(), SelfTestError> {
    let letters = vec![b'a'; 1_000_000];
    // Each combination that runs other code.
    let [md5, sha1, sha256, ..] = HashAlgorithm::ALL;
    let groups: [&[HashAlgorithm]; 6] =
        [&HashAlgorithm::ALL, &[md5], &[md5, sha1], &[md5, sha256], &[sha1, sha256], &[sha256]];
    for group in groups {
        let of = |bytes: &[u8]| {
            let mut running = HashGroup::new(group);
            running.update(bytes);
            running.finish()
        };
        let (short, long) = (of(b"abc"), of(&letters));
        for Answers(algorithm, abc, million) in &KNOWN_ANSWERS {
            if group.contains(algorithm) {
                check(*algorithm, "'abc'", short.get(*algorithm), abc)?;
                check(*algorithm, "a million times 'a'", long.get(*algorithm), million)?;
            }
        }
    }
    Ok(())
}

fn check(
    algorithm: HashAlgorithm,
    input: &'static str,
    found: Option<&Digest>,
    expected: &'static str,
) -> Result<(), SelfTestError> {
    let found = found.cloned().unwrap_or_else(|| Digest::from_bytes(&[]));
    if expected.parse().as_ref() == Ok(&found) {
        return Ok(());
    }
    let implementation = algorithm.implementation();
    Err(SelfTestError { algorithm, implementation, input, found, expected })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_algorithm_has_known_answers_and_gives_them() {
        assert_eq!(KNOWN_ANSWERS.map(|answers| answers.0), HashAlgorithm::ALL);
        self_test().unwrap();
    }

    #[test]
    fn a_wrong_answer_fails_the_self_test_and_names_what_computed_it() {
        let digest = Hasher::of(HashAlgorithm::Md5, b"abd");
        let error = check(HashAlgorithm::Md5, "'abd'", Some(&digest), KNOWN_ANSWERS[0].1).unwrap_err();
        assert_eq!(error.found, digest);
        let error = check(HashAlgorithm::Md5, "'abd'", None, KNOWN_ANSWERS[0].1).unwrap_err();
        assert!(error.to_string().contains("MD5 (portable) of 'abd'"), "{error}");
    }

    /// The kernel's own list is the other witness of what this processor has.
    #[test]
    fn the_instructions_named_are_those_the_kernel_lists() {
        let flags = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let has = |flag: &str| flags.split_ascii_whitespace().any(|word| word == flag);
        assert_eq!(HashAlgorithm::Sha256.implementation() == "sha-ni", has("sha_ni"));
        assert_eq!(HashAlgorithm::Blake3.implementation() == "avx2", has("avx2"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// The crates of RustCrypto share none of the code that interleaves, pads and counts, and not the MD5.
        #[test]
        fn any_bytes_in_any_pieces_in_any_company_hash_to_what_the_crates_say(
            bytes in prop::collection::vec(any::<u8>(), 0..700), cuts in prop::collection::vec(0usize..700, 0..5),
            company in prop::sample::subsequence(HashAlgorithm::ALL.to_vec(), 1..=7),
        ) {
            let mut group = HashGroup::new(&company);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            cuts.windows(2).for_each(|pair| group.update(&bytes[pair[0]..pair[1]]));
            let values = group.finish();
            prop_assert_eq!(values.iter().map(|(algorithm, _)| algorithm).collect::<Vec<_>>(), company);
            for (algorithm, digest) in values.iter() {
                let wanted = match algorithm {
                    HashAlgorithm::Md5 => ::md5::Md5::digest(&bytes).to_vec(),
                    HashAlgorithm::Sha1 => sha1::Sha1::digest(&bytes).to_vec(),
                    HashAlgorithm::Sha256 => sha2::Sha256::digest(&bytes).to_vec(),
                    other => Hasher::of(other, &bytes).as_bytes().to_vec(),
                };
                prop_assert_eq!(digest.as_bytes(), wanted);
                prop_assert_eq!(&Hasher::of(algorithm, &bytes), digest);
            }
        }
    }

    #[test]
    fn a_state_that_was_saved_goes_on_to_the_same_value() {
        for algorithm in HashAlgorithm::ALL {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&[7; 1000]);
            let saved = hasher.clone();
            hasher.update(b"lost");
            let mut resumed = saved;
            resumed.update(&[8; 77]);
            assert_eq!(resumed.algorithm(), algorithm);
            assert_eq!(resumed.finish(), Hasher::of(algorithm, &[&[7; 1000][..], &[8; 77]].concat()));
        }
    }
}
