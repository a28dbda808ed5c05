//! In which order to try the parts of a failing medium: the algorithm of the ddrescue manual as a state machine.
//!
//! It knows no medium, no clock and no screen: it says what to read next and is told what came of it. The good parts come
//! first. Beside the manual's, one rule: while reads succeed they grow from 64 KiB to 1 MiB; a larger one that fails is not
//! held against its area but tried again at 64 KiB.

use super::mapfile::{Mapfile, Status, between};
use evidence::{ByteCount, ByteOffset, Extent};

/// Size of a copying read where errors are near, as ddrescue's.
const SMALLEST_COPY: u64 = 64 << 10;
/// Size of a copying read where all goes well.
const LARGEST_COPY: u64 = 1 << 20;
/// The last pass of copying, which skips nothing.
const SWEEP: u32 = 5;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Reading in large blocks what was not tried.
    Copying,
    /// Looking for the edges of failed blocks, sector by sector.
    Trimming,
    /// Reading what lies between the edges, sector by sector.
    Scraping,
    /// Trying bad sectors again.
    Retrying,
    /// Another program fills areas.
    Filling,
    /// Another program makes up a map.
    Generating,
    /// Nothing: all passes are done.
    Finished,
}

impl Doing {
    const CHARACTERS: [(Doing, char); 7] = [
        (Doing::Copying, '?'),
        (Doing::Trimming, '*'),
        (Doing::Scraping, '/'),
        (Doing::Retrying, '-'),
        (Doing::Filling, 'F'),
        (Doing::Generating, 'G'),
        (Doing::Finished, '+'),
    ];

    /// Its character in the map file.
    #[must_use]
    pub fn character(self) -> char {
        Self::CHARACTERS.iter().find(|(doing, _)| *doing == self).map_or('+', |(_, character)| *character)
    }

    /// What `character` means in the map file.
    #[must_use]
    pub fn of_character(character: char) -> Option<Self> {
        Self::CHARACTERS.iter().find(|(_, listed)| *listed == character).map(|(doing, _)| *doing)
    }

    /// The word in records and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Doing::Copying => "copying",
            Doing::Trimming => "trimming",
            Doing::Scraping => "scraping",
            Doing::Retrying => "retrying",
            Doing::Filling => "filling",
            Doing::Generating => "generating",
            Doing::Finished => "finished",
        }
    }
}

/// Where the passes are: the status line of the map file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Beginning of what is tried next, its end in a backward pass.
    pub position: ByteOffset,
    /// What is going on.
    pub doing: Doing,
    /// The pass of it, from 1.
    pub pass: u32,
}

impl Standing {
    /// At the very beginning.
    pub const START: Standing = Standing { position: ByteOffset(0), doing: Doing::Copying, pass: 1 };

    /// True where reads go towards the beginning of the medium.
    #[must_use]
    pub fn backwards(self) -> bool {
        matches!(self.doing, Doing::Copying | Doing::Retrying) && self.pass.is_multiple_of(2)
    }

    /// The pass in words.
    #[must_use]
    pub fn words(self) -> String {
        match self.doing {
            Doing::Finished => "finished".to_owned(),
            doing => {
                let direction = if self.backwards() { "backwards" } else { "forwards" };
                format!("{}, pass {} ({direction})", doing.word(), self.pass)
            }
        }
    }
}

/// What the passes go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What can be read alone: the logical sector.
    pub granule: u64,
    /// Passes over the bad sectors at the end.
    pub retries: u32,
    /// What is skipped after the first error.
    pub first_skip: u64,
    /// What is skipped at most; each error in a row doubles the skip.
    pub most_skip: u64,
}

impl Settings {
    /// The manual's defaults (`--skip-size`): a 100 000th of the medium and 64 KiB at least; a hundredth at most.
    #[must_use]
    pub fn for_medium(size: ByteCount, granule: u64, retries: u32) -> Self {
        let granule = granule.max(1);
        let whole = |bytes: u64| bytes.max(SMALLEST_COPY).next_multiple_of(granule);
        Self { granule, retries, first_skip: whole(size.0 / 100_000), most_skip: whole(size.0 / 100) }
    }
}

/// One read to be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What to read.
    pub extent: Extent,
    /// The pass it belongs to.
    pub standing: Standing,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// So many bytes from its beginning were read.
    Read {
        /// How many.
        count: u64,
        /// It took so long that the medium seems to be weak there.
        slow: bool,
    },
    /// None.
    Failed,
}

