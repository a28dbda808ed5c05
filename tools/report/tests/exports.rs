//! What other programs read of a record: CASE/UCO and DFXML, judged by their own validators.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixtures;

use fixtures::{Item, begin, closed, extent, image_closed, opened, pf_record, preliminaries, write};
use formats::ImageKind;
use harness::host_program::HostProgram;
use harness::python_venv::{PythonVenv, VenvPlan};
use record::{Entry, Outcome};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The validator of the CASE community, which brings the ontologies of every version.
const CASE: VenvPlan = VenvPlan {
    name: "case",
    packages: &[
        "case-utils==0.18.0",
        "cdo-local-uuid==0.5.0",
        "html5rdf==1.2.1",
        "importlib-metadata==10.2.0",
        "lazy-importer==0.1.0",
        "owlrl==7.6.2",
        "packaging==26.4",
        "prettytable==3.18.0",
        "pyparsing==3.3.3",
        "pyshacl==0.40.1",
        "rdflib==7.6.0",
        "wcwidth==0.9.4",
        "zipp==4.1.2",
    ],
    modules: &[],
};

/// Two disks' worth of trouble: ranges that were not read, a broken record, one that has only begun.
fn troubled(folder: &Path) -> Vec<PathBuf> {
    let hostile = "</x>&\"'\u{1b}[2J\u{0}\u{ffff} 证据\nline";
    let mut first = opened("e01", 1 << 20);
    first.case.examiner = hostile.into();
    first.case.evidence_number = hostile.into();
    first.source.make = None;
    first.source.wwn = None;
    first.guard = record::GuardReport::Unguarded;
    let [hidden, policy] = preliminaries();
    let unread = [extent(0, 512), extent(4096, 1024)].into_iter().collect();
    let mut image = image_closed(1 << 20, unread);
    image.segments[0].name = hostile.into();
    let unread = folder.join("unread.record.jsonl");
    write(
        &unread,
        [
            begin(first.clone()),
            hidden,
            policy,
            Entry::ImageClosed(image),
            closed(Outcome::CompleteWithUnreadSectors),
        ],
    );
    let begun = folder.join("begun.record.jsonl");
    let error = Entry::ReadError { extent: extent(512, 512), error: "EIO".into(), action: "zeros".into() };
    write(&begun, [begin(first), error]);
    let note = folder.join("note.record.jsonl");
    write(&note, [Entry::Note { text: "nothing else".into() }]);
    vec![unread, begun, note]
}

fn exported(record: &Path, language: &str) -> PathBuf {
    let to = record.with_extension(if language == "dfxml" { "dfxml" } else { "jsonld" });
    let words = ["export", &format!("--{language}"), "-o", to.to_str().unwrap(), record.to_str().unwrap()];
    let (code, said, errors) = pf_record(&words);
    assert!(code == 0 || code == 3, "{code}: {said}{errors}");
    let (code, _, errors) = pf_record(&words);
    assert!(code == 4 && errors.contains("exists already"), "written over: {errors}");
    to
}

/// Whether the validator accepts it, and what it says; names of hashes that its vocabulary lacks are for information.
fn judged(document: &Path) -> (bool, String) {
    let venv = PythonVenv::obtain(&CASE).unwrap();
    let validator = venv.tool("case_validate");
    let output =
        validator.args(["--built-version", "case-1.4.0", "--allow-info"]).arg(document).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn item(kind: ImageKind, format: &str, segment_size: Option<u64>) -> Item {
    let media: Vec<u8> = (0u32..153_600).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    Item::new(kind, format, segment_size, &media)
}

/// Hash values by the host's programs.
fn sum(program: &str, file: &Path) -> String {
    let said = HostProgram::new(program, "coreutils").unwrap().arg(file).run().unwrap();
    said.split_whitespace().next().unwrap().to_owned()
}

/// The objects of a document by type.
fn objects(document: &Value) -> BTreeMap<&str, Vec<&Value>> {
    let mut by_type: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for object in document["@graph"].as_array().unwrap() {
        by_type.entry(object["@type"].as_str().unwrap()).or_default().push(object);
    }
    by_type
}

fn facet<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let facets = object["uco-core:hasFacet"].as_array().unwrap();
    facets.iter().find(|facet| facet["@type"] == format!("uco-observable:{kind}")).unwrap()
}

