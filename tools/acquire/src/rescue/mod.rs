//! Recovery of a failing medium in several passes, as GNU ddrescue's manual tells them ("Algorithm"), with its map file.
//!
//! ```text
//! Passes (pure) --attempt--> Recovery --read--> RescueSource (a reader that may hang, a disk that may vanish)
//!       ^                        |---write-> Store: NAME.raw at random positions, NAME.map beside it
//!       '-------outcome----------'
//! ```
//!
//! What it is: the map of what was tried ([`Mapfile`], [`map_text`]), the order in which to try ([`Passes`], which knows no
//! medium, no clock and no screen), what they are kept in ([`Store`]), the loop that joins them ([`recover`]) and the
//! comparison of two readings ([`reread`]). What it is not: a container; images are packed from the rescued raw data, which
//! [`RescuedMedium`] hands to the ordinary pipeline.
//!
//! Memory: at most [`MOST_AREAS`] areas in the map (below 32 MiB) and one read of at most 1 MiB; each read that hangs holds
//! another.

pub mod map_text;
mod mapfile;
mod passes;
mod recover;
mod reread;
mod rescued_medium;
mod store;

pub use mapfile::{Area, MOST_AREAS, Mapfile, Status};
pub use passes::{Attempt, Doing, Outcome, Passes, Settings, Standing};
pub use recover::{PassReport, Recovered, RescueEnd, RescueObserver, RescueSource, recover};
pub use reread::{Reread, RereadEnd, Share, Unstable, differing, reread, same_medium};
pub use rescued_medium::RescuedMedium;
pub use store::{Store, StoreError};

/// What a caller says to what it is told; an error ends the run.
pub type Told = Result<(), Box<dyn std::error::Error + Send + Sync>>;
