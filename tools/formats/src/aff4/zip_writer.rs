//! Writes a ZIP volume from front to end: every header in ZIP64 form, sizes behind the data, nothing compressed, the
//! volume's ARN as comment. Nothing that was written is ever touched again.

use super::zip_layout::{DosTime, Entry, Method, descriptor, ending, entry, local_header};
use crate::destination::DestinationFile;
use crate::{FormatError, Segment};
use flate2::Crc;

/// A volume being written.
pub(super) struct ZipWriter {
    file: DestinationFile,
    time: DosTime,
    finished: Vec<Member>,
    open: Option<OpenMember>,
}

/// A finished member. Large images have hundreds of thousands, so names that repeat are not kept.
pub(super) struct Member {
    pub(super) name: MemberName,
    pub(super) header: u64,
    pub(super) size: u64,
    pub(super) crc: u32,
}

impl Member {
    /// What the central directory will say of it.
    pub(super) fn entry(&self) -> Entry {
        let Self { header, size, crc, .. } = *self;
        Entry { header, stored: size, size, crc, method: Method::Stored, has_descriptor: true }
    }

    /// Where its data ends, names left out.
    pub(super) fn end(&self) -> u64 {
        self.header.saturating_add(self.size)
    }
}

/// The name of a member.
#[derive(Clone, Debug)]
pub(super) enum MemberName {
    /// Written out.
    Plain(Box<str>),
    /// The folder of the image stream, the number of a bevy, and an ending.
    Bevy { folder: std::sync::Arc<str>, number: u64, ending: &'static str },
}

impl MemberName {
    /// Written out.
    pub(super) fn text(&self) -> String {
        match self {
            MemberName::Plain(name) => name.to_string(),
            MemberName::Bevy { folder, number, ending } => format!("{folder}{number:08}{ending}"),
        }
    }
}

struct OpenMember {
    name: MemberName,
    header: u64,
    crc: Crc,
    size: u64,
}

impl ZipWriter {
    /// A volume without members; `at` stands in every header.
    pub(super) fn new(file: DestinationFile, at: DosTime) -> Self {
        Self { file, time: at, finished: Vec::new(), open: None }
    }

    /// A volume that is gone on with behind what an earlier process wrote: the members that are complete, and the one that
    /// is open, with what is in it.
    pub(super) fn reopen(
        file: DestinationFile,
        at: DosTime,
        finished: Vec<Member>,
        open: Option<(MemberName, u64, u64, Crc)>,
    ) -> Self {
        let open = open.map(|(name, header, size, crc)| OpenMember { name, header, crc, size });
        Self { file, time: at, finished, open }
    }

    /// The members that are complete, and where the header of the open one is.
    pub(super) fn members(&self) -> (&[Member], Option<u64>) {
        (&self.finished, self.open.as_ref().map(|open| open.header))
    }

    /// The file itself.
    pub(super) fn file(&mut self) -> &mut DestinationFile {
        &mut self.file
    }

    /// Begins a member; one that is open ends.
    pub(super) fn begin(&mut self, name: MemberName) -> Result<(), FormatError> {
        self.end()?;
        let header = self.file.position();
        self.file.write(&local_header(&name.text(), self.time))?;
        self.open = Some(OpenMember { name, header, crc: Crc::new(), size: 0 });
        Ok(())
    }

    /// Adds to the open member.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        if let Some(open) = &mut self.open {
            open.crc.update(bytes);
            open.size = open.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        }
        self.file.write(bytes)
    }

    /// Ends the open member.
    pub(super) fn end(&mut self) -> Result<(), FormatError> {
        let Some(OpenMember { name, header, crc, size }) = self.open.take() else { return Ok(()) };
        let crc = crc.sum();
        self.file.write(&descriptor(crc, size))?;
        self.finished.push(Member { name, header, size, crc });
        Ok(())
    }

    /// Writes a whole member.
    pub(super) fn member(&mut self, name: MemberName, content: &[u8]) -> Result<(), FormatError> {
        self.begin(name)?;
        self.write(content)?;
        self.end()
    }

    /// Writes the central directory and what follows it, and makes the file durable.
    pub(super) fn close(mut self, comment: &[u8]) -> Result<Segment, FormatError> {
        self.end()?;
        let directory = self.file.position();
        for member in &self.finished {
            self.file.write(&entry(&member.name.text(), &member.entry(), self.time))?;
        }
        let size = self.file.position().saturating_sub(directory);
        let entries = u64::try_from(self.finished.len()).unwrap_or(u64::MAX);
        self.file.write(&ending(entries, directory, size, comment))?;
        self.file.close()
    }
}
