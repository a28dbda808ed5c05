//! `permafrost.spdx.json`: every file of the image, and everything it was made from.
//!
//! The files are those that the finished ISO has, taken out of it again by other programs, so that what the makers of its
//! parts believe does not matter. The form is SPDX 2.3 (<https://spdx.github.io/spdx-spec/v2.3/>).

mod components;
mod contents;
mod rust_crates;
mod spdx;

use crate::boot_menu::CHECKSUMS;
use crate::console_font;
use crate::cpio::Archive;
use crate::disk_programs::DiskProgram;
use crate::error::{Result, XtaskError};
use crate::kernel_build::{BUILD_TIME, CompiledKernel};
use crate::kernel_source::KernelSource;
use crate::keymaps;
use crate::manifest;
use crate::process::Program;
use crate::static_tools::TOOLS;
use crate::workspace;
use components::Component;
use contents::{Contents, FileOfImage, Part};
use spdx::{Document, Id, Relation};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Texts of the image that are ours, and the catalogue that the ISO's maker writes, which holds nothing but places. Our
/// programs are those of [`TOOLS`].
const OWN_FILES: [(Part, &str); 7] = [
    (Part::Esp, "EFI/debian/grub.cfg"),
    (Part::Iso, "EFI/debian/grub.cfg"),
    (Part::Iso, "boot/grub/grub.cfg"),
    (Part::Iso, CHECKSUMS),
    (Part::Iso, "boot/boot.catalog"),
    (Part::Initramfs, "etc/permafrost-release"),
    (Part::Initramfs, "etc/profile"),
];

/// Writes the bill of materials of the image that was just built, and returns its path.
pub fn write(
    commit: &str,
    source: &KernelSource,
    kernel: &CompiledKernel,
    archive: &Archive,
    disk_programs: &[DiskProgram],
) -> Result<PathBuf> {
    let folder = workspace::outputs()?;
    let contents = Contents::of(&folder.join("permafrost.iso"), archive)?;
    let crates = rust_crates::linked_into_tools()?;
    let debian = components::debian_packages()?;

    let mut document = Document::new(&contents.sha256, &created()?);
    let image = add_parts(&mut document, &contents);
    document.relate(&Id::document(), Relation::Describes, &image);

    let own = document.add_component(&components::own_sources(commit));
    let guard = document.add_component(&components::guard_sources(commit, kernel));
    let linux = document.add_component(&components::kernel_source(source));
    let std = document.add_component(&components::rust_standard_library()?);
    let musl = document.add_component(&components::musl()?);
    let from_sources: Vec<(&str, Component)> =
        disk_programs.iter().map(|made| (made.sha256.as_str(), components::disk_program(made))).collect();
    for (_, component) in &from_sources {
        document.add_component(component);
    }
    for component in crates.components.iter().chain(debian.iter().map(|package| &package.component)) {
        document.add_component(component);
    }

    for file in &contents.files {
        let id = spdx::id_of_file(file);
        if file.is(Part::Iso, "boot/bzImage") {
            document.relate(&id, Relation::GeneratedFrom, &linux);
            document.relate(&id, Relation::GeneratedFrom, &guard);
            document.relate(&id, Relation::Contains, &spdx::id_of_part(Part::Initramfs));
        } else if let Some((package, _)) =
            TOOLS.iter().find(|(_, name)| file.is(Part::Initramfs, &format!("bin/{name}")))
        {
            document.relate(&id, Relation::GeneratedFrom, &own);
            document.relate(&id, Relation::StaticLink, &std);
            document.relate(&id, Relation::StaticLink, &musl);
            for linked in crates.linked_into(package) {
                document.relate(&id, Relation::StaticLink, &spdx::id_of_component(linked));
            }
            for helper in crates.compiled_for(package) {
                document.relate(&spdx::id_of_component(helper), Relation::BuildToolOf, &id);
            }
        } else {
            let built = from_sources.iter().find(|(sha256, _)| *sha256 == file.sha256);
            let origin = built.map(|(_, component)| component).or_else(|| origin(file, &debian));
            let origin = match origin {
                Some(component) => spdx::id_of_component(component),
                None => demand_own(file).map(|()| own.clone())?,
            };
            document.relate(&id, Relation::GeneratedFrom, &origin);
        }
    }
    let path = folder.join("permafrost.spdx.json");
    workspace::write(&path, document.into_json()?)?;
    Ok(path)
}

