//! The folder the image goes to: is it fit, and will there be room?

use super::arguments::{Arguments, Format};
use super::failure::Failure;
use super::mounts;
use super::screen::tell;
use super::source::{Source, node_of};
use evidence::ByteCount;
use nix::sys::statfs::{FsType, MSDOS_SUPER_MAGIC, statfs};
use nix::sys::statvfs::statvfs;
use std::path::{Path, PathBuf};

/// FAT counts the size of a file in 32 bits.
pub const FAT_FILE_LIMIT: u64 = (4 << 30) - 1;

/// Linux takes names of 255 bytes; the longest suffix is the record's.
const LONGEST_NAME: usize = 255 - record::FILE_SUFFIX.len();

/// More copies than these are made with a file manager.
const MOST_FOLDERS: usize = 2;

/// Checks each folder and returns it without links; warns on standard error where the room may not do.
pub fn check(arguments: &Arguments, source: &Source, media_size: ByteCount) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = Vec::new();
    for to in &arguments.to {
        let folder = check_folder(to, arguments, source, media_size)?;
        let again =
            folders.contains(&folder).then_some("is named twice; a second image needs a second folder");
        let many = (folders.len() == MOST_FOLDERS).then_some("is one destination too many; two are possible");
        if let Some(reason) = again.or(many) {
            return Err(Failure::Destination { folder, reason: reason.to_owned() });
        }
        folders.push(folder);
    }
    Ok(folders)
}

/// Checks that the folder is one, is not on the source, and takes the names; returns it without links.
pub fn fit_folder(to: &Path, arguments: &Arguments, source: &Source) -> Result<PathBuf, Failure> {
    let wrong = |reason: String| Failure::Destination { folder: to.to_owned(), reason };
    let folder = to
        .canonicalize()
        .map_err(|e| wrong(format!("{e}; mount the destination and make the folder first")))?;
    if !folder.is_dir() {
        return Err(wrong("is not a folder".to_owned()));
    }
    refuse_source_as_destination(&folder, source)?;
    let name = arguments.base_name();
    if name.len() > LONGEST_NAME {
        return Err(wrong(format!(
            "{} bytes are too long for the name of a file; give a --name",
            name.len()
        )));
    }
    Ok(folder)
}

fn check_folder(
    to: &Path,
    arguments: &Arguments,
    source: &Source,
    media_size: ByteCount,
) -> Result<PathBuf, Failure> {
    let wrong = |reason: String| Failure::Destination { folder: to.to_owned(), reason };
    let folder = fit_folder(to, arguments, source)?;
    refuse_record_or_map(&folder.join(arguments.base_name()))?;
    let free = free_space(&folder)?;
    if free < media_size {
        let told = format!("{} are free for a source of {}", free.short(), media_size.short());
        if arguments.format == Format::Raw {
            return Err(wrong(format!("{told}; take a larger destination, or --format e01")));
        }
        tell(format_args!("warning: {}: {told}; compressed, it may or may not fit", folder.display()));
    }
    let largest = arguments.segment_limit().map_or(media_size.0, |limit| limit.0.min(media_size.0));
    if largest > FAT_FILE_LIMIT && is_fat(&folder) {
        let remedy = match arguments.format {
            Format::Aff4 => "take --format e01, which is split",
            Format::Raw | Format::E01 => "add --segment-size 2GiB",
        };
        return Err(wrong(format!("is FAT, whose files end at 4 GiB; {remedy}")));
    }
    Ok(folder)
}

/// Neither a record nor its head may be there, nor a map, which may have to be written at the end.
pub fn refuse_record_or_map(base: &Path) -> Result<(), Failure> {
    let record = record_path(base);
    let head = record::head_path(&record);
    if let Some(there) = [record, head].into_iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(Failure::Record(record::RecordError::Exists(there)));
    }
    let map = acquire::rescue::Store::map_path(base);
    if map.symlink_metadata().is_ok() {
        return Err(acquire::rescue::StoreError::Exists(map).into());
    }
    Ok(())
}

/// How much may still be written there.
pub fn free_space(folder: &Path) -> Result<ByteCount, Failure> {
    let free = statvfs(folder).map(|fs| ByteCount(fs.blocks_available().saturating_mul(fs.fragment_size())));
    let wrong = |e| Failure::Destination {
        folder: folder.to_owned(),
        reason: format!("its free space can't be found out: {e}"),
    };
    free.map_err(wrong)
}

/// Where the record of the image with this base path is.
pub fn record_path(base: &Path) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(record::FILE_SUFFIX);
    PathBuf::from(name)
}

fn refuse_source_as_destination(folder: &Path, source: &Source) -> Result<(), Failure> {
    let mounts = mounts::mounts().map_err(Failure::Mounts)?;
    let Some(mount) = mounts::holding(&mounts, folder) else { return Ok(()) };
    // Btrfs gives its files numbers of their own: look at the mounted node as well.
    let on_source = source.nodes.contains(&mount.node)
        || node_of(&mount.source).is_some_and(|node| source.nodes.contains(&node));
    if on_source { Err(Failure::DestinationOnSource(folder.to_owned())) } else { Ok(()) }
}

/// True where files end at 4 GiB.
pub fn is_fat(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|fs| fs.filesystem_type() == FsType(MSDOS_SUPER_MAGIC.0))
}
