//! One alteration of an item's files.

use super::item::{self, Item};
use super::random::Random;
use evidence::{ByteCount, CaseData, DeviceIdentity, SectorSize};
use formats::{ImagePlan, ImageSummary};
use record::{ChainHash, Content, Entry, KeyNotice, KeyOrigin, RecordWriter, SecretKey};
use std::fs;
use std::path::PathBuf;

/// What an alteration touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched {
    Image,
    Record,
    Head,
    All,
}

/// What was done.
#[derive(Debug)]
pub struct Deed {
    pub name: &'static str,
    pub touched: Touched,
    /// The file, where there is one.
    pub file: PathBuf,
    /// Where a single byte was changed in an image that is otherwise whole.
    pub byte: Option<(PathBuf, u64)>,
    #[expect(dead_code, reason = "told when it was not found")]
    detail: String,
    first: PathBuf,
}

/// The files of an item and of another one, as they were.
pub struct Originals {
    files: Vec<(Touched, PathBuf, Vec<u8>)>,
    /// The same files of the other item; absent where it has fewer segments.
    others: Vec<Option<Vec<u8>>>,
}

fn files(item: &Item) -> Vec<(Touched, PathBuf, Vec<u8>)> {
    let segments = item.segments.iter().map(|segment| (Touched::Image, segment.path.clone()));
    let papers = [(Touched::Record, item.record.clone()), (Touched::Head, item.head())];
    let read = |(touched, path): (Touched, PathBuf)| (touched, path.clone(), fs::read(path).unwrap());
    segments.chain(papers).map(read).collect()
}

impl Originals {
    pub fn of(item: &Item, other: &Item) -> Self {
        let files = files(item);
        let folder = other.folder.path();
        let others = files.iter().map(|(_, path, _)| fs::read(folder.join(path.file_name().unwrap())).ok());
        Self { others: others.collect(), files }
    }

    pub fn restore(&self) {
        for (_, path, bytes) in &self.files {
            if fs::read(path).ok().as_ref() != Some(bytes) {
                fs::write(path, bytes).unwrap();
            }
        }
    }

    fn text_of(&self, touched: Touched) -> (PathBuf, String) {
        let (_, path, bytes) = self.files.iter().find(|(kind, ..)| *kind == touched).unwrap();
        (path.clone(), String::from_utf8(bytes.clone()).unwrap())
    }
}

impl Deed {
    /// Alters the item's files, whose contents are the originals, so that at least one is another.
    pub fn carry_out(random: &mut Random, item: &Item, other: &Item, originals: &Originals) -> Self {
        match random.below(20) {
            0..=11 => of_bytes(random, item, originals),
            12 | 13 => of_files(random, item, other, originals),
            14 | 15 => of_lines(random, item, originals),
            16 | 17 => of_an_entry_with_its_chain(random, item, originals),
            18 => by_a_forger(random, item, other, originals),
            _ => of_the_containers_metadata(random, item),
        }
    }

    /// Removed, emptied, or no image any more.
    pub fn may_leave_no_image(&self) -> bool {
        self.file == self.first && self.touched == Touched::Image && self.name != "bit flipped"
    }
}

fn deed(item: &Item, name: &'static str, touched: Touched, file: PathBuf, detail: String) -> Deed {
    Deed { name, touched, file, byte: None, detail, first: item.first().to_owned() }
}

/// Bytes of one file flipped, put in, taken out, moved or cut off.
fn of_bytes(random: &mut Random, item: &Item, originals: &Originals) -> Deed {
    // As often in the papers as in the image, which is larger.
    let images = originals.files.len() - 2;
    let pick = random.below(4);
    let index = if pick < 2 { random.below(images) } else { images + pick - 2 };
    let (touched, path, good) = &originals.files[index];
    let mut bytes = good.clone();
    let at = random.below(bytes.len());
    let many = 1 + random.below((bytes.len() - at).min(5000));
    let (name, detail) = match random.below(8) {
        0..=2 => {
            bytes[at] ^= 1 << random.below(8);
            ("bit flipped", format!("at {at}"))
        }
        3 => {
            let put = random.bytes(many.min(600));
            bytes.splice(at..at, put);
            ("bytes put in", format!("{} at {at}", many.min(600)))
        }
        4 => {
            bytes.drain(at..at + many);
            ("bytes taken out", format!("{many} at {at}"))
        }
        5 => {
            bytes[at..at + many].reverse();
            ("bytes reordered", format!("{many} at {at}"))
        }
        6 => {
            bytes.truncate(at);
            ("cut off", format!("at {at}"))
        }
        _ => {
            let put = random.bytes(many);
            bytes.extend(put);
            ("bytes added at the end", many.to_string())
        }
    };
    if bytes == *good {
        // Reversed zeros are zeros.
        bytes[at] ^= 0x10;
    }
    fs::write(path, &bytes).unwrap();
    let mut done = deed(item, name, *touched, path.clone(), format!("{detail} of {}", path.display()));
    if name == "bit flipped" && *touched == Touched::Image {
        done.byte = Some((path.clone(), u64::try_from(at).unwrap()));
    }
    done
}