/// The passes over one medium.
#[derive(Clone, Debug)]
pub struct Passes {
    map: Mapfile,
    settings: Settings,
    standing: Standing,
    skip: u64,
    block: u64,
    /// The large read that failed last: inside it reads stay small.
    suspect: Extent,
    /// Something was skipped because it was slow.
    slow_seen: bool,
}

impl Passes {
    /// Goes on where a map says; [`Standing::START`] and a new map begin at the beginning. The map is made to fit the
    /// granule (see [`Mapfile::align`]).
    #[must_use]
    pub fn new(mut map: Mapfile, told: Standing, settings: Settings) -> Self {
        map.align(settings.granule);
        let untried = map.next(Status::NonTried, 0).is_some();
        let position = told.position.0.min(map.size().0);
        let position = position.saturating_sub(position.checked_rem(settings.granule).unwrap_or(0));
        let at = |doing, pass, position| Standing { position: ByteOffset(position), doing, pass };
        let standing = match told.doing {
            Doing::Copying if told.pass <= SWEEP => at(Doing::Copying, told.pass, position),
            _ if untried => Standing::START,
            // The edges and insides of failed areas come first; where there are none, these end at once.
            Doing::Retrying
                if map.next(Status::NonTrimmed, 0).or(map.next(Status::NonScraped, 0)).is_none() =>
            {
                at(Doing::Retrying, told.pass, position)
            }
            _ => at(Doing::Trimming, 1, 0),
        };
        Self {
            map,
            settings,
            standing,
            skip: settings.first_skip,
            block: SMALLEST_COPY,
            suspect: between(0, 0),
            slow_seen: false,
        }
    }

    /// The map as it stands.
    #[must_use]
    pub fn map(&self) -> &Mapfile {
        &self.map
    }

    /// The pass as it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// What to read next; the same until [`Passes::settle`] is told what came of it. `None` when all is done.
    pub fn next_attempt(&mut self) -> Option<Attempt> {
        loop {
            let extent = match self.standing.doing {
                Doing::Copying => self.next_copy(),
                Doing::Trimming => self.next_trim(),
                Doing::Scraping => self.next_scrape(),
                Doing::Retrying => self.next_retry(),
                Doing::Filling | Doing::Generating | Doing::Finished => return None,
            };
            match extent {
                Some(extent) => return Some(Attempt { extent, standing: self.standing }),
                None => self.next_pass(),
            }
        }
    }

    /// Takes in what came of `attempt`, the last one given out.
    pub fn settle(&mut self, attempt: &Attempt, outcome: Outcome) {
        let (length, granule) = (attempt.extent.length.0, self.settings.granule);
        let (count, slow) = match outcome {
            Outcome::Read { count, slow } if count >= length => (length, slow),
            // A part of a granule is not worth an area of its own.
            Outcome::Read { count, slow } => {
                (count.saturating_sub(count.checked_rem(granule).unwrap_or(0)), slow)
            }
            Outcome::Failed => (0, false),
        };
        let start = attempt.extent.offset.0;
        self.map.mark(between(start, start.saturating_add(count)), Status::Finished);
        match self.standing.doing {
            Doing::Copying => self.settle_copy(attempt.extent, count, slow),
            _ => self.settle_sector(attempt.extent, count),
        }
    }

    fn next_copy(&self) -> Option<Extent> {
        let position = self.standing.position.0;
        if self.standing.backwards() {
            let area = self.map.previous(Status::NonTried, position)?;
            let end = area.end().min(position);
            let start = end.saturating_sub(self.block).next_multiple_of(self.settings.granule);
            return Some(between(start.max(area.offset.0), end));
        }
        let area = self.map.next(Status::NonTried, position)?;
        let start = area.offset.0.max(position);
        Some(between(start, start.saturating_add(self.block).min(area.end())))
    }

    fn settle_copy(&mut self, extent: Extent, count: u64, slow: bool) {
        let backwards = self.standing.backwards();
        if count == extent.length.0 {
            self.go_to(if backwards { extent.offset.0 } else { extent.end() });
            if slow && self.standing.pass <= 2 {
                self.slow_seen = true;
                self.skip_ahead();
            } else {
                self.skip = self.settings.first_skip;
                let clear = extent.end() <= self.suspect.offset.0 || extent.offset.0 >= self.suspect.end();
                self.block =
                    if clear { self.block.saturating_mul(2).min(LARGEST_COPY) } else { SMALLEST_COPY };
            }
        } else if count > 0 || extent.length.0 > SMALLEST_COPY {
            // What was not given stays to be tried, in smaller pieces.
            self.suspect = extent;
            self.block = SMALLEST_COPY;
        } else {
            self.map.mark(extent, Status::NonTrimmed);
            self.go_to(if backwards { extent.offset.0 } else { extent.end() });
            match self.standing.pass {
                1 => self.skip_ahead(),
                SWEEP.. => {}
                _ => self.skip_rest(),
            }
        }
    }

