//! How a source is imaged: few choices, each with a good one to begin with.

/// Format of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// EWF, as EnCase writes it.
    #[default]
    E01,
    /// AFF4.
    Aff4,
    /// The medium's bytes.
    Raw,
}

impl Format {
    /// As pf-acquire calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::E01 => "e01",
            Self::Aff4 => "aff4",
            Self::Raw => "raw",
        }
    }

    /// The next choice.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::E01 => Self::Aff4,
            Self::Aff4 => Self::Raw,
            Self::Raw => Self::E01,
        }
    }
}

/// Hash values over the medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Hashes {
    /// Those that every program checks.
    #[default]
    Usual,
    /// With SM3, which Chinese rules know.
    WithSm3,
    /// SHA-256 alone, the least work.
    Sha256,
}

impl Hashes {
    /// As pf-acquire calls them.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Usual => "md5,sha1,sha256",
            Self::WithSm3 => "md5,sha1,sha256,sm3",
            Self::Sha256 => "sha256",
        }
    }

    /// The next choice.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Usual => Self::WithSm3,
            Self::WithSm3 => Self::Sha256,
            Self::Sha256 => Self::Usual,
        }
    }
}

/// How much of the source is read a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Reread {
    /// Nothing.
    #[default]
    Nothing,
    /// A hundredth, spread over the source.
    Hundredth,
    /// All of it.
    All,
}

impl Reread {
    /// As pf-acquire calls it.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Hundredth => Some("1"),
            Self::All => Some("all"),
        }
    }

    /// The next choice.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Nothing => Self::Hundredth,
            Self::Hundredth => Self::All,
            Self::All => Self::Nothing,
        }
    }
}

/// All choices for one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Number of the item of evidence: it names the files.
    pub evidence: String,
    /// What the item is, in one line.
    pub description: String,
    /// The format.
    pub format: Format,
    /// The hash values.
    pub hashes: Hashes,
    /// Recover a failing disk in passes.
    pub rescue: bool,
    /// Read again.
    pub reread: Reread,
    /// Go on with what was cut off.
    pub resume: bool,
}

/// A line of the list of choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// [`Settings::evidence`].
    Evidence,
    /// [`Settings::description`].
    Description,
    /// [`Settings::format`].
    Format,
    /// [`Settings::hashes`].
    Hashes,
    /// [`Settings::rescue`].
    Rescue,
    /// [`Settings::reread`].
    Reread,
    /// [`Settings::resume`].
    Resume,
    /// The case file.
    Case,
    /// Begin.
    Start,
}

/// The lines in their order.
pub const CHOICES: [Choice; 9] = [
    Choice::Evidence,
    Choice::Description,
    Choice::Format,
    Choice::Hashes,
    Choice::Rescue,
    Choice::Reread,
    Choice::Resume,
    Choice::Case,
    Choice::Start,
];

impl Settings {
    /// The next value of a choice that has few; text is typed.
    pub fn turn(&mut self, choice: Choice) {
        match choice {
            Choice::Format => self.format = self.format.next(),
            Choice::Hashes => self.hashes = self.hashes.next(),
            Choice::Rescue => self.rescue = !self.rescue,
            Choice::Reread => self.reread = self.reread.next(),
            Choice::Resume => self.resume = !self.resume,
            Choice::Evidence | Choice::Description | Choice::Case | Choice::Start => {}
        }
    }

    /// The text of a choice that is typed.
    pub fn text_mut(&mut self, choice: Choice) -> Option<&mut String> {
        match choice {
            Choice::Evidence => Some(&mut self.evidence),
            Choice::Description => Some(&mut self.description),
            _ => None,
        }
    }
}
