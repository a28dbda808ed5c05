//! Finds the image in a volume, the map that lays it out, and the streams that hold its bytes, in other volumes too.

use super::hashes;
use super::image_stream::ImageStream;
use super::map::{self, Entry, Map, Target};
use super::turtle_reader::Term;
use super::vocabulary::Symbol;
use super::volume::Volume;
use crate::FormatError;
use crate::segment_files::SegmentFiles;
use evidence::HashSet;
use std::path::{Path, PathBuf};

/// Volumes in the same folder that are looked into for missing streams.
const MOST_NEIGHBOURS: usize = 256;

/// An image with all that is needed to read it.
pub(super) struct Container {
    pub(super) files: SegmentFiles,
    /// The one that was named comes first.
    pub(super) volumes: Vec<Volume>,
    pub(super) streams: Vec<ImageStream>,
    /// ARN of the image.
    pub(super) image: String,
    /// ARN of its data stream.
    pub(super) data_stream: String,
    /// Lays out the medium, with what stands for unread ranges.
    pub(super) map: Map,
    /// Lays out the stream that the stated hashes are about where that is another: unread ranges as zeros.
    pub(super) filled: Option<Map>,
    pub(super) hashes: HashSet,
}

impl Container {
    /// Opens the image in the volume at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, FormatError> {
        let mut files = SegmentFiles::default();
        let volume = Volume::open(&mut files, path)?;
        let (image, data_stream) = find_image(&volume, path)?;
        let mut container = Self {
            files,
            volumes: vec![volume],
            streams: Vec::new(),
            image,
            data_stream,
            map: Map::new(0, Symbol::Byte(0)),
            filled: None,
            hashes: HashSet::new(),
        };
        container.map = container.layout(&container.data_stream.clone())?;
        container.find_hashes()?;
        Ok(container)
    }

    fn path(&self) -> &Path {
        self.files.path(0)
    }

    fn unsupported(&self, what: String) -> FormatError {
        FormatError::Unsupported { path: self.path().to_owned(), what }
    }

    /// How a map, or an image stream by itself, lays out its bytes.
    fn layout(&mut self, arn: &str) -> Result<Map, FormatError> {
        let Some(volume) = self.volumes.first() else { return Ok(Map::new(0, Symbol::Byte(0))) };
        if volume.graph.is_a(arn, "ImageStream") {
            let number = self.stream(arn)?;
            let length = self.streams.get(number).map_or(0, |stream| stream.size);
            let mut map = Map::new(length, Symbol::Byte(0));
            map.push(Entry { offset: 0, length, from: 0, target: Target::Stream(number) });
            return Ok(map);
        }
        let said = volume.graph.number(arn, "size");
        let gap = volume.graph.first(arn, "mapGapDefaultStream").map_or(Some(Symbol::Byte(0)), Symbol::of);
        let (map_name, index_name) = (volume.member(arn, "map"), volume.member(arn, "idx"));
        let offset = volume.zip.find(&map_name).map_or(0, |entry| entry.header);
        let wrong = |path: &Path, what: &str| FormatError::structure(path, offset, "map", what);
        let Some(size) = said else { return Err(wrong(self.path(), "its size is not stated")) };
        let Some(gap) = gap else { return Err(self.unsupported("a map with data in its gaps".to_owned())) };
        let largest = map::MOST_ENTRIES.saturating_mul(u64::try_from(map::ENTRY).unwrap_or(1));
        let index = volume.zip.read(&mut self.files, &index_name, map::LARGEST_INDEX)?;
        let entries = volume.zip.read(&mut self.files, &map_name, largest)?;
        let index = String::from_utf8_lossy(&index).into_owned();
        let names: Vec<&str> = index.lines().map(|line| line.trim_end_matches(['\r', '\0'])).collect();
        let mut targets = Vec::with_capacity(names.len());
        for name in names {
            targets.push(match Symbol::of(name) {
                Some(symbol) => Target::Symbol(symbol),
                None => Target::Stream(self.stream(name)?),
            });
        }
        Map::parse(&entries, &targets, size, gap).map_err(|what| wrong(self.path(), &what))
    }

    /// Number of the image stream `arn`, which may be in another volume.
    fn stream(&mut self, arn: &str) -> Result<usize, FormatError> {
        if let Some(known) = self.streams.iter().position(|stream| stream.arn == arn) {
            return Ok(known);
        }
        let described = |volume: &Volume| volume.graph.is_a(arn, "ImageStream");
        let number = match self.volumes.iter().position(described) {
            Some(number) => number,
            None => self.neighbour_with(arn)?,
        };
        let Some(volume) = self.volumes.get(number) else { return Ok(0) };
        let stream = ImageStream::describe(volume, number, arn);
        let stream = stream.map_err(|what| match volume.graph.first(arn, "size") {
            Some(_) => {
                FormatError::Unsupported { path: self.files.path(volume.zip.segment).to_owned(), what }
            }
            None => FormatError::structure(self.files.path(volume.zip.segment), 0, "image stream", what),
        })?;
        self.streams.push(stream);
        Ok(self.streams.len().saturating_sub(1))
    }

    /// Opens the volume beside this one that holds the stream `arn` of the same image (AFF4 1.0a §7.1).
    fn neighbour_with(&mut self, arn: &str) -> Result<usize, FormatError> {
        if let Some(volume) = self.volumes.first() {
            let graph = &volume.graph;
            if graph.is_a(arn, "Map") {
                return Err(self.unsupported(format!("a map over another map, {arn},")));
            }
            if graph.is_a(arn, "EncryptedStream") {
                return Err(self.unsupported(format!("an encrypted stream, {arn},")));
            }
        }
        let mut refused = None;
        for path in neighbours(self.path())? {
            if self.files.all().iter().any(|segment| segment.path == path) {
                continue;
            }
            let mut apart = SegmentFiles::default();
            match Volume::open(&mut apart, &path) {
                Ok(volume) if volume.graph.is_a(arn, "ImageStream") => {
                    if volume.graph.first(&self.image, "dataStream").is_none() {
                        let why = format!("it holds {arn}, but as a part of another image");
                        return Err(FormatError::WrongSegment { path, why });
                    }
                    let volume = Volume::open(&mut self.files, &path)?;
                    self.volumes.push(volume);
                    return Ok(self.volumes.len().saturating_sub(1));
                }
                Ok(_) => {}
                Err(error) => refused = Some(error),
            }
        }
        let why = match refused {
            Some(error) => format!("no volume here that can be read holds it, and one cannot be: {error}"),
            None => format!("{} needs it, and no .aff4 file beside it holds it", self.path().display()),
        };
        Err(FormatError::MissingSegment { path: PathBuf::from(format!("the volume with {arn}")), why })
    }

    /// Takes the hashes over the medium, and the layout of the stream that they are about.
    fn find_hashes(&mut self) -> Result<(), FormatError> {
        let Some(volume) = self.volumes.first() else { return Ok(()) };
        let of_stream = hashes::linear(&volume.graph, &self.data_stream);
        let of_image = hashes::linear(&volume.graph, &self.image);
        self.hashes =
            of_stream.iter().chain(of_image.iter()).map(|(a, digest)| (a, digest.clone())).collect();
        if !self.hashes.is_empty() || volume.graph.is_a(&self.data_stream, "ImageStream") {
            return Ok(());
        }
        let image = |term: &Term| term.value() == self.image;
        let filled = volume.graph.those_that_are("Map").find(|arn| {
            *arn != self.data_stream
                && volume.graph.all(arn, "target").any(image)
                && volume.graph.number(arn, "size") == Some(self.map.size())
                && !hashes::linear(&volume.graph, arn).is_empty()
        });
        if let Some(arn) = filled.map(str::to_owned) {
            self.hashes = hashes::linear(&volume.graph, &arn);
            self.filled = Some(self.layout(&arn)?);
        }
        Ok(())
    }
}

