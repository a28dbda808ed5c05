//! The acquisition as CASE/UCO: JSON-LD in the words of CASE and UCO 1.4 (and 1.5), which case management programs read.
//!
//! Identifiers are UUIDs of version 8 (RFC 9562 §5.8) made of the chain head and the role of what they name, so that two
//! exports of one record name the same things.

use crate::account::Account;
use crate::beside::SmallFile;
use crate::language::Language;
use crate::network_words;
use crate::start;
use crate::text;
use evidence::{DeviceIdentity, HashAlgorithm, HashSet};
use record::{AcquisitionOpened, GuardReport, ImageClosed, Outcome};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Objects of one sort that are listed: the segments that an E01 can have fit.
const MOST: usize = 15_000;

/// Characters of a text.
const TEXT: usize = 4_000;

/// What UCO calls a record that has ended well, badly, and not yet (ActionStatusTypeVocab).
const SUCCESS: &str = "Success";
const FAIL: &str = "Fail";
const UNKNOWN: &str = "Unknown";

/// The document.
pub fn document(account: &Account) -> Value {
    let mut graph = Graph { seed: account.chain.head.to_string(), objects: Vec::new(), listed: Vec::new() };
    graph.fill(account);
    json!({ "@context": context(), "@graph": graph.objects })
}

