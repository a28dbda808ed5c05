//! The image's bill of materials names every file that is in it, with its content's hash values, and every crate whose
//! code is in a tool. Programs that had no part in making the image take it apart: bsdtar the ISO file system and the
//! archive in the kernel, the Sleuth Kit the EFI system partition, zstd the kernel. A public validator reads the document.
// The lint knows test functions, but not what they call; a panic here is a failed test and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use harness::artifacts::Artifacts;
use harness::host_program::HostProgram;
use harness::python_venv::{PythonVenv, VenvPlan};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The validator of the SPDX project itself, and all it rests on.
const VALIDATOR: VenvPlan<'_> = VenvPlan {
    name: "spdx",
    packages: &[
        "spdx-tools==0.8.3",
        "beartype==0.23.1",
        "boolean.py==5.0",
        "click==8.5.1",
        "license-expression==30.4.4",
        "ply==3.11",
        "pyparsing==3.3.3",
        "PyYAML==6.0.4",
        "rdflib==7.6.0",
        "semantic-version==2.10.0",
        "uritools==7.0.0",
        "xmltodict==1.0.4",
    ],
    modules: &[],
};

/// Name of a file as the document has it, with SHA-1 and SHA-256.
type Files = BTreeMap<String, (String, String)>;

fn document_path() -> PathBuf {
    // Beside the image, whichever build is tested.
    Artifacts::of_this_build().iso().unwrap().with_file_name("permafrost.spdx.json")
}

fn document() -> Value {
    serde_json::from_str(&fs::read_to_string(document_path()).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn checksum<'a>(element: &'a Value, algorithm: &str) -> &'a str {
    let all = element["checksums"].as_array().unwrap();
    text(all.iter().find(|sum| sum["algorithm"] == algorithm).unwrap(), "checksumValue")
}

fn listed(document: &Value) -> Files {
    let files = document["files"].as_array().unwrap();
    let listed: Files = files
        .iter()
        .map(|file| {
            let sums = (checksum(file, "SHA1").to_owned(), checksum(file, "SHA256").to_owned());
            (text(file, "fileName").to_owned(), sums)
        })
        .collect();
    assert_eq!(listed.len(), files.len(), "a name stands twice");
    listed
}

/// What `sha1sum` and `sha256sum` say of a file.
fn sums(path: &Path) -> (String, String) {
    let ask = |program| {
        let said = HostProgram::new(program, "coreutils").unwrap().arg(path).run().unwrap();
        said.trim_start_matches('\\').split(' ').next().unwrap().to_owned()
    };
    (ask("sha1sum"), ask("sha256sum"))
}

/// All ordinary files below `folder`; links and nodes have no content of their own.
fn add(found: &mut Files, prefix: &str, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (kind, name) = (entry.file_type().unwrap(), entry.file_name().into_string().unwrap());
        if kind.is_dir() {
            add(found, &format!("{prefix}/{name}"), &entry.path());
        } else if kind.is_file() {
            found.insert(format!("{prefix}/{name}"), sums(&entry.path()));
        }
    }
}

fn shell(script: &str, words: &[&Path]) -> String {
    HostProgram::new("sh", "dash").unwrap().args(["-e", "-c", script]).args(words).run().unwrap()
}

