//! The document's form: SPDX 2.3 as JSON.

use super::components::Component;
use super::contents::{Contents, FileOfImage, Part};
use crate::error::Result;
use crate::{manifest, workspace};
use serde::Serialize;
use sha1::{Digest, Sha1};

/// What nobody says.
const UNSTATED: &str = "NOASSERTION";

/// Identifier of an element of the document (SPDX 2.3, clause 3.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Id(String);

impl Id {
    /// The document itself.
    pub fn document() -> Self {
        Self("SPDXRef-DOCUMENT".to_owned())
    }

    /// Letters, digits, dots and dashes are all that an identifier may hold.
    fn of(kind: &str, name: &str) -> Self {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let name: String = name.chars().map(|c| if allowed(c) { c } else { '-' }).collect();
        Self(format!("SPDXRef-{kind}-{name}"))
    }
}

/// Identifier of a file.
pub fn id_of_file(file: &FileOfImage) -> Id {
    Id::of("File", &name_of_file(file))
}

/// Identifier of a part of the image.
pub fn id_of_part(part: Part) -> Id {
    Id::of("Part", part.word())
}

/// Identifier of a component.
pub fn id_of_component(component: &Component) -> Id {
    Id::of("Component", &format!("{}-{}", component.name, component.version))
}

fn name_of_file(file: &FileOfImage) -> String {
    format!("{}/{}", file.part.word(), file.path)
}

/// How one element stands to another (SPDX 2.3, clause 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Relation {
    /// The document is about it.
    Describes,
    /// It is part of the first.
    Contains,
    /// The first was made from it.
    GeneratedFrom,
    /// It is in the first, which needs nothing beside itself.
    StaticLink,
    /// The first helped to make it.
    BuildToolOf,
}

/// The whole document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: Id,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package>,
    files: Vec<File>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: Vec<String>,
    comment: &'static str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    name: String,
    #[serde(rename = "SPDXID")]
    id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_file_name: Option<String>,
    download_location: String,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    package_verification_code: Option<VerificationCode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationCode {
    package_verification_code_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_name: String,
    #[serde(rename = "SPDXID")]
    id: Id,
    checksums: Vec<Checksum>,
    license_concluded: &'static str,
    copyright_text: &'static str,
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: Id,
    relationship_type: Relation,
    related_spdx_element: Id,
}

impl Document {
    /// An empty document about the image with this SHA-256.
    pub fn new(sha256: &str, created: &str) -> Self {
        let name = format!("permafrost-{}", manifest::VERSION);
        Self {
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            id: Id::document(),
            // The same image has the same document, another one another.
            document_namespace: format!("https://spdx.org/spdxdocs/{name}-{sha256}"),
            name,
            creation_info: CreationInfo {
                created: created.to_owned(),
                creators: vec![super::creator()],
                comment: "The time is the fixed one that every file of the image bears: the same sources give the same bytes.",
            },
            packages: Vec::new(),
            files: Vec::new(),
            relationships: Vec::new(),
        }
    }

    /// Adds a part of the image with its files; of the whole, its hash values are told as well.
    pub fn add_part(&mut self, part: Part, files: &[&FileOfImage], whole: Option<&Contents>) {
        let id = id_of_part(part);
        // Clause 7.9: SHA-1 of the sorted SHA-1 values of the files.
        let mut values: Vec<&str> = files.iter().map(|file| file.sha1.as_str()).collect();
        values.sort_unstable();
        let code = workspace::hex(&Sha1::digest(values.concat()));
        self.packages.push(Package {
            name: match part {
                Part::Iso => "permafrost.iso".to_owned(),
                part => format!("permafrost.iso: {}", part.word()),
            },
            id: Some(id.clone()),
            version_info: Some(manifest::VERSION.to_owned()),
            package_file_name: whole.map(|_| "permafrost.iso".to_owned()),
            download_location: UNSTATED.to_owned(),
            files_analyzed: true,
            package_verification_code: Some(VerificationCode { package_verification_code_value: code }),
            checksums: whole.map_or_else(Vec::new, |whole| checksums(&whole.sha1, &whole.sha256)),
            license_concluded: UNSTATED,
            license_declared: UNSTATED.to_owned(),
            copyright_text: UNSTATED,
            ..Package::default()
        });
        for file in files {
            let file_id = id_of_file(file);
            self.relate(&id, Relation::Contains, &file_id);
            self.files.push(File {
                file_name: format!("./{}", name_of_file(file)),
                id: file_id,
                checksums: checksums(&file.sha1, &file.sha256),
                license_concluded: UNSTATED,
                copyright_text: UNSTATED,
            });
        }
    }

    /// Adds what something was made from.
    pub fn add_component(&mut self, component: &Component) -> Id {
        let id = id_of_component(component);
        let purl = component.package_url.iter().map(|locator| ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: locator.clone(),
        });
        let sha256 = component.sha256.iter().map(|value| checksum("SHA256", value));
        self.packages.push(Package {
            name: component.name.clone(),
            id: Some(id.clone()),
            version_info: Some(component.version.clone()),
            download_location: component.download.clone().unwrap_or_else(|| UNSTATED.to_owned()),
            checksums: sha256.collect(),
            license_concluded: UNSTATED,
            license_declared: component.licence.clone().unwrap_or_else(|| UNSTATED.to_owned()),
            copyright_text: UNSTATED,
            source_info: component.source.clone(),
            external_refs: purl.collect(),
            ..Package::default()
        });
        id
    }

    /// Says how two elements stand to each other.
    pub fn relate(&mut self, one: &Id, relation: Relation, other: &Id) {
        self.relationships.push(Relationship {
            spdx_element_id: one.clone(),
            relationship_type: relation,
            related_spdx_element: other.clone(),
        });
    }

    /// The text of the document.
    pub fn into_json(mut self) -> Result<String> {
        self.relationships.sort();
        Ok(serde_json::to_string_pretty(&self)? + "\n")
    }
}

fn checksums(sha1: &str, sha256: &str) -> Vec<Checksum> {
    vec![checksum("SHA1", sha1), checksum("SHA256", sha256)]
}

fn checksum(algorithm: &'static str, value: &str) -> Checksum {
    Checksum { algorithm, checksum_value: value.to_owned() }
}