/// Files removed, changed places, or of another item.
fn of_files(random: &mut Random, item: &Item, other: &Item, originals: &Originals) -> Deed {
    let count = originals.files.len();
    let index = random.below(count);
    let (touched, path, _) = &originals.files[index];
    match random.below(4) {
        0 => {
            fs::remove_file(path).unwrap();
            deed(item, "file removed", *touched, path.clone(), path.display().to_string())
        }
        1 | 2 if originals.others[index].is_some() => {
            fs::write(path, originals.others[index].as_ref().unwrap()).unwrap();
            deed(item, "file of another item", *touched, path.clone(), path.display().to_string())
        }
        3 if count > 4 => {
            let (a, b) = (random.below(count - 2), random.below(count - 3));
            let b = if b >= a { b + 1 } else { b };
            fs::write(&originals.files[a].1, &originals.files[b].2).unwrap();
            fs::write(&originals.files[b].1, &originals.files[a].2).unwrap();
            let first = originals.files[a.min(b)].1.clone();
            deed(item, "segments changed places", Touched::Image, first, format!("{a} and {b}"))
        }
        _ => {
            // All of another item, so that everything fits together: only the key tells.
            for (_, path, _) in &originals.files {
                let same = other.folder.path().join(path.file_name().unwrap());
                let _ = fs::remove_file(path);
                if same.exists() {
                    fs::copy(same, path).unwrap();
                }
            }
            deed(item, "everything of another item", Touched::All, PathBuf::new(), String::new())
        }
    }
}

/// Lines of the record taken out, put in, doubled or moved.
fn of_lines(random: &mut Random, item: &Item, originals: &Originals) -> Deed {
    let (path, good) = originals.text_of(Touched::Record);
    let mut lines: Vec<&str> = good.split_inclusive('\n').collect();
    let at = random.below(lines.len());
    let name = match random.below(4) {
        0 => {
            lines.remove(at);
            "entry taken out"
        }
        1 => {
            lines.insert(at, lines[at]);
            "entry doubled"
        }
        2 => {
            let to = (at + 1 + random.below(lines.len() - 1)) % lines.len();
            lines.swap(at, to);
            "entries changed places"
        }
        _ => {
            lines.truncate(at);
            "record cut at an entry"
        }
    };
    fs::write(&path, lines.concat()).unwrap();
    deed(item, name, Touched::Record, path, format!("{at}"))
}

/// An entry, its clock among others, changed by someone who computes the whole chain anew but has no key.
fn of_an_entry_with_its_chain(random: &mut Random, item: &Item, originals: &Originals) -> Deed {
    let (path, good) = originals.text_of(Touched::Record);
    let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
    let at = random.below(lines.len());
    let clock = random.below(2) == 0;
    if clock {
        let (before, rest) = lines[at].split_once("\"time\":\"").unwrap();
        let (time, after) = rest.split_once('"').unwrap();
        // The minutes, by one to nine.
        let minute = time.as_bytes()[15] - b'0';
        let shift = 1 + u8::try_from(random.below(9)).unwrap();
        let other = format!("{}{}{}", &time[..15], (minute + shift) % 10, &time[16..]);
        lines[at] = format!("{before}\"time\":\"{other}\"{after}");
    } else {
        let digits: Vec<usize> = lines[at]
            .char_indices()
            .filter(|(place, letter)| letter.is_ascii_digit() && *place > lines[at].find("kind").unwrap())
            .map(|(place, _)| place)
            .collect();
        match digits.is_empty() {
            true => lines[at] = lines[at].replacen("\"kind\"", "\"more\":1,\"kind\"", 1),
            false => {
                let place = *random.one_of(&digits);
                let digit = lines[at].as_bytes()[place] - b'0';
                lines[at].replace_range(place..=place, &((digit % 9) + 1).to_string());
            }
        }
    }
    let mut prev = ChainHash::START;
    for line in &mut lines {
        let place = line.find("\"prev\":\"").unwrap() + 8;
        line.replace_range(place..place + 64, &prev.to_string());
        prev = ChainHash::of_line(line.as_bytes());
    }
    let altered = lines.join("\n") + "\n";
    let altered = if altered == good { altered.replacen("\"seq\":0", "\"seq\": 0", 1) } else { altered };
    fs::write(&path, altered).unwrap();
    let name = if clock { "clock edited, chain made anew" } else { "entry edited, chain made anew" };
    deed(item, name, Touched::Record, path, format!("{at}"))
}