/// The image, the file systems in it, and all their files.
fn add_parts(document: &mut Document, contents: &Contents) -> Id {
    let image = spdx::id_of_part(Part::Iso);
    for part in Part::ALL {
        let files: Vec<&FileOfImage> = contents.files.iter().filter(|file| file.part == part).collect();
        document.add_part(part, &files, (part == Part::Iso).then_some(contents));
        if part == Part::Esp || part == Part::SystemArea {
            document.relate(&image, Relation::Contains, &spdx::id_of_part(part));
        }
    }
    image
}

/// The Debian package that a file of the image came from: the one that has a file of the same content, or whose loader,
/// font or keyboard layout it was made of.
fn origin<'a>(file: &FileOfImage, debian: &'a [components::DebianPackage]) -> Option<&'a Component> {
    let made_of = if file.part == Part::SystemArea || file.is(Part::Iso, "boot/grub/eltorito.img") {
        Some(components::BIOS_LOADER)
    } else if file.is(Part::Initramfs, console_font::PLACE) {
        Some(console_font::PACKAGE)
    } else if file.part == Part::Initramfs && file.path.starts_with(keymaps::FOLDER) {
        Some(keymaps::PACKAGE)
    } else {
        None
    };
    let package = debian.iter().find(|package| match made_of {
        Some(name) => package.component.name == name,
        None => package.files.contains(&file.sha256),
    });
    package.map(|package| &package.component)
}

/// Refuses a file of unknown origin that is none of our own texts: nobody could tell its licence.
fn demand_own(file: &FileOfImage) -> Result<()> {
    if OWN_FILES.iter().any(|(part, path)| file.is(*part, path)) {
        return Ok(());
    }
    Err(XtaskError::Unfit(format!(
        "{}/{} is in the image and nobody knows where it comes from; add its package to PACKAGES_IN_IMAGE in \
         image-build/src/manifest.rs, or the file itself to OWN_FILES in image-build/src/bill_of_materials.rs",
        file.part.word(),
        file.path
    )))
}

/// Names of the files of `iso` that `other` has not, or not the same, and the other way round, sorted.
pub fn differing(iso: &Path, other: &Path) -> Result<Vec<String>> {
    let files = |iso: &Path| -> Result<BTreeSet<FileOfImage>> {
        Ok(Contents::of(iso, &Archive::default())?.files.into_iter().collect())
    };
    let names: BTreeSet<String> = files(iso)?
        .symmetric_difference(&files(other)?)
        .map(|file| format!("{}/{}", file.part.word(), file.path))
        .collect();
    Ok(names.into_iter().collect())
}

/// The image's own time, as SPDX wants it.
fn created() -> Result<String> {
    let text =
        Program::new("date").args(["-u", "-d", &format!("@{BUILD_TIME}"), "+%Y-%m-%dT%H:%M:%SZ"]).read()?;
    Ok(text.trim().to_owned())
}

/// Names the one who wrote the document.
fn creator() -> String {
    format!("Tool: permafrost-xtask-{}", manifest::VERSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_unknown_origin_is_not_said_to_be_ours() {
        let file = |part: Part, path: &str| FileOfImage {
            part,
            path: path.to_owned(),
            sha1: String::new(),
            sha256: String::new(),
        };
        demand_own(&file(Part::Initramfs, "etc/profile")).unwrap();
        for strange in [file(Part::Initramfs, "bin/stray"), file(Part::Esp, "etc/profile")] {
            let refused = demand_own(&strange).unwrap_err().to_string();
            let name = format!("{}/{}", strange.part.word(), strange.path);
            assert!(refused.starts_with(&format!("{name} is in the image and nobody knows")), "{refused}");
        }
    }
}