fn context() -> Value {
    json!({
        "case-investigation": "https://ontology.caseontology.org/case/investigation/",
        "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
        "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
        "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
        "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
        "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
        "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    })
}

/// The objects so far.
struct Graph {
    seed: String,
    objects: Vec<Value>,
    /// Names of those that an investigation and its provenance record list.
    listed: Vec<Value>,
}

impl Graph {
    fn fill(&mut self, account: &Account) {
        let opened = account.opened.as_deref();
        let source = opened.map(|opened| self.source(&opened.source));
        let instruments: Vec<Value> =
            opened.map(|opened| self.instruments(opened)).unwrap_or_default().into_iter().collect();
        let mut results: Vec<Value> = Vec::new();
        let mut unread: Vec<Value> = Vec::new();
        let image = account.image.as_deref().map(|image| self.image(image, opened));
        unread.extend(self.unread(account, image.as_ref()));
        results.extend(image);
        results.extend(self.papers(account));
        self.listed.extend(source.iter().chain(&results).cloned());
        let provenance = self.provenance(opened);

        let mut action = object("case-investigation:InvestigativeAction", self.id("acquisition"));
        text_into(&mut action, "uco-core:name", "Acquisition of a storage medium");
        put(&mut action, "uco-core:description", strings(guard_says(opened)));
        put(&mut action, "uco-action:actionStatus", json!(status(account)));
        if let Some((began, ended)) = &account.period {
            put(&mut action, "uco-action:startTime", time(began));
            if account.closed.is_some() {
                put(&mut action, "uco-action:endTime", time(ended));
            }
        }
        if let Some(opened) = opened {
            let performer = self.performer(opened);
            put(&mut action, "uco-action:performer", performer);
            let environment = self.environment(account, opened);
            put(&mut action, "uco-action:environment", environment);
        }
        put(&mut action, "uco-action:instrument", list(instruments));
        put(&mut action, "uco-action:object", list(source));
        results.push(provenance.clone());
        put(&mut action, "uco-action:result", list(results));
        put(&mut action, "uco-action:error", list(unread));
        let action = self.add(action);
        self.investigation(opened, action, provenance);
    }

    fn investigation(&mut self, opened: Option<&AcquisitionOpened>, action: Value, provenance: Value) {
        let mut case = object("case-investigation:Investigation", self.id("investigation"));
        let number = opened.map(|opened| opened.case.case_number.as_str()).unwrap_or_default();
        text_into(&mut case, "uco-core:name", number);
        put(&mut case, "uco-core:object", list([action, provenance]));
        self.add(case);
    }

    fn provenance(&mut self, opened: Option<&AcquisitionOpened>) -> Value {
        let mut provenance = object("case-investigation:ProvenanceRecord", self.id("provenance"));
        if let Some(opened) = opened {
            text_into(&mut provenance, "case-investigation:exhibitNumber", &opened.case.evidence_number);
            let told = [&opened.case.description, &opened.case.notes];
            put(&mut provenance, "uco-core:description", strings(told.map(String::as_str)));
        }
        put(&mut provenance, "uco-core:object", list(self.listed.clone()));
        self.add(provenance)
    }

    fn performer(&mut self, opened: &AcquisitionOpened) -> Value {
        let name = opened.case.examiner.as_str();
        let mut person = object("uco-identity:Identity", self.id("examiner"));
        text_into(&mut person, "uco-core:name", if name.is_empty() { "not recorded" } else { name });
        self.add(person)
    }

    /// The acquiring program, and what kept the source from being changed.
    fn instruments(&mut self, opened: &AcquisitionOpened) -> Vec<Value> {
        let mut program = object("uco-tool:Tool", self.id("program"));
        text_into(&mut program, "uco-core:name", &opened.software.name);
        text_into(&mut program, "uco-tool:version", &opened.software.version);
        text_into(&mut program, "uco-tool:toolType", "Acquisition");
        text_into(
            &mut program,
            "uco-core:description",
            &format!("Command line: {}", opened.command_line.join(" ")),
        );
        let mut instruments = vec![self.add(program)];
        if let GuardReport::InForce { policy_sha256, .. } = &opened.guard {
            let mut guard = object("uco-tool:Tool", self.id("guard"));
            text_into(&mut guard, "uco-core:name", "Permafrost evidence guard");
            text_into(&mut guard, "uco-tool:toolType", "Write blocker");
            let tables = policy_sha256.as_ref().map(|sha256| format!("SHA-256 of its tables: {sha256}"));
            text_into(&mut guard, "uco-core:description", &tables.unwrap_or_default());
            instruments.push(self.add(guard));
        }
        instruments
    }

    fn environment(&mut self, account: &Account, opened: &AcquisitionOpened) -> Value {
        let environment = &opened.environment;
        let mut computer = object("uco-observable:ObservableObject", self.id("computer"));
        text_into(&mut computer, "uco-core:name", "The acquiring machine");
        let by = environment.hash_implementations.iter().map(|(hash, by)| format!("{hash} by {by}"));
        let hashes = by.collect::<Vec<_>>().join(", ");
        let firmware = start::told(environment, Language::English).unwrap_or_default();
        let network = [
            network_words::state(environment, Language::English).map(|told| format!("Network {told}")),
            network_words::acts(environment, Language::English),
            network_words::at_the_end(environment, account.closed.as_ref(), Language::English),
            network_words::time_reference(environment, Language::English),
        ];
        let image = environment.image.clone().unwrap_or_default();
        let told = [image, firmware, hashes].into_iter().chain(network.into_iter().flatten());
        put(&mut computer, "uco-core:description", strings(told));
        let mut host = object("uco-observable:ComputerSpecificationFacet", self.id("computer/host"));
        text_into(&mut host, "uco-observable:hostname", &environment.host);
        let mut kernel = object("uco-observable:SoftwareFacet", self.id("computer/kernel"));
        text_into(&mut kernel, "uco-observable:version", &environment.kernel);
        put(&mut computer, "uco-core:hasFacet", json!([host, kernel]));
        self.add(computer)
    }

    fn source(&mut self, source: &DeviceIdentity) -> Value {
        let mut disk = object("uco-observable:StorageMedium", self.id("source"));
        let model = source.model.as_deref().unwrap_or(source.path.as_str());
        text_into(&mut disk, "uco-core:name", model);
        let firmware = source.firmware.as_ref().map(|firmware| format!("firmware {firmware}"));
        let sectors = format!(
            "{}, logical sectors of {} bytes, physical of {}, at {}",
            source.transport,
            source.logical_sector.bytes(),
            source.physical_sector.bytes(),
            source.path
        );
        put(
            &mut disk,
            "uco-core:description",
            strings([sectors.as_str(), firmware.as_deref().unwrap_or_default()]),
        );
        if let Some(wwn) = &source.wwn {
            let mut name = object("uco-core:ExternalReference", self.id("source/wwn"));
            text_into(&mut name, "uco-core:definingContext", "World Wide Name");
            text_into(&mut name, "uco-core:externalIdentifier", wwn);
            put(&mut disk, "uco-core:externalReference", json!([name]));
        }
        let mut device = object("uco-observable:DeviceFacet", self.id("source/device"));
        if let Some(make) = &source.make {
            let mut maker = object("uco-identity:Identity", self.id("maker"));
            text_into(&mut maker, "uco-core:name", make);
            let maker = self.add(maker);
            put(&mut device, "uco-observable:manufacturer", maker);
        }
        text_into(&mut device, "uco-observable:model", source.model.as_deref().unwrap_or_default());
        text_into(&mut device, "uco-observable:serialNumber", source.serial.as_deref().unwrap_or_default());
        let mut medium = object("uco-observable:StorageMediumFacet", self.id("source/medium"));
        put(&mut medium, "uco-observable:totalStorageCapacityInBytes", integer(source.capacity.0));
        put(&mut disk, "uco-core:hasFacet", json!([device, medium]));
        self.add(disk)
    }

    /// The image: its data with size and hash values, and the files that hold it.
    fn image(&mut self, image: &ImageClosed, opened: Option<&AcquisitionOpened>) -> Value {
        let mut whole = object("uco-observable:Image", self.id("image"));
        let mut kind = object("uco-observable:ImageFacet", self.id("image/kind"));
        let format = opened.map(|opened| opened.plan.format.as_str()).unwrap_or_default();
        text_into(&mut kind, "uco-observable:imageType", format);
        let mut content = object("uco-observable:ContentDataFacet", self.id("image/content"));
        put(&mut content, "uco-observable:sizeInBytes", integer(image.media_size.0));
        put(&mut content, "uco-observable:hash", self.hashes(&image.hashes));
        put(&mut whole, "uco-core:hasFacet", json!([kind, content]));
        let left_out = image.segments.len().saturating_sub(MOST);
        if left_out > 0 {
            let told = format!("Files of the image that are left out here: {left_out}");
            text_into(&mut whole, "uco-core:description", &told);
        }
        let whole = self.add(whole);

        let mut files = Vec::new();
        for (number, segment) in image.segments.iter().take(MOST).enumerate() {
            let mut file = object("uco-observable:File", self.id(&format!("segment/{number}")));
            let mut facet = object("uco-observable:FileFacet", self.id(&format!("segment/{number}/file")));
            text_into(&mut facet, "uco-observable:fileName", &segment.name);
            put(&mut facet, "uco-observable:sizeInBytes", integer(segment.size.0));
            put(&mut file, "uco-core:hasFacet", json!([facet]));
            files.push(self.add(file));
        }
        if !files.is_empty() {
            self.relate("segments", files, &whole, "Part_Of");
        }
        whole
    }

    /// Ranges that are not in the image.
    fn unread(&mut self, account: &Account, image: Option<&Value>) -> Vec<Value> {
        let unread = account.unread();
        let mut ranges = Vec::new();
        for (number, extent) in unread.iter().take(MOST).enumerate() {
            let mut range = object("uco-observable:ObservableObject", self.id(&format!("unread/{number}")));
            text_into(&mut range, "uco-core:name", "Range that could not be read");
            let mut facet =
                object("uco-observable:DataRangeFacet", self.id(&format!("unread/{number}/range")));
            put(&mut facet, "uco-observable:rangeOffset", integer(extent.offset.0));
            put(&mut facet, "uco-observable:rangeSize", integer(extent.length.0));
            put(&mut range, "uco-core:hasFacet", json!([facet]));
            ranges.push(self.add(range));
        }
        if let Some(image) = image.filter(|_| !ranges.is_empty()) {
            self.relate("unread", ranges.clone(), image, "Part_Of");
        }
        let left_out = unread.len().saturating_sub(MOST);
        if left_out > 0 {
            let mut more = object("uco-observable:ObservableObject", self.id("unread/more"));
            text_into(
                &mut more,
                "uco-core:name",
                &format!("{left_out} further ranges that could not be read"),
            );
            ranges.push(self.add(more));
        }
        ranges
    }

    /// The record, and what lies beside it.
    fn papers(&mut self, account: &Account) -> Vec<Value> {
        let chain = &account.chain;
        let record = SmallFile { name: account.name.clone(), size: chain.bytes, sha256: chain.sha256 };
        let told = "Record of the acquisition, a line an entry, chained by SHA-256".to_owned();
        let papers = [("record", &record, told)].into_iter().chain(account.beside.papers());
        let mut made = Vec::new();
        for (role, file, told) in papers {
            let mut paper = object("uco-observable:File", self.id(role));
            text_into(&mut paper, "uco-core:description", &told);
            let mut facet = object("uco-observable:FileFacet", self.id(&format!("{role}/file")));
            text_into(&mut facet, "uco-observable:fileName", &file.name);
            put(&mut facet, "uco-observable:sizeInBytes", integer(file.size));
            let mut content = object("uco-observable:ContentDataFacet", self.id(&format!("{role}/content")));
            put(&mut content, "uco-observable:sizeInBytes", integer(file.size));
            let hash = self.hash(&format!("{role}/sha256"), "SHA256", &file.sha256);
            put(&mut content, "uco-observable:hash", json!([hash]));
            put(&mut paper, "uco-core:hasFacet", json!([facet, content]));
            made.push(self.add(paper));
        }
        made
    }

    fn hashes(&self, hashes: &HashSet) -> Value {
        let each = hashes.iter().map(|(algorithm, digest)| {
            let method = method(algorithm);
            self.hash(&format!("image/{method}"), method, digest)
        });
        list(each)
    }

    fn hash(&self, role: &str, method: &str, digest: &impl std::fmt::Display) -> Value {
        let mut hash = object("uco-types:Hash", self.id(role));
        text_into(&mut hash, "uco-types:hashMethod", method);
        let value = json!({ "@type": "xsd:hexBinary", "@value": digest.to_string().to_uppercase() });
        put(&mut hash, "uco-types:hashValue", value);
        Value::Object(hash)
    }

    fn relate(&mut self, role: &str, from: Vec<Value>, to: &Value, how: &str) {
        let mut relation = object("uco-core:Relationship", self.id(&format!("relation/{role}")));
        put(&mut relation, "uco-core:source", list(from));
        put(&mut relation, "uco-core:target", to.clone());
        text_into(&mut relation, "uco-core:kindOfRelationship", how);
        put(&mut relation, "uco-core:isDirectional", json!(true));
        self.add(relation);
    }

    /// Adds an object and gives the reference to it.
    fn add(&mut self, object: Map<String, Value>) -> Value {
        let reference = json!({ "@id": object.get("@id") });
        self.objects.push(Value::Object(object));
        reference
    }

    fn id(&self, role: &str) -> String {
        uuid(&self.seed, role)
    }
}

/// A name that depends on the record and the role only.
fn uuid(seed: &str, role: &str) -> String {
    let digest = Sha256::new_with_prefix(seed).chain_update([0]).chain_update(role).finalize();
    let mut bits = digest.iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    bits = bits & !(0xf << 76) | 8 << 76;
    bits = bits & !(0b11 << 62) | 0b10 << 62;
    let digits = format!("{bits:032x}");
    let mut name = String::from("urn:uuid:");
    for (place, digit) in digits.chars().enumerate() {
        if [8, 12, 16, 20].contains(&place) {
            name.push('-');
        }
        name.push(digit);
    }
    name
}

/// The names of HashNameVocab, and our own where it has none.
fn method(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Md5 => "MD5",
        HashAlgorithm::Sha1 => "SHA1",
        HashAlgorithm::Sha256 => "SHA256",
        HashAlgorithm::Sha512 => "SHA512",
        HashAlgorithm::Sha3 => "SHA3-256",
        HashAlgorithm::Sm3 => "SM3",
        HashAlgorithm::Blake3 => "BLAKE3",
    }
}

fn status(account: &Account) -> &'static str {
    match account.closed.as_ref().map(|closed| closed.outcome) {
        Some(Outcome::Complete | Outcome::CompleteWithUnreadSectors) => SUCCESS,
        Some(Outcome::VerificationFailed | Outcome::Interrupted | Outcome::Failed) => FAIL,
        None => UNKNOWN,
    }
}