#[test]
fn an_acquisition_conforms_to_case_and_uco_and_says_what_was_done() {
    let item = item(ImageKind::Raw, "raw", Some(200_000));
    let path = exported(&item.record, "case-uco");
    let (conforms, said) = judged(&path);
    assert!(conforms, "{said}");

    let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let objects = objects(&document);
    let action = objects["case-investigation:InvestigativeAction"][0];
    assert_eq!(action["uco-action:startTime"]["@value"], "2026-03-17T09:12:04Z");
    assert_eq!(action["uco-action:endTime"]["@value"], "2026-03-17T09:14:19Z");
    let named = |reference: &Value| {
        let all = document["@graph"].as_array().unwrap();
        all.iter().find(|object| object["@id"] == reference["@id"]).unwrap().clone()
    };
    assert_eq!(named(&action["uco-action:performer"])["uco-core:name"], "Jörg 李建国");
    let tool = named(&action["uco-action:instrument"][0]);
    assert_eq!((&tool["uco-core:name"], &tool["uco-tool:version"]), (&"pf-acquire".into(), &"0.1.0".into()));
    let machine = named(&action["uco-action:environment"]);
    assert_eq!(facet(&machine, "SoftwareFacet")["uco-observable:version"], "Linux 6.12");
    assert_eq!(machine["uco-core:description"][0], "UEFI, Secure Boot on");
    assert_eq!(
        machine["uco-core:description"][1],
        "Network off when the acquisition began; on before in this boot"
    );
    let clock = machine["uco-core:description"][3].as_str().unwrap();
    assert!(clock.contains("this machine's clock was 3.500000 s ahead of ntp.example"), "{clock}");
    let disk = named(&action["uco-action:object"][0]);
    let device = facet(&disk, "DeviceFacet");
    assert_eq!(named(&device["uco-observable:manufacturer"])["uco-core:name"], "ATA");
    assert_eq!(device["uco-observable:model"], "ST1000DM010");
    assert_eq!(device["uco-observable:serialNumber"], "ZN1A4XYZ");
    let wwn = &disk["uco-core:externalReference"][0]["uco-core:externalIdentifier"];
    assert_eq!(wwn, "naa.5000c500a1b2c3d4");
    let capacity = &facet(&disk, "StorageMediumFacet")["uco-observable:totalStorageCapacityInBytes"];
    assert_eq!(capacity["@value"], "614400");

    // Files and their hash values are what other people's programs find on the disk.
    let mut files: BTreeSet<String> = BTreeSet::new();
    for file in &objects["uco-observable:File"] {
        let about = facet(file, "FileFacet");
        let name = about["uco-observable:fileName"].as_str().unwrap();
        let path = item.folder.path().join(name);
        let size = fs::metadata(&path).unwrap().len();
        assert_eq!(about["uco-observable:sizeInBytes"]["@value"], size.to_string());
        if name.starts_with("3.record") || name.starts_with("3.head") {
            let hash = &facet(file, "ContentDataFacet")["uco-observable:hash"][0]["uco-types:hashValue"];
            assert_eq!(hash["@value"], sum("sha256sum", &path).to_uppercase(), "{name}");
        }
        files.insert(name.to_owned());
    }
    let expected = ["3.001", "3.002", "3.003", "3.004", "3.head.json", "3.record.jsonl"];
    assert_eq!(files, expected.map(str::to_owned).into());
    let whole = item.folder.path().join("whole");
    let parts = item.segments.iter().flat_map(|segment| fs::read(segment).unwrap());
    fs::write(&whole, parts.collect::<Vec<u8>>()).unwrap();
    let image = facet(objects["uco-observable:Image"][0], "ContentDataFacet");
    for (method, program) in
        [("MD5", "md5sum"), ("SHA1", "sha1sum"), ("SHA256", "sha256sum"), ("SHA512", "sha512sum")]
    {
        let hashes = image["uco-observable:hash"].as_array().unwrap();
        let hash = hashes.iter().find(|hash| hash["uco-types:hashMethod"] == method).unwrap();
        assert_eq!(hash["uco-types:hashValue"]["@value"], sum(program, &whole).to_uppercase());
    }
    assert_eq!(objects["case-investigation:ProvenanceRecord"][0]["case-investigation:exhibitNumber"], "3");
    assert_eq!(objects["case-investigation:Investigation"][0]["uco-core:name"], "2026-17");
}