/// The files of the EFI system partition, as the Sleuth Kit reads them.
fn add_esp(found: &mut Files, iso: &Path, folder: &Path) {
    let table = HostProgram::new("sfdisk", "fdisk").unwrap().arg("--json").arg(iso).run().unwrap();
    let table: Value = serde_json::from_str(&table).unwrap();
    let partitions = table["partitiontable"]["partitions"].as_array().unwrap();
    let esp = partitions.iter().find(|p| p["type"] == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B").unwrap();
    let start = esp["start"].to_string();
    let listing =
        HostProgram::new("fls", "sleuthkit").unwrap().args(["-F", "-r", "-p", "-u", "-o", &start]).arg(iso);
    for line in listing.run().unwrap().lines() {
        // `r/r 69:	EFI/BOOT/BOOTX64.EFI`
        let (place, name) = line.split_once('\t').unwrap();
        if name.starts_with('$') || name.ends_with("(Volume Label Entry)") || !place.starts_with("r/r") {
            continue;
        }
        let inode = place.trim_start_matches("r/r ").trim_end_matches(':');
        let to = folder.join("of-esp");
        shell("icat -o $0 $1 $2 > $3", &[Path::new(&start), iso, Path::new(inode), &to]);
        found.insert(format!("./esp/{name}"), sums(&to));
    }
}

/// The files of the archive that lies in the compressed kernel.
fn add_initramfs(found: &mut Files, kernel: &Path, folder: &Path) {
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
    const CPIO: &[u8] = b"0707010000000100";
    let whole = fs::read(kernel).unwrap();
    let places = whole.windows(ZSTD.len()).enumerate().filter(|(_, bytes)| *bytes == ZSTD).map(|(at, _)| at);
    let (packed, unpacked) = (folder.join("packed"), folder.join("unpacked"));
    let archive = places
        .map(|at| {
            fs::write(&packed, &whole[at..]).unwrap();
            // Behind the packed kernel stands more, which zstd complains of.
            shell("zstd -dcq \"$0\" > \"$1\" 2> /dev/null || true", &[&packed, &unpacked]);
            let kernel = fs::read(&unpacked).unwrap();
            let place = kernel.windows(CPIO.len()).position(|bytes| bytes == CPIO);
            place.map(|place| kernel[place..].to_vec())
        })
        .find_map(|archive| archive)
        .expect("no archive in the kernel");
    let (file, to) = (folder.join("initramfs"), folder.join("of-initramfs"));
    fs::write(&file, archive).unwrap();
    fs::create_dir(&to).unwrap();
    shell("bsdtar -x -f \"$0\" -C \"$1\" --exclude 'dev/*'", &[&file, &to]);
    add(found, "./initramfs", &to);
}

#[test]
fn every_file_of_the_image_is_named_with_the_hash_values_of_its_content() {
    let iso = Artifacts::of_this_build().iso().unwrap();
    HostProgram::new("bsdtar", "libarchive-tools").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut found = Files::new();

    let of_iso = folder.path().join("of-iso");
    fs::create_dir(&of_iso).unwrap();
    shell("bsdtar -x -f \"$0\" -C \"$1\"", &[&iso, &of_iso]);
    add(&mut found, "./iso", &of_iso);
    add_esp(&mut found, &iso, folder.path());
    add_initramfs(&mut found, &of_iso.join("boot/bzImage"), folder.path());
    let boot_code = folder.path().join("boot-code");
    shell("head -c 440 \"$0\" > \"$1\"", &[&iso, &boot_code]);
    found.insert("./system-area/mbr-boot-code.bin".to_owned(), sums(&boot_code));

    for must in ["./iso/boot/grub/eltorito.img", "./esp/EFI/BOOT/BOOTX64.EFI", "./initramfs/bin/pf-acquire"] {
        assert!(found.contains_key(must), "{must} was not found: what took the image apart is at fault");
    }
    let document = document();
    let listed = listed(&document);
    for (name, sums) in &found {
        assert_eq!(listed.get(name), Some(sums), "{name} is not in the document as it is in the image");
    }
    let not_there: Vec<&String> = listed.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(not_there.is_empty(), "not in the image: {not_there:?}");

    let packages = document["packages"].as_array().unwrap();
    let image = packages.iter().find(|package| package["packageFileName"] == "permafrost.iso").unwrap();
    assert_eq!((checksum(image, "SHA1").to_owned(), checksum(image, "SHA256").to_owned()), sums(&iso));
}

#[test]
fn the_validator_of_the_spdx_project_finds_nothing_wrong() {
    let venv = PythonVenv::obtain(&VALIDATOR).unwrap();
    let judged = |path: &Path| {
        let validator = venv.tool("pyspdxtools").args(["--version", "SPDX-2.3", "--infile"]).arg(path);
        let output = validator.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (valid, said) = judged(&document_path());
    assert!(valid && said.is_empty(), "{said}");

    // It does look: a hash value cut short is a fault.
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.spdx.json");
    let mut document = document();
    document["files"][0]["checksums"][0]["checksumValue"] = "12".into();
    fs::write(&bad, document.to_string()).unwrap();
    let (valid, said) = judged(&bad);
    assert!(!valid && said.contains("must consist of 40"), "{said}");
}

#[test]
fn every_file_was_made_from_something_and_programs_of_others_from_their_packages() {
    let document = document();
    let relations = document["relationships"].as_array().unwrap();
    for file in document["files"].as_array().unwrap() {
        let name = text(file, "fileName");
        let sources: Vec<&str> = relations
            .iter()
            .filter(|relation| relation["relationshipType"] == "GENERATED_FROM")
            .filter(|relation| relation["spdxElementId"] == file["SPDXID"])
            .map(|relation| text(relation, "relatedSpdxElement"))
            .collect();
        let from = |package: &str| sources.iter().any(|id| id.contains(package));
        let good = match name {
            "./esp/EFI/BOOT/BOOTX64.EFI" => from("-shim-signed-"),
            "./esp/EFI/BOOT/mmx64.efi" => from("-shim-helpers-amd64-signed-"),
            "./esp/EFI/BOOT/grubx64.efi" => from("-grub-efi-amd64-signed-"),
            "./iso/boot/grub/eltorito.img" | "./system-area/mbr-boot-code.bin" => from("-grub-pc-bin-"),
            "./initramfs/bin/busybox" => from("-busybox-static-"),
            "./initramfs/usr/share/permafrost/unifont.hex" => from("-unifont-"),
            name if name.starts_with("./initramfs/usr/share/permafrost/keymaps/") => from("-xkb-data-"),
            "./iso/boot/bzImage" => from("-linux-source-") && from("-permafrost-evidence-guard-"),
            _ => !sources.is_empty(),
        };
        assert!(good, "{name}: {sources:?}");
    }
}

/// Crates whose sources a program's own messages name: where they give up, they say the file, which the build calls
/// `/cargo/registry/src/…/sha1-0.10.6/src/lib.rs`.
fn crates_that_speak(program: &[u8]) -> BTreeSet<String> {
    const PLACE: &[u8] = b"/cargo/registry/src/";
    let places = program.windows(PLACE.len()).enumerate().filter(|(_, bytes)| *bytes == PLACE);
    let folders = places.map(|(at, _)| {
        let rest = &program[at + PLACE.len()..];
        let mut parts = rest.split(|byte| *byte == b'/');
        String::from_utf8_lossy(parts.nth(1).unwrap_or_default()).into_owned()
    });
    folders.collect()
}

#[test]
fn every_crate_that_a_tool_was_linked_from_is_named_with_version_licence_and_source() {
    let document = document();
    let packages = document["packages"].as_array().unwrap();
    let package = |id: &str| packages.iter().find(|package| package["SPDXID"] == id).unwrap();
    let relations = document["relationships"].as_array().unwrap();
    let linked_into = |file: &str| -> BTreeSet<String> {
        let files = document["files"].as_array().unwrap();
        let id = text(files.iter().find(|one| one["fileName"] == file).unwrap(), "SPDXID").to_owned();
        let of_file = relations.iter().filter(|relation| {
            relation["spdxElementId"] == id && relation["relationshipType"] == "STATIC_LINK"
        });
        let linked = of_file.map(|relation| package(text(relation, "relatedSpdxElement")));
        linked.map(|package| format!("{}-{}", text(package, "name"), text(package, "versionInfo"))).collect()
    };
    let manifest = Artifacts::of_this_build().manifest().unwrap();
    let outputs = manifest["outputs"].as_array().unwrap();
    let tools = outputs.iter().filter_map(|output| output["path"].as_str()?.strip_prefix("bin/"));
    let mut count = 0;
    for tool in tools {
        let program = fs::read(Artifacts::of_this_build().binary(tool).unwrap()).unwrap();
        let (speak, listed) = (crates_that_speak(&program), linked_into(&format!("./initramfs/bin/{tool}")));
        let unnamed: Vec<&String> = speak.difference(&listed).collect();
        assert!(unnamed.is_empty(), "{tool} holds crates that are not named: {unnamed:?}");
        assert!(listed.iter().any(|name| name.starts_with("musl-1.")), "{tool}");
        assert!(listed.iter().any(|name| name.starts_with("rust-std-1.")), "{tool}");
        count += speak.len();
    }
    assert!(
        count > 20,
        "only {count} crates were found in all tools: their messages name no places any more"
    );

    let components = packages.iter().filter(|package| package["filesAnalyzed"] == false);
    for component in components {
        let name = text(component, "name");
        assert_ne!(text(component, "licenseDeclared"), "NOASSERTION", "{name}");
        assert!(!text(component, "versionInfo").is_empty(), "{name}");
        let has_source =
            component["downloadLocation"] != "NOASSERTION" || component["sourceInfo"].is_string();
        assert!(has_source, "{name}");
    }
}
