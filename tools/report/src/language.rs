//! Which languages a face is asked for in.

pub use case_file::Language::{self, Chinese, English};
pub use case_file::grouped;
use clap::ValueEnum;

/// Which languages a page is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Languages {
    /// English
    En,
    /// Chinese
    Zh,
    /// English, then the same in Chinese
    Both,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OneLanguage {
    /// English
    En,
    /// Chinese
    Zh,
}

impl OneLanguage {
    /// As faces use it.
    pub fn language(self) -> Language {
        match self {
            OneLanguage::En => English,
            OneLanguage::Zh => Chinese,
        }
    }
}

impl Languages {
    /// In the order in which they stand on the page.
    pub fn list(self) -> &'static [Language] {
        match self {
            Languages::En => &[English],
            Languages::Zh => &[Chinese],
            Languages::Both => &[English, Chinese],
        }
    }
}
