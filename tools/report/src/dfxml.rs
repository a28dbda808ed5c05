//! The image and how it was made as Digital Forensics XML (DFXML) 1.2, which the Sleuth Kit's neighbours read.
//!
//! The schema has words for image files, their sizes and the hash values MD5, SHA-1, SHA-2. What it has none for stands in
//! elements of a namespace of our own, which it admits: device, acquisition, further hash values, ranges not read.

use crate::account::Account;
use crate::beside::SmallFile;
use crate::language::Language;
use crate::markup::Markup;
use crate::network_words;
use crate::start;
use crate::text;
use evidence::{ByteCount, ByteOffset, DeviceIdentity, Extent, HashAlgorithm};
use record::{AcquisitionOpened, GuardReport, ImageClosed};
use std::fmt::Display;

/// Files and ranges that are listed.
const MOST: usize = 15_000;

/// Characters of a text.
const TEXT: usize = 4_000;

const DFXML: &str = "http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";
/// What is not in DFXML.
const OURS: &str = "urn:permafrost:acquisition:1";

/// The document.
pub fn document(account: &Account) -> String {
    let mut xml = Markup::default();
    let names = [("xmlns", DFXML), ("xmlns:dc", DUBLIN_CORE), ("xmlns:pf", OURS), ("version", "1.2.0")];
    xml.within("dfxml", &names, |xml| {
        metadata(account, xml);
        xml.within("creator", &[], |creator| {
            creator.element("program", &[], "pf-record");
            creator.element("version", &[], env!("CARGO_PKG_VERSION"));
        });
        xml.within("source", &[], |source| {
            let segments = account.image.iter().flat_map(|image| &image.segments).take(MOST);
            segments.for_each(|segment| field(source, "image_filename", &segment.name));
        });
        if let Some(opened) = &account.opened {
            acquisition(account, opened, xml);
        }
        if let Some(image) = &account.image {
            medium(account, image, xml);
            for segment in image.segments.iter().take(MOST) {
                file(xml, &segment.name, segment.size.0, None);
            }
        }
        papers(account, xml);
    });
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
}

fn field(xml: &mut Markup, tag: &str, text: impl Display) {
    xml.element(tag, &[], text::clipped(text, TEXT));
}

/// The same, where there is something to say.
fn known(xml: &mut Markup, tag: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        field(xml, tag, text);
    }
}

fn metadata(account: &Account, xml: &mut Markup) {
    let case = account.opened.as_ref().map(|opened| &opened.case);
    xml.within("metadata", &[], |data| {
        if account.image.is_some() {
            data.element("dc:type", &[], "Disk Image");
        }
        data.element("dc:identifier", &[], account.chain.head);
        if let Some(case) = case {
            known(data, "dc:title", Some(&case.evidence_number));
            known(data, "dc:relation", Some(&case.case_number));
            known(data, "dc:creator", Some(&case.examiner));
            known(data, "dc:description", Some(&case.description));
            known(data, "dc:description", Some(&case.notes));
        }
        if let Some((began, _)) = &account.period {
            field(data, "dc:date", began);
        }
    });
}

fn acquisition(account: &Account, opened: &AcquisitionOpened, xml: &mut Markup) {
    xml.within("pf:acquisition", &[], |acquisition| {
        field(acquisition, "pf:program", &opened.software.name);
        field(acquisition, "pf:version", &opened.software.version);
        field(acquisition, "pf:command_line", opened.command_line.join(" "));
        if let Some((began, ended)) = &account.period {
            field(acquisition, "pf:start_time", began);
            if account.closed.is_some() {
                field(acquisition, "pf:end_time", ended);
            }
        }
        known(acquisition, "pf:booted", opened.environment.image.as_deref());
        field(acquisition, "pf:kernel", &opened.environment.kernel);
        field(acquisition, "pf:host", &opened.environment.host);
        known(acquisition, "pf:firmware", start::told(&opened.environment, Language::English).as_deref());
        for (name, told) in [
            ("pf:network", network_words::state(&opened.environment, Language::English)),
            ("pf:network_acts", network_words::acts(&opened.environment, Language::English)),
            ("pf:time_reference", network_words::time_reference(&opened.environment, Language::English)),
        ] {
            known(acquisition, name, told.as_deref());
        }
        let guard = match &opened.guard {
            GuardReport::InForce { disk, state, .. } => format!("in force: {disk} was {state}"),
            GuardReport::NotADisk { reason } => format!("in force; the source is no disk: {reason}"),
            GuardReport::Unguarded => "none".to_owned(),
        };
        field(acquisition, "pf:write_protection", guard);
        device(&opened.source, acquisition);
    });
}

