//! Where it is said what of a source could not be read: in a map beside the image, and where an image has no room for it.

use super::acquisition::note;
use super::arguments::Format;
use super::failure::Failure;
use super::records::Records;
use super::screen::tell;
use super::source::Source;
use acquire::rescue::Store;
use acquire::rescue::map_text::Heading;
use evidence::{ByteCount, ExtentSet, SectorSize};
use std::path::Path;

/// Keeps a map of what was unread, in the form that recovery goes on from. That it could not be kept is told; the record
/// names the same ranges.
pub fn keep_map(
    base: &Path,
    size: ByteCount,
    unread: &ExtentSet,
    record: &mut Records,
) -> Result<Option<String>, Failure> {
    if unread.is_empty() {
        return Ok(None);
    }
    let path = Store::map_path(base);
    if path.symlink_metadata().is_ok() {
        return Ok(path.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    let heading = Heading {
        software: format!("Permafrost pf-acquire version {}", env!("CARGO_PKG_VERSION")),
        command_line: std::env::args_os()
            .map(|word| word.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" "),
        ..Heading::default()
    };
    match Store::keep_map_of_one_pass(base, size, unread, &heading) {
        Ok(path) => Ok(path.file_name().map(|name| name.to_string_lossy().into_owned())),
        Err(error) => {
            tell(format_args!("warning: no map of the unread ranges: {error}"));
            record.append(&note(&format!("no map of the unread ranges: {error}")))?;
            Ok(None)
        }
    }
}

/// E01 numbers unread sectors in 32 bits; what lies beyond is named in the record and the map only.
pub fn tell_what_the_table_lacks(
    format: Format,
    unread: &ExtentSet,
    source: &Source,
    record: &mut Records,
) -> Result<(), Failure> {
    let beyond = beyond_the_table(unread, source.disk.identity.logical_sector);
    if format != Format::E01 || beyond.0 == 0 {
        return Ok(());
    }
    let told = format!(
        "{beyond} of unread sectors lie behind sector {}, which the error table of E01 can't name: \
         they stand in this record and in the map",
        u32::MAX
    );
    tell(format_args!("warning: {told}"));
    Ok(record.append(&note(&told))?)
}

/// How much of `unread` lies behind the last sector that 32 bits can number.
fn beyond_the_table(unread: &ExtentSet, sector: SectorSize) -> ByteCount {
    let border = (u64::from(u32::MAX).saturating_add(1)).saturating_mul(u64::from(sector.bytes()));
    let beyond = unread.iter().map(|extent| extent.end().saturating_sub(extent.offset.0.max(border)));
    ByteCount(beyond.fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{ByteOffset, Extent};

    #[test]
    fn what_32_bits_of_sectors_cannot_number_is_counted() {
        let border = 1u64 << 41;
        let extent = |offset, length| Extent { offset: ByteOffset(offset), length: ByteCount(length) };
        let unread: ExtentSet =
            [extent(0, 512), extent(border - 512, 1024), extent(border + 4096, 512)].into_iter().collect();
        assert_eq!(beyond_the_table(&unread, SectorSize::S512), ByteCount(1024));
        let large = SectorSize::new(4096).unwrap_or(SectorSize::S512);
        assert_eq!(beyond_the_table(&unread, large), ByteCount(0));
    }
}