/// Record and head, or all, made anew by someone who has a key, but not the one that was written down.
fn by_a_forger(random: &mut Random, item: &Item, other: &Item, originals: &Originals) -> Deed {
    let forger = SecretKey::generate().unwrap();
    let with_image = random.below(3);
    let from = if with_image == 0 { other } else { item };
    let entries: Vec<Entry> = record::read(&from.record)
        .unwrap()
        .entries
        .into_iter()
        .filter_map(|stored| match stored.content {
            Content::Known(entry) => Some(entry),
            Content::Unknown(_) => None,
        })
        .collect();
    if with_image == 0 {
        for (segment, path) in other.segments.iter().zip(originals.files.iter().map(|(_, path, _)| path)) {
            fs::copy(&segment.path, path).unwrap();
        }
    }
    fs::remove_file(&item.record).unwrap();
    fs::remove_file(item.head()).unwrap();
    let mut writer = RecordWriter::create(&item.record).unwrap();
    let careless = random.below(2) == 0;
    for mut entry in entries {
        if let Entry::AcquisitionOpened(opened) = &mut entry
            && !careless
        {
            opened.signing_key = Some(KeyNotice::new(&forger, KeyOrigin::Run));
        }
        writer.append(&entry).unwrap();
    }
    writer.sign(&forger).unwrap();
    let name = if with_image == 0 {
        "all forged with another key"
    } else {
        "record and head forged with another key"
    };
    deed(item, name, Touched::All, PathBuf::new(), format!("careless: {careless}"))
}

/// The same media data in a container with another case field; where it has none, another byte of the medium.
fn of_the_containers_metadata(random: &mut Random, item: &Item) -> Deed {
    let report = formats::open(item.first()).unwrap();
    let mut case = report.case().clone();
    let kind = item.kind;
    let mut media = item.media.clone();
    let device = item::device();
    let mut label = (device.model.clone().unwrap(), device.serial.clone().unwrap());
    let mut software = report.provenance().software;
    let fields: [fn(&mut CaseData) -> &mut String; 5] = [
        |case| &mut case.case_number,
        |case| &mut case.evidence_number,
        |case| &mut case.examiner,
        |case| &mut case.description,
        |case| &mut case.notes,
    ];
    let (name, place) = match kind {
        formats::ImageKind::Raw => {
            let place = random.below(media.len());
            media[place] ^= 1;
            ("medium edited", place)
        }
        _ => {
            let place = random.below(fields.len() + 3);
            match place {
                5 => label.0.push('x'),
                6 => label.1.push('x'),
                7 => software.push('1'),
                _ => fields[place](&mut case).push('x'),
            }
            ("container metadata edited", place)
        }
    };
    let sector = report.sector_size().unwrap_or(SectorSize::S512);
    let hashes = report.stored_hashes().clone();
    let unread = report.unread().clone();
    drop(report);
    for segment in &item.segments {
        fs::remove_file(&segment.path).unwrap();
    }
    let plan = ImagePlan {
        base: item.folder.path().join("item-7"),
        media_size: ByteCount(u64::try_from(media.len()).unwrap()),
        sector_size: sector,
        segment_size: item.segment_size.map(ByteCount),
        case,
        device: Some(DeviceIdentity { model: Some(label.0), serial: Some(label.1), ..device }),
        software,
        acquired_at: item::now(),
        medium: formats::MediumKind::Disk,
    };
    let mut writer = formats::create(kind, &plan).unwrap();
    let encoder = writer.encoder();
    for chunk in media.chunks(writer.chunk_size()) {
        writer.append(&encoder.encode(chunk).unwrap()).unwrap();
    }
    writer.finish(&ImageSummary { hashes, unread }).unwrap();
    deed(item, name, Touched::Image, item.first().to_owned(), format!("{place}"))
}