fn device(source: &DeviceIdentity, xml: &mut Markup) {
    xml.within("pf:device", &[], |device| {
        field(device, "pf:path", &source.path);
        known(device, "pf:make", source.make.as_deref());
        known(device, "pf:model", source.model.as_deref());
        known(device, "pf:serial", source.serial.as_deref());
        known(device, "pf:wwn", source.wwn.as_deref());
        known(device, "pf:firmware", source.firmware.as_deref());
        field(device, "pf:transport", source.transport);
        field(device, "pf:capacity", source.capacity.0);
        field(device, "pf:logical_sector", source.logical_sector.bytes());
        field(device, "pf:physical_sector", source.physical_sector.bytes());
    });
}

/// The medium's data: all of it as one run with its hash values, and what of it was not read.
fn medium(account: &Account, image: &ImageClosed, xml: &mut Markup) {
    xml.within("diskimageobject", &[], |disk| {
        for (algorithm, digest) in image.hashes.iter().filter(|(algorithm, _)| word(*algorithm).is_none()) {
            disk.element("pf:hashdigest", &[("type", &algorithm.to_string())], digest);
        }
        let fill = account.fault_policy.as_ref().map(|policy| text::clipped(&policy.fill, 200));
        let fill: Vec<(&str, &str)> = fill.iter().map(|fill| ("fill", fill.as_str())).collect();
        if !image.unread.is_empty() {
            disk.within("pf:unread", &fill, |unread| {
                unread.within("byte_runs", &[], |runs| {
                    image.unread.iter().take(MOST).for_each(|extent| run(runs, extent, None));
                });
                let left_out = image.unread.len().saturating_sub(MOST);
                if left_out > 0 {
                    unread.element("pf:left_out", &[], left_out);
                }
            });
        }
        disk.within("byte_runs", &[], |runs| {
            run(runs, Extent { offset: ByteOffset(0), length: ByteCount(image.media_size.0) }, Some(image));
        });
        if let Some(opened) = &account.opened {
            disk.element("sector_size", &[], opened.source.logical_sector.bytes());
        }
    });
}

fn run(xml: &mut Markup, extent: Extent, hashed: Option<&ImageClosed>) {
    let (offset, length) = (extent.offset.0.to_string(), extent.length.0.to_string());
    xml.within("byte_run", &[("img_offset", &offset), ("len", &length)], |run| {
        for (algorithm, digest) in hashed.iter().flat_map(|image| image.hashes.iter()) {
            if let Some(word) = word(algorithm) {
                run.element("hashdigest", &[("type", word)], digest);
            }
        }
    });
}

/// The schema's word for a hash.
fn word(algorithm: HashAlgorithm) -> Option<&'static str> {
    match algorithm {
        HashAlgorithm::Md5 => Some("md5"),
        HashAlgorithm::Sha1 => Some("sha1"),
        HashAlgorithm::Sha256 => Some("sha256"),
        HashAlgorithm::Sha512 => Some("sha512"),
        HashAlgorithm::Sha3 | HashAlgorithm::Sm3 | HashAlgorithm::Blake3 => None,
    }
}

/// The record, and what lies beside it.
fn papers(account: &Account, xml: &mut Markup) {
    let chain = &account.chain;
    let told = "Record of the acquisition, a line an entry, chained by SHA-256";
    file(xml, &account.name, chain.bytes, Some((&chain.sha256, told)));
    for (_, SmallFile { name, size, sha256 }, told) in account.beside.papers() {
        file(xml, name, *size, Some((sha256, &told)));
    }
}

/// A file, and where it was read: its SHA-256 and what it was found to be.
fn file(xml: &mut Markup, name: &str, size: u64, read: Option<(&dyn Display, &str)>) {
    xml.within("fileobject", &[], |file| {
        field(file, "filename", name);
        file.element("filesize", &[], size);
        if let Some((sha256, told)) = read {
            file.element("hashdigest", &[("type", "sha256")], sha256);
            field(file, "pf:what", told);
        }
    });
}