#[test]
fn what_was_not_read_and_what_did_not_end_conforms_to_case_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut errors = Vec::new();
    for record in troubled(folder.path()) {
        let path = exported(&record, "case-uco");
        let (conforms, said) = judged(&path);
        assert!(conforms, "{}: {said}", record.display());
        let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let objects = objects(&document);
        let action = objects["case-investigation:InvestigativeAction"][0];
        assert!(action.get("uco-action:endTime").is_some() == record.ends_with("unread.record.jsonl"));
        errors.push(action["uco-action:error"].as_array().map_or(0, Vec::len));
    }
    assert_eq!(errors, [2, 1, 0]);
}

#[test]
fn a_damaged_document_does_not_conform_to_case() {
    let item = item(ImageKind::Ewf, "e01", None);
    let path = exported(&item.record, "case-uco");
    let good = fs::read_to_string(&path).unwrap();
    for (what, from, to) in [
        ("a time that is a text", "\"@type\": \"xsd:dateTime\"", "\"@type\": \"xsd:string\""),
        ("a hash value that is a text", "\"@type\": \"xsd:hexBinary\"", "\"@type\": \"xsd:string\""),
        ("a size that is a text", "\"@type\": \"xsd:integer\"", "\"@type\": \"xsd:string\""),
        ("a word that is not in UCO", "uco-observable:serialNumber", "uco-observable:serial"),
    ] {
        let bad = item.folder.path().join("bad.jsonld");
        fs::write(&bad, good.replacen(from, to, 1)).unwrap();
        assert_ne!(fs::read_to_string(&bad).unwrap(), good, "{what}");
        let (conforms, said) = judged(&bad);
        assert!(!conforms, "{what}: {said}");
    }
}

/// What xmllint says of a document by the published schema.
fn validated(document: &Path) -> (bool, String) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dfxml/dfxml.xsd");
    let xmllint = HostProgram::new("xmllint", "libxml2-utils").unwrap();
    let output = xmllint.args(["--nonet", "--noout", "--schema"]).arg(schema).arg(document).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The texts that a path names, by libxml2.
fn selected(document: &Path, path: &str) -> Vec<String> {
    let xmllint = HostProgram::new("xmllint", "libxml2-utils").unwrap();
    let told = xmllint.args(["--nonet", "--xpath", path]).arg(document).run().unwrap();
    told.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn an_image_is_valid_dfxml_and_its_sums_are_those_of_other_programs() {
    let item = item(ImageKind::Raw, "raw", None);
    let path = exported(&item.record, "dfxml");
    let (valid, said) = validated(&path);
    assert!(valid, "{said}");
    let run = "//*[local-name()='diskimageobject']/*[local-name()='byte_runs']/*[local-name()='byte_run']";
    for (word, program) in
        [("md5", "md5sum"), ("sha1", "sha1sum"), ("sha256", "sha256sum"), ("sha512", "sha512sum")]
    {
        let told = selected(&path, &format!("{run}/*[@type='{word}']/text()"));
        assert_eq!(told, [sum(program, &item.segments[0])], "{word}");
    }
    assert_eq!(selected(&path, &format!("string({run}/@len)")), ["614400"]);
    assert_eq!(selected(&path, "//*[local-name()='image_filename']/text()"), ["3.raw"]);
    assert_eq!(selected(&path, "//*[local-name()='serial']/text()"), ["ZN1A4XYZ"]);
    for name in ["3.record.jsonl", "3.head.json"] {
        let file = format!("//*[local-name()='fileobject'][*[local-name()='filename']='{name}']");
        let told = selected(&path, &format!("{file}/*[local-name()='hashdigest']/text()"));
        assert_eq!(told, [sum("sha256sum", &item.folder.path().join(name))]);
    }
}

#[test]
fn what_was_not_read_and_what_did_not_end_is_valid_dfxml_too() {
    let folder = tempfile::tempdir().unwrap();
    let records = troubled(folder.path());
    for record in &records {
        let (valid, said) = validated(&exported(record, "dfxml"));
        assert!(valid, "{}: {said}", record.display());
    }
    let unread = records[0].with_extension("dfxml");
    let runs = "//*[local-name()='unread']/*[local-name()='byte_runs']/*[local-name()='byte_run']";
    assert_eq!(selected(&unread, &format!("string(sum({runs}/@len))")), ["1536"]);
    assert_eq!(selected(&unread, &format!("string({runs}[2]/@img_offset)")), ["4096"]);
}

#[test]
fn a_damaged_document_is_not_valid_dfxml() {
    let item = item(ImageKind::Ewf, "e01", None);
    let good = fs::read_to_string(exported(&item.record, "dfxml")).unwrap();
    for (what, from, to) in [
        ("a size that is a text", "<filesize>", "<filesize>some "),
        ("a hash of another name", "type=\"md5\"", "type=\"md7\""),
        ("an offset below zero", "img_offset=\"0\"", "img_offset=\"-1\""),
        ("a word that is not in DFXML", "image_filename>", "image_name>"),
        ("no version", " version=\"1.2.0\"", ""),
    ] {
        let bad = item.folder.path().join("bad.dfxml");
        fs::write(&bad, good.replace(from, to)).unwrap();
        assert_ne!(fs::read_to_string(&bad).unwrap(), good, "{what}");
        let (valid, said) = validated(&bad);
        assert!(!valid, "{what}: {said}");
    }
}

/// An altered line is only found at the one behind it, so that nothing of such a record can be handed on.
#[test]
fn a_broken_record_is_not_handed_on() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[3; 4096]);
    let good = fs::read_to_string(&item.record).unwrap();
    let at = good.find("image-closed").unwrap();
    let at = at + good[at..].find("\"sha256\":\"").unwrap() + "\"sha256\":\"".len();
    let mut altered = good.clone();
    let digit = if &good[at..=at] == "0" { "1" } else { "0" };
    altered.replace_range(at..=at, digit);
    let next = good[..at].matches('\n').count() + 2;
    let offset = at + good[at..].find('\n').unwrap() + 1;
    let lines = good.matches('\n').count();
    for (what, text, line, offset) in [
        ("a hash value altered", altered, next, offset),
        ("garbage behind the end", good.clone() + "garbage\n", lines + 1, good.len()),
    ] {
        fs::write(&item.record, text).unwrap();
        for language in ["--case-uco", "--dfxml"] {
            let to = item.folder.path().join("export");
            let words = ["export", language, "-o", to.to_str().unwrap(), item.record.to_str().unwrap()];
            let (code, said, errors) = pf_record(&words);
            assert_eq!((code, said.as_str()), (5, ""), "{what}: {errors}");
            assert!(errors.contains(&format!("line {line}, byte {offset}: ")), "{what}: {errors}");
            assert!(errors.contains("pf-verify"), "{what}: {errors}");
            assert!(!to.exists(), "{what}");
        }
    }
}