    /// Leaves out as much as the skip says.
    fn skip_ahead(&mut self) {
        let position = self.standing.position.0;
        self.go_to(if self.standing.backwards() {
            position.saturating_sub(self.skip)
        } else {
            position.saturating_add(self.skip)
        });
        self.skip = self.skip.saturating_mul(2).min(self.settings.most_skip);
        self.block = SMALLEST_COPY;
    }

    /// Leaves out what is not tried up to the next border of an area.
    fn skip_rest(&mut self) {
        let position = self.standing.position.0;
        let beside = if self.standing.backwards() { position.checked_sub(1) } else { Some(position) };
        let rest = beside.and_then(|at| self.map.area_at(at)).filter(|area| area.status == Status::NonTried);
        if let Some(rest) = rest {
            self.go_to(if self.standing.backwards() { rest.extent.offset.0 } else { rest.extent.end() });
        }
    }

    fn next_trim(&mut self) -> Option<Extent> {
        loop {
            let area = self.map.next(Status::NonTrimmed, self.standing.position.0)?;
            self.go_to(area.offset.0);
            let is_bad = |at: u64| self.map.status_at(at) == Some(Status::Bad);
            if !area.offset.0.checked_sub(1).is_some_and(is_bad) {
                return Some(self.first_sector(area));
            }
            if !is_bad(area.end()) {
                return Some(self.last_sector(area));
            }
            self.map.mark(area, Status::NonScraped);
        }
    }

    fn next_scrape(&mut self) -> Option<Extent> {
        let area = self.map.next(Status::NonScraped, self.standing.position.0)?;
        self.go_to(area.offset.0);
        Some(self.first_sector(area))
    }

    fn next_retry(&self) -> Option<Extent> {
        let position = self.standing.position.0;
        if self.standing.backwards() {
            let area = self.map.previous(Status::Bad, position)?;
            return Some(self.last_sector(between(area.offset.0, area.end().min(position))));
        }
        let area = self.map.next(Status::Bad, position)?;
        Some(self.first_sector(between(area.offset.0.max(position), area.end())))
    }

    fn settle_sector(&mut self, extent: Extent, count: u64) {
        if count < extent.length.0 {
            self.map.mark(extent, Status::Bad);
        }
        if self.standing.doing == Doing::Retrying {
            self.go_to(if self.standing.backwards() { extent.offset.0 } else { extent.end() });
        }
    }

    fn next_pass(&mut self) {
        let Standing { doing, pass, .. } = self.standing;
        let untried = self.map.next(Status::NonTried, 0).is_some();
        let bad = self.map.next(Status::Bad, 0).is_some();
        let (doing, pass) = match doing {
            Doing::Copying if untried && pass < SWEEP => match pass {
                2 if !self.slow_seen => (Doing::Copying, SWEEP),
                _ => (Doing::Copying, pass.saturating_add(1)),
            },
            Doing::Copying => (Doing::Trimming, 1),
            Doing::Trimming => (Doing::Scraping, 1),
            Doing::Scraping if bad && self.settings.retries > 0 => (Doing::Retrying, 1),
            Doing::Retrying if bad && pass < self.settings.retries => {
                (Doing::Retrying, pass.saturating_add(1))
            }
            _ => (Doing::Finished, 1),
        };
        self.standing = Standing { position: ByteOffset(0), doing, pass };
        if self.standing.backwards() {
            self.go_to(self.map.size().0);
        }
        self.skip = self.settings.first_skip;
        self.block = SMALLEST_COPY;
    }

    fn first_sector(&self, area: Extent) -> Extent {
        between(area.offset.0, area.offset.0.saturating_add(self.settings.granule).min(area.end()))
    }

    fn last_sector(&self, area: Extent) -> Extent {
        let last = area.end().saturating_sub(1);
        let start = last.saturating_sub(last.checked_rem(self.settings.granule).unwrap_or(0));
        between(start.max(area.offset.0), area.end())
    }

    fn go_to(&mut self, position: u64) {
        self.standing.position = ByteOffset(position);
    }
}
