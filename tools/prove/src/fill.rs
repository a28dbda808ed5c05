//! Filling a scratch disk: the pattern everywhere, or around a partition table with dirty file systems, half a mirror and a
//! volume group.

use crate::arguments::Fill;
use crate::content::Content;
use crate::failure::Failure;
use crate::layout::file_systems::{FILE_SYSTEMS, FileSystem, Making};
use crate::layout::gpt::{self, PartitionType};
use crate::layout::power_cut::{self, Proof};
use crate::layout::{DESCRIPTION_AT, Layout, Region, TAIL, raid_member, volume_group};
use crate::pattern;
use crate::target::Target;
use device::AlignedBuffer;
use passthrough::{Access, Node, block};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;
/// Partition 1 holds the pattern: attempts on a partition aim there.
const PATTERNED: u64 = 8 * MIB;
/// A member of a mirror, and a physical volume.
const MEMBER: u64 = 16 * MIB;
/// So much behind the last partition holds the pattern at least: attempts on the disk aim there.
const REST: u64 = 8 * MIB;
/// Smallest disk that is laid out: room for a file system beside mirror and volume group.
const SMALLEST: u64 = MIB + PATTERNED + 2 * MEMBER + REST + TAIL;

/// What a disk was filled with.
#[derive(Debug, Serialize)]
pub(crate) struct Filled {
    pub(crate) disk: String,
    pub(crate) bytes: u64,
    pub(crate) seed: u64,
    /// None where all of it is pattern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) partitions: Vec<Laid>,
    /// What could not be laid out, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_out: Vec<LeftOut>,
}

/// One partition.
#[derive(Debug, Serialize)]
pub(crate) struct Laid {
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) start: u64,
    pub(crate) length: u64,
    /// What shows that a file system is dirty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dirty: Option<Proof>,
}

/// A file system that is not there.
#[derive(Debug, Serialize)]
pub(crate) struct LeftOut {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// What comes into a partition.
enum Source {
    Pattern,
    Image(PathBuf, Proof),
    /// These bytes, then zeros.
    Head(Vec<u8>),
}

struct Part {
    name: String,
    length: u64,
    kind: PartitionType,
    source: Source,
}

/// Fills `target`. `tell` hears how many bytes are written; `say` hears of each file system that is made.
pub(crate) fn carry_out(
    target: &Target,
    options: &Fill,
    say: &mut dyn FnMut(&str),
    tell: &mut dyn FnMut(u64),
) -> Result<Filled, Failure> {
    let mut filled = Filled {
        disk: target.disk.name.clone(),
        bytes: target.size(),
        seed: options.seed,
        partitions: Vec::new(),
        left_out: Vec::new(),
    };
    let mut disk = Disk { target, seed: options.seed, tell, written: 0 };
    if options.file_systems {
        if target.size() < SMALLEST {
            return Err(Failure::TooSmall { disk: filled.disk, needed: SMALLEST / MIB });
        }
        let work = options.work.clone().unwrap_or_else(std::env::temp_dir);
        let parts = make_parts(target, options.seed, &work, say, &mut filled.left_out);
        let laid = disk.lay_out(&parts);
        // The images are large: none may stay behind, whatever happened.
        for part in &parts {
            if let Source::Image(image, _) = &part.source {
                let _ = std::fs::remove_file(image);
            }
        }
        filled.partitions = laid?;
    } else {
        let node = disk.open()?;
        disk.fill_with_pattern(&node, &[(0, target.size())])?;
        disk.sync(&node)?;
    }
    // Partitions of before are forgotten, new ones known: by a node of its own, for the kernel asks that nobody holds one.
    if let Ok(node) = Node::open(disk.path(), Access::ReadOnly) {
        let _ = block::reread_partitions(&node);
    }
    Ok(filled)
}

fn make_parts(
    target: &Target,
    seed: u64,
    work: &Path,
    say: &mut dyn FnMut(&str),
    left_out: &mut Vec<LeftOut>,
) -> Vec<Part> {
    let pattern = PartitionType::LINUX;
    let mut parts =
        vec![Part { name: "pattern".to_owned(), length: PATTERNED, kind: pattern, source: Source::Pattern }];
    let mut used = SMALLEST;
    for (file_system, making) in FILE_SYSTEMS.iter().filter_map(|one| Some((one, one.making.as_ref()?))) {
        let length = making.mib.saturating_mul(MIB);
        let made = if used.saturating_add(length) > target.size() {
            Err("the disk is too small for it".to_owned())
        } else {
            power_cut::make(file_system, making, work, target.sector(), seed)
        };
        match made {
            Ok(made) => {
                say(&format!("{}: made, and cut off while it was written to", file_system.kind));
                used = used.saturating_add(length);
                parts.push(file_system_part(file_system, making, length, made));
            }
            Err(reason) => {
                say(&format!("{}: LEFT OUT: {reason}", file_system.kind));
                left_out.push(LeftOut { name: file_system.kind.to_owned(), reason });
            }
        }
    }
    let member = |name: &str, kind, head| Part {
        name: name.to_owned(),
        length: MEMBER,
        kind,
        source: Source::Head(head),
    };
    parts.push(member("md", PartitionType::RAID, raid_member::head(MEMBER, seed)));
    parts.push(member("lvm", PartitionType::LVM, volume_group::head(MEMBER, seed)));
    parts
}

fn file_system_part(
    file_system: &FileSystem,
    making: &Making,
    length: u64,
    made: power_cut::Interrupted,
) -> Part {
    Part {
        name: file_system.kind.to_owned(),
        length,
        kind: making.partition,
        source: Source::Image(made.image, made.proof),
    }
}

/// The disk while it is filled.
struct Disk<'a> {
    target: &'a Target,
    seed: u64,
    tell: &'a mut dyn FnMut(u64),
    written: u64,
}

