//! Where a recovery is kept, and what an earlier run left there.

use super::super::arguments::{Arguments, Format};
use super::super::destination::{self, record_path};
use super::super::failure::Failure;
use super::super::identity::difference;
use super::super::screen::tell;
use super::super::source::Source;
use acquire::durable_text::with_suffix;
use acquire::rescue::Store;
use evidence::{ByteCount, Digest};
use nix::sys::statvfs::statvfs;
use record::{ChainHash, Content, Entry, Flaw, RecordError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where everything goes.
pub struct Place {
    /// The folder, without links.
    pub folder: PathBuf,
    /// Folder and base name.
    pub base: PathBuf,
    /// The record of this run.
    pub record: PathBuf,
    /// What is there already.
    pub earlier: Earlier,
}

/// What an earlier run left.
pub enum Earlier {
    /// Nothing: this is the first.
    None,
    /// Raw data and map with a record that says that they are this source's.
    Own {
        /// Hash of the record's last entry.
        head: ChainHash,
        /// SHA-256 of the map as that run left it.
        map: Option<Digest>,
    },
    /// Raw data and map of another program, which is taken at the user's word.
    Stranger,
}

/// Looks at the folder, and proves or refuses what lies there.
pub fn prepare(arguments: &Arguments, source: &Source) -> Result<Place, Failure> {
    let [to] = arguments.to.as_slice() else {
        let folder = arguments.to.first().cloned().unwrap_or_default();
        let reason = "a rescue has one destination; copy raw data and image when it is done".to_owned();
        return Err(Failure::Destination { folder, reason });
    };
    let folder = destination::fit_folder(to, arguments, source)?;
    let base = folder.join(arguments.base_name());
    let record = record_path(&base);
    let (raw, map) = (Store::raw_path(&base), Store::map_path(&base));
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if arguments.format != Format::Raw {
        // It is made at the end: what stands in its way is told at the beginning.
        let word = arguments.format.word();
        let names = [word.to_owned(), word.to_uppercase()].map(|end| with_suffix(&base, &format!(".{end}")));
        if let Some(image) = names.into_iter().find(|image| is_there(image)) {
            return Err(formats::FormatError::Exists(image).into());
        }
    }
    let earlier = match (is_there(&raw), is_there(&map), is_there(&record)) {
        (false, false, false) => Earlier::None,
        (false, false, true) => return Err(RecordError::Exists(record).into()),
        (true, true, true) if arguments.faults.adopt => {
            return Err(Failure::Another {
                path: record,
                reason: "there is a record of where the raw data come from: leave --adopt out".to_owned(),
            });
        }
        (true, true, true) => proven(&record, source)?,
        (true, true, false) if arguments.faults.adopt => Earlier::Stranger,
        (true, true, false) => {
            return Err(Failure::Another {
                path: raw,
                reason: format!(
                    "no record says what it was made of ({} is not there). If it is of this source, made by ddrescue, \
                     repeat with --adopt; the record will say so",
                    record.display()
                ),
            });
        }
        (true, false, _) => return Err(acquire::rescue::StoreError::Exists(raw).into()),
        (false, true, _) => return Err(acquire::rescue::StoreError::Exists(map).into()),
    };
    check_room(arguments, &folder, &raw, source.disk.identity.capacity)?;
    Ok(Place { folder, base, record, earlier })
}

/// Reads the record of the earlier run: it must say that it was made of this source.
fn proven(record: &Path, source: &Source) -> Result<Earlier, Failure> {
    let another = |reason: String| Failure::Another { path: record.to_owned(), reason };
    let (mut was, mut map) = (None, None);
    let chain = record::visit(record, |stored| match stored.content {
        Content::Known(Entry::AcquisitionOpened(opened)) => was = Some(opened.source),
        Content::Known(Entry::RescueEnded(ended)) => map = Some(ended.map_sha256),
        _ => {}
    })?;
    // A cut of the power may leave a part of a line; everything else was done by hand.
    if let Some(broken) = chain.broken.filter(|broken| broken.flaw != Flaw::Truncated) {
        return Err(another(format!(
            "it was altered ({broken}), so it proves nothing; choose another --name"
        )));
    }
    let Some(was) = was else {
        return Err(another("it does not say what was acquired; choose another --name".to_owned()));
    };
    match difference(&was, &source.disk.identity) {
        None => Ok(Earlier::Own { head: chain.head, map }),
        Some(difference) => {
            Err(another(format!("it is about another source: {difference}; choose another --name")))
        }
    }
}

fn check_room(arguments: &Arguments, folder: &Path, raw: &Path, size: ByteCount) -> Result<(), Failure> {
    let wrong = |reason: String| Failure::Destination { folder: folder.to_owned(), reason };
    let free = statvfs(folder)
        .map(|fs| fs.blocks_available().saturating_mul(fs.fragment_size()))
        .map_err(|e| wrong(format!("its free space can't be found out: {e}")))?;
    let taken = raw.metadata().map_or(0, |file| file.blocks().saturating_mul(512));
    let wanted = size.0.saturating_sub(taken);
    let told = format!(
        "{} are free, raw data of {} are to come",
        ByteCount(free).short(),
        ByteCount(wanted).short()
    );
    if free < wanted {
        return Err(wrong(format!("{told}; take a larger destination")));
    }
    if arguments.format != Format::Raw && free.saturating_sub(wanted) < size.0 {
        tell(format_args!(
            "warning: {}: {told}, and an image of them; it may or may not fit",
            folder.display()
        ));
    }
    if size.0 > destination::FAT_FILE_LIMIT && destination::is_fat(folder) {
        return Err(wrong(
            "is FAT, whose files end at 4 GiB: the raw data of a rescue are one file".to_owned(),
        ));
    }
    Ok(())
}