/// The image and its data stream.
fn find_image(volume: &Volume, path: &Path) -> Result<(String, String), FormatError> {
    let graph = &volume.graph;
    let unsupported = |what: &str| FormatError::Unsupported { path: path.to_owned(), what: what.to_owned() };
    if graph.those_that_are("EncryptedStream").next().is_some() {
        return Err(unsupported("an encrypted AFF4 volume"));
    }
    let classes = ["DiskImage", "ContiguousImage", "Image"];
    let images = classes.into_iter().flat_map(|class| graph.those_that_are(class));
    let mut images: Vec<(&str, &str)> =
        images.filter_map(|image| Some((image, graph.first(image, "dataStream")?))).collect();
    images.sort_unstable();
    images.dedup();
    match images[..] {
        [(image, stream)] => Ok((image.to_owned(), stream.to_owned())),
        [] if graph.those_that_are("FileImage").next().is_some() => {
            Err(unsupported("an AFF4 volume of single files (AFF4-L)"))
        }
        [] => {
            let offset = volume.zip.find(super::vocabulary::INFORMATION).map_or(0, |entry| entry.header);
            let what = "it describes no image with a data stream";
            Err(FormatError::structure(path, offset, super::vocabulary::INFORMATION, what))
        }
        _ => Err(unsupported("an AFF4 volume of several images")),
    }
}

/// The other volumes in the folder of `path`, by name.
fn neighbours(path: &Path) -> Result<Vec<PathBuf>, FormatError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |error| FormatError::source(folder, 0, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let other = folder.join(entry.map_err(failed)?.file_name());
        let volume = other.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("aff4"));
        if volume && other.file_name() != path.file_name() && other.is_file() {
            found.push(other);
        }
    }
    found.sort_unstable();
    found.truncate(MOST_NEIGHBOURS);
    Ok(found)
}