impl Disk<'_> {
    fn path(&self) -> &Path {
        Path::new(&self.target.disk.identity.path)
    }

    fn open(&self) -> Result<Node, Failure> {
        Node::open(self.path(), Access::Exclusive).map_err(self.failed(0))
    }

    fn failed(&self, offset: u64) -> impl FnOnce(io::Error) -> Failure + use<> {
        let disk = self.target.disk.identity.path.clone();
        move |source| Failure::Fill { disk, offset, source }
    }

    fn sync(&self, node: &Node) -> Result<(), Failure> {
        node.file().sync_all().map_err(self.failed(self.written))
    }

    fn fill_with_pattern(&mut self, node: &Node, ranges: &[(u64, u64)]) -> Result<(), Failure> {
        for (from, to) in ranges {
            let before = self.written;
            let tell = &mut *self.tell;
            let mut heard = |at: u64| tell(before.saturating_add(at.saturating_sub(*from)));
            pattern::fill_range(node, *from, *to, self.seed, &mut heard)?;
            self.written = before.saturating_add(to.saturating_sub(*from));
        }
        Ok(())
    }

    /// Writes everything; the description and the partition table last, so that a fill that was cut off is none.
    fn lay_out(&mut self, parts: &[Part]) -> Result<Vec<Laid>, Failure> {
        let size = self.target.size();
        let tail = size.saturating_sub(TAIL) / 4096 * 4096;
        let region = |start, length, name: &str, seal| Region { start, length, name: name.to_owned(), seal };
        let node = self.open()?;
        let mut regions = vec![
            region(0, DESCRIPTION_AT, "partition table", [0; 32]),
            region(DESCRIPTION_AT, 4096, "description", [0; 32]),
        ];
        let (mut laid, mut entries) = (Vec::new(), Vec::new());
        let mut at = MIB;
        for (number, part) in (1..).zip(parts) {
            let (start, length) = (at, part.length);
            let dirty = match &part.source {
                Source::Pattern => None,
                Source::Image(image, proof) => {
                    let file = File::open(image).map_err(self.failed(start))?;
                    let content = self.copy(&node, &mut &file, start, length)?;
                    regions.push(region(start, length, &part.name, content.seal()));
                    Some(proof.clone())
                }
                Source::Head(head) => {
                    let content = self.copy(&node, &mut head.as_slice(), start, length)?;
                    regions.push(region(start, length, &part.name, content.seal()));
                    None
                }
            };
            laid.push(Laid { number, name: part.name.clone(), start, length, dirty });
            entries.push(gpt::Entry { start, length, kind: part.kind, name: part.name.clone() });
            at = at.saturating_add(length);
        }
        let (head, end) = gpt::table(&entries, size, self.target.sector(), self.seed);
        let end_at = usize::try_from(size.saturating_sub(tail)).unwrap_or(0).saturating_sub(end.len());
        let end = [vec![0; end_at], end].concat();
        regions.push(region(tail, size.saturating_sub(tail), "second table", [0; 32]));
        let mut layout = Layout { seed: self.seed, size, regions };
        self.fill_with_pattern(&node, &layout.patterned())?;
        let second = self.copy(&node, &mut end.as_slice(), tail, size.saturating_sub(tail))?.seal();
        let mut first = Content::default();
        first.note(0, &head);
        for region in &mut layout.regions {
            match region.start {
                0 => region.seal = first.seal(),
                start if start == tail => region.seal = second,
                _ => {}
            }
        }
        self.copy(&node, &mut layout.encode().as_slice(), DESCRIPTION_AT, 4096)?;
        self.copy(&node, &mut head.as_slice(), 0, DESCRIPTION_AT)?;
        self.sync(&node)?;
        Ok(laid)
    }

    /// Writes what `from` gives, then zeros, as far as `length`.
    fn copy(
        &mut self,
        node: &Node,
        from: &mut dyn Read,
        start: u64,
        length: u64,
    ) -> Result<Content, Failure> {
        let mut buffer = AlignedBuffer::new(1 << 20)?;
        let mut content = Content::default();
        let (mut at, end) = (start, start.saturating_add(length));
        while at < end {
            let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(buffer.len()).min(buffer.len());
            let part = buffer.get_mut(..wanted).unwrap_or_default();
            part.fill(0);
            read_as_far_as_possible(from, part).map_err(self.failed(at))?;
            node.file().write_all_at(part, at).map_err(self.failed(at))?;
            content.note(at, part);
            let count = u64::try_from(wanted).unwrap_or(length);
            at = at.saturating_add(count);
            self.written = self.written.saturating_add(count);
            (self.tell)(self.written);
        }
        Ok(content)
    }
}

fn read_as_far_as_possible(from: &mut dyn Read, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match from.read(into)? {
            0 => return Ok(()),
            count => into = into.get_mut(count..).unwrap_or_default(),
        }
    }
    Ok(())
}
