//! An E01 taken in the guest, judged on the host by strangers: ewfverify and the Sleuth Kit; and by pf-verify.

use std::path::{Path, PathBuf};

use crate::{
    HarnessError, Result,
    artifacts::Artifacts,
    evidence_disk::Layout,
    host_program::{HostProgram, last_part},
};

/// What others read out of an image.
#[derive(Debug, Clone)]
pub struct ImageCheck {
    /// First segment of the image.
    pub image: PathBuf,
    /// Bytes of all its segments.
    pub stored: u64,
    /// MD5 of the medium as ewfverify computed it from the image.
    pub md5_of_image: String,
    /// MD5 of the disk that was imaged, by the host's md5sum.
    pub md5_of_disk: String,
    /// Whether ewfverify ended well.
    pub ewfverify: bool,
    /// Files that the Sleuth Kit found in the image, all file systems together.
    pub files_in_image: usize,
    /// Files that the Sleuth Kit finds on the disk itself.
    pub files_on_disk: usize,
    /// Exit code of pf-verify and what it said.
    pub pf_verify: (i32, String),
}

impl ImageCheck {
    /// Judges the image `image` of the disk `disk` with partitions as in `layout`.
    ///
    /// # Errors
    /// When a program can't be run; never for what it finds.
    pub fn of(artifacts: &Artifacts, image: &Path, disk: &Path, layout: &Layout) -> Result<Self> {
        let ewfverify = HostProgram::new("ewfverify", "ewf-tools")?.arg(image).output()?;
        let said = String::from_utf8_lossy(&ewfverify.stdout).into_owned();
        let pf_verify = HostProgram::at(artifacts.binary("pf-verify")?).arg(image).output()?;
        let pf_words = [pf_verify.stdout, pf_verify.stderr].concat();
        let md5sum = HostProgram::new("md5sum", "coreutils")?.arg(disk).run()?;
        Ok(ImageCheck {
            image: image.into(),
            stored: bytes_of_segments(image),
            md5_of_image: said
                .lines()
                .find(|line| line.starts_with("MD5 hash calculated over data"))
                .and_then(|line| line.split_whitespace().last())
                .unwrap_or("none")
                .into(),
            md5_of_disk: md5sum.split_whitespace().next().unwrap_or("none").into(),
            ewfverify: ewfverify.status.success(),
            files_in_image: files_in(image, "ewf", layout)?,
            files_on_disk: files_in(disk, "raw", layout)?,
            pf_verify: (
                pf_verify.status.code().unwrap_or(-1),
                String::from_utf8_lossy(&pf_words).into_owned(),
            ),
        })
    }

    /// All that speaks against "this is an exact image of the disk", one line each.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        let image = self.image.display();
        let mut objections = Vec::new();
        if !self.ewfverify {
            objections.push(format!("{image}: ewfverify found it broken"));
        }
        if self.md5_of_image != self.md5_of_disk {
            objections
                .push(format!("{image}: MD5 is {}, the disk's {}", self.md5_of_image, self.md5_of_disk));
        }
        if self.files_in_image == 0 || self.files_in_image != self.files_on_disk {
            objections.push(format!(
                "{image}: fls sees {} files, {} on the disk",
                self.files_in_image, self.files_on_disk
            ));
        }
        if self.pf_verify.0 != 0 {
            let words = last_part(&self.pf_verify.1, 500);
            objections.push(format!("{image}: pf-verify ended with {}: {words}", self.pf_verify.0));
        }
        objections
    }
}

/// Prepares a program of the Sleuth Kit. Debian 13's reads an E01 and crashes when it closes it, libewf's own E01s
/// included: two versions of libbfio come with it, and libewf finds the wrong one. Loaded first, it finds its own.
///
/// # Errors
/// [`HarnessError::Missing`].
pub fn sleuth_kit(program: &str) -> Result<HostProgram> {
    Ok(HostProgram::new(program, "sleuthkit")?.env("LD_PRELOAD", "libewf.so.2"))
}

/// The file systems of one image, counted by the Sleuth Kit.
fn files_in(image: &Path, format: &str, layout: &Layout) -> Result<usize> {
    let mut files = 0;
    for number in 1..=layout.partitions.len() {
        let sector = (layout.start_of(number) / layout.sector()).to_string();
        let listing = sleuth_kit("fls")?
            .args(["-r", "-F", "-i", format, "-b", &layout.sector().to_string(), "-o", &sector])
            .arg(image)
            .run()?;
        files += listing.lines().count();
    }
    Ok(files)
}

fn bytes_of_segments(first: &Path) -> u64 {
    let Some((folder, stem)) = first.parent().zip(first.file_stem()) else { return 0 };
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let segments = entries.flatten().map(|entry| entry.path()).filter(|path| {
        path.file_stem() == Some(stem)
            && path.extension().is_some_and(|end| end.to_string_lossy().starts_with('E'))
    });
    segments.filter_map(|path| path.metadata().ok()).map(|about| about.len()).sum()
}

/// The only first segment of an E01 in `folder`.
///
/// # Errors
/// [`HarnessError::Unfit`] when there is none.
pub fn first_segment_in(folder: &Path) -> Result<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "E01")).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        count => {
            Err(HarnessError::Unfit(format!("{count} E01 images in {}, expected one", folder.display())))
        }
    }
}