fn guard_says(opened: Option<&AcquisitionOpened>) -> [String; 1] {
    [match opened.map(|opened| &opened.guard) {
        None => String::new(),
        Some(GuardReport::InForce { disk, state, refused, .. }) => {
            format!("Write protection in force: {disk} was {state}, operations refused so far: {refused}")
        }
        Some(GuardReport::NotADisk { reason }) => {
            format!("Write protection in force, but the source is no disk: {reason}")
        }
        Some(GuardReport::Unguarded) => "No write protection was in force".to_owned(),
    }]
}

fn object(kind: &str, id: String) -> Map<String, Value> {
    Map::from_iter([("@id".to_owned(), json!(id)), ("@type".to_owned(), json!(kind))])
}

/// Puts what is not empty: CASE knows no nulls and no empty lists.
fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    let empty = match &value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    if !empty {
        object.insert(name.to_owned(), value);
    }
}

fn text_into(object: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        put(object, name, json!(text::lines(text, TEXT)));
    }
}

fn strings<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Value {
    let texts = texts.into_iter().filter(|text| !text.as_ref().is_empty());
    list(texts.map(|text| json!(text::lines(text.as_ref(), TEXT))))
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(values.into_iter().collect())
}

/// A time as XML Schema has it; the record's reader has made sure that it is one.
fn time(text: &str) -> Value {
    let time = text.parse::<jiff::Timestamp>().map(|time| time.to_string());
    json!({ "@type": "xsd:dateTime", "@value": time.unwrap_or_default() })
}

/// A JSON number above 2^53 would lose digits in programs that take it for a floating point number.
fn integer(number: u64) -> Value {
    json!({ "@type": "xsd:integer", "@value": number.to_string() })
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn names_are_uuids_of_version_8_and_depend_on_record_and_role() {
        let name = uuid("a", "image");
        assert_eq!(name.len(), 45);
        assert!(name.starts_with("urn:uuid:"));
        let letters: Vec<char> = name.chars().collect();
        assert!(letters[23] == '8' && "89ab".contains(letters[28]), "{name}");
        assert_eq!(name, uuid("a", "image"));
        assert_ne!(name, uuid("b", "image"));
        assert_ne!(name, uuid("a", "source"));
    }
}
