//! Every file of the finished image, with its hash values.

use crate::cpio::Archive;
use crate::error::{Doing, Result, XtaskError};
use crate::process::Program;
use crate::workspace;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Boot code of a master boot record: what stands before the disk signature.
const BOOT_CODE: usize = 440;

/// Type of an EFI system partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B, as it lies in a GPT (UEFI 2.10, 5.3.3).
const ESP_TYPE: [u8; 16] =
    [0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B];

const SECTOR: usize = 512;

/// Where in the image a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The ISO file system.
    Iso,
    /// Before the file system: what a BIOS starts from a stick.
    SystemArea,
    /// The EFI system partition.
    Esp,
    /// The archive inside the kernel.
    Initramfs,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Iso, Self::SystemArea, Self::Esp, Self::Initramfs];

    /// How its files' names begin.
    pub fn word(self) -> &'static str {
        match self {
            Self::Iso => "iso",
            Self::SystemArea => "system-area",
            Self::Esp => "esp",
            Self::Initramfs => "initramfs",
        }
    }
}

/// A file of the image.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileOfImage {
    /// Where it lies.
    pub part: Part,
    /// Its path there, without a leading slash.
    pub path: String,
    /// SHA-1, which SPDX demands.
    pub sha1: String,
    /// SHA-256.
    pub sha256: String,
}

impl FileOfImage {
    fn new(part: Part, path: &str, content: &[u8]) -> Self {
        Self {
            part,
            path: path.to_owned(),
            sha1: workspace::hex(&Sha1::digest(content)),
            sha256: workspace::hex(&Sha256::digest(content)),
        }
    }

    /// True when it is that one.
    pub fn is(&self, part: Part, path: &str) -> bool {
        self.part == part && self.path == path
    }
}

/// All files of an image, sorted, and the image's own hash values.
pub struct Contents {
    /// Files of all parts.
    pub files: Vec<FileOfImage>,
    /// SHA-1 of the whole image.
    pub sha1: String,
    /// SHA-256 of the whole image.
    pub sha256: String,
}

impl Contents {
    /// Takes the image apart again; `archive` is what was put into its kernel.
    pub fn of(iso: &Path, archive: &Archive) -> Result<Self> {
        let whole = workspace::read(iso)?;
        let work = tempfile::tempdir().doing(|| "making a scratch folder".to_owned())?;
        let mut files: Vec<FileOfImage> =
            archive.files().map(|(path, content)| FileOfImage::new(Part::Initramfs, path, content)).collect();

        let boot_code = whole.get(..BOOT_CODE).unwrap_or_default();
        files.push(FileOfImage::new(Part::SystemArea, "mbr-boot-code.bin", boot_code));

        let of_iso = work.path().join("iso");
        Program::new("xorriso")
            .args(["-report_about", "WARNING", "-osirrox", "on", "-indev"])
            .arg(iso)
            .args(["-extract", "/"])
            .arg(&of_iso)
            .log_to(&work.path().join("xorriso.log"))?
            .run()?;
        add_folder(&mut files, Part::Iso, &of_iso)?;

        let esp = esp_offset(&whole)
            .ok_or_else(|| XtaskError::Unfit(format!("{} has no EFI system partition", iso.display())))?;
        let of_esp = work.path().join("esp");
        workspace::make_folder(&of_esp)?;
        let mtools = Program::new("mcopy").args(["-s", "-n", "-i"]);
        mtools.arg(format!("{}@@{esp}", iso.display())).arg("::*").arg(&of_esp).run()?;
        add_folder(&mut files, Part::Esp, &of_esp)?;

        files.sort();
        Ok(Self {
            files,
            sha1: workspace::hex(&Sha1::digest(&whole)),
            sha256: workspace::hex(&Sha256::digest(&whole)),
        })
    }
}

fn add_folder(files: &mut Vec<FileOfImage>, part: Part, folder: &Path) -> Result<()> {
    for path in workspace::files_below(folder)? {
        let content = workspace::read(&folder.join(&path))?;
        files.push(FileOfImage::new(part, &path.to_string_lossy(), &content));
    }
    Ok(())
}

/// Where the EFI system partition begins, in bytes, by the GPT of the image (UEFI 2.10, 5.3).
fn esp_offset(image: &[u8]) -> Option<u64> {
    let header = image.get(SECTOR..)?;
    if !header.starts_with(b"EFI PART") {
        return None;
    }
    let table = usize::try_from(number(header, 72, 8)?).ok()?.checked_mul(SECTOR)?;
    let (count, size) = (number(header, 80, 4)?, usize::try_from(number(header, 84, 4)?).ok()?);
    let entries = image.get(table..)?.chunks_exact(size.max(1)).take(usize::try_from(count).ok()?);
    let esp = entries.into_iter().find(|entry| entry.starts_with(&ESP_TYPE))?;
    number(esp, 32, 8)?.checked_mul(SECTOR.try_into().ok()?)
}

/// A little-endian number of `length` bytes.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}