/// What the exports say of the files beside the record.
fn told_of(item: &Item, name: &str) -> String {
    let document = exported(&item.record, "case-uco");
    let found: Value = serde_json::from_str(&fs::read_to_string(&document).unwrap()).unwrap();
    let file = found["@graph"].as_array().unwrap().iter().find(|object| {
        object["@type"] == "uco-observable:File"
            && facet(object, "FileFacet")["uco-observable:fileName"] == name
    });
    let told = file.unwrap()["uco-core:description"].as_str().unwrap().to_owned();
    let xml = exported(&item.record, "dfxml");
    let text = fs::read_to_string(&xml).unwrap();
    assert!(text.contains(&format!("<pf:what>{told}</pf:what>")), "{told}: {text}");
    assert!(validated(&xml).0, "{}", validated(&xml).1);
    fs::remove_file(document).unwrap();
    fs::remove_file(xml).unwrap();
    told
}

#[test]
fn exports_vouch_only_for_what_was_looked_at() {
    let item = Item::new(ImageKind::Raw, "raw", None, &[3; 4096]);
    let other = Item::new(ImageKind::Raw, "raw", None, &[4; 4096]);
    let head = item.folder.path().join("3.head.json");
    assert!(told_of(&item, "3.head.json").starts_with("Signed head of the record (Ed25519)"));

    // Somebody's time-stamp, but of another head.
    fs::write(item.folder.path().join("3.head.tsr"), "no answer").unwrap();
    assert!(told_of(&item, "3.head.tsr").contains("does not belong to this record"));

    let good = fs::read(&head).unwrap();
    let foreign = fs::read(other.folder.path().join("3.head.json")).unwrap();
    for (what, bytes) in [("nothing", Vec::new()), ("of another record", foreign)] {
        fs::write(&head, bytes).unwrap();
        let told = told_of(&item, "3.head.json");
        assert!(
            !told.contains("Signed") && told.contains("does not belong to this record"),
            "{what}: {told}"
        );
    }
    let text = String::from_utf8(good).unwrap().replace("entries\\\":10", "entries\\\":11");
    fs::write(&head, text).unwrap();
    assert!(told_of(&item, "3.head.json").contains("signature does not fit"));
}
