//! Reads `information.turtle`: the part of Turtle 1.1 that programs write, strictly, with bounds on everything.
//!
//! Read are directives, IRIs, prefixed names, labelled blank nodes, strings with language or data type, numbers and
//! booleans, and lists by `;` and `,`. Collections and unlabelled blank nodes are not used by AFF4 and refused by name.

use super::vocabulary::{NAMESPACE, RDF_TYPE, XSD};
use std::collections::{BTreeMap, HashMap};

/// Longest metadata read, in bytes; those of the reference images have seven thousand.
pub(super) const LARGEST: u64 = 16 << 20;
/// Longest IRI, in bytes.
const LONGEST_IRI: usize = 4096;
/// What all terms together may take: a long prefix used often would otherwise cost the square of the text.
const MOST_BYTES: usize = 64 << 20;

/// What a statement says of its subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// Another object.
    Iri(String),
    /// A text with its data type.
    Literal { value: String, datatype: String },
}

impl Term {
    pub(super) fn value(&self) -> &str {
        match self {
            Term::Iri(value) | Term::Literal { value, .. } => value,
        }
    }
}

/// The statements, by subject.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    subjects: BTreeMap<String, Vec<(String, Term)>>,
}

/// What is wrong, and in which line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct TurtleError {
    line: usize,
    what: String,
}

impl Graph {
    /// Reads a whole text.
    pub(super) fn parse(text: &str) -> Result<Self, TurtleError> {
        let mut parser = Parser {
            text,
            rest: text,
            prefixes: HashMap::new(),
            base: String::new(),
            graph: Self::default(),
            spent: 0,
        };
        match parser.document() {
            Ok(()) => Ok(parser.graph),
            Err(what) => {
                let read = text.len().saturating_sub(parser.rest.len());
                let line = text.get(..read).unwrap_or_default().matches('\n').count().saturating_add(1);
                Err(TurtleError { line, what })
            }
        }
    }

    /// What `aff4:property` of `subject` is.
    pub(super) fn all<'a>(
        &'a self,
        subject: &str,
        property: &'a str,
    ) -> impl Iterator<Item = &'a Term> + use<'a> {
        let statements = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        statements
            .iter()
            .filter(move |(predicate, _)| predicate.strip_prefix(NAMESPACE) == Some(property))
            .map(|(_, term)| term)
    }

    /// The first value of a property, as text.
    pub(super) fn first<'a>(&'a self, subject: &str, property: &'a str) -> Option<&'a str> {
        self.all(subject, property).next().map(Term::value)
    }

    /// The first value of a property, as a number.
    pub(super) fn number(&self, subject: &str, property: &str) -> Option<u64> {
        self.first(subject, property)?.trim().parse().ok()
    }

    /// True when `subject` is an `aff4:class`.
    pub(super) fn is_a(&self, subject: &str, class: &str) -> bool {
        let statements = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
        statements.iter().any(|(predicate, term)| {
            predicate == RDF_TYPE && term.value().strip_prefix(NAMESPACE) == Some(class)
        })
    }

    /// Every subject that is an `aff4:class`.
    pub(super) fn those_that_are<'a>(&'a self, class: &'a str) -> impl Iterator<Item = &'a str> {
        self.subjects.keys().map(String::as_str).filter(move |subject| self.is_a(subject, class))
    }

    /// True when any word of the text begins with `namespace`.
    pub(super) fn speaks(&self, namespace: &str) -> bool {
        let mut statements = self.subjects.values().flatten();
        statements
            .any(|(predicate, term)| predicate.starts_with(namespace) || term.value().starts_with(namespace))
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    prefixes: HashMap<String, String>,
    base: String,
    graph: Graph,
    spent: usize,
}

type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    fn document(&mut self) -> Parsed<()> {
        self.rest = self.text.strip_prefix('\u{feff}').unwrap_or(self.text);
        loop {
            self.space();
            if self.rest.is_empty() {
                return Ok(());
            }
            if !self.directive()? {
                self.statements()?;
                self.expect('.')?;
            }
        }
    }

    fn space(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or_default();
        }
    }

    fn take(&mut self, start: &str) -> bool {
        match self.rest.strip_prefix(start) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, sign: char) -> Parsed<()> {
        self.space();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(format!("'{sign}' is expected here, found is {}", self.near())),
        }
    }

    /// The next few letters, for messages.
    fn near(&self) -> String {
        let near: String = self.rest.chars().take(16).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if near.is_empty() { "the end of the text".to_owned() } else { format!("\"{near}\"") }
    }

    /// `@prefix`, `@base`, and their spellings from SPARQL, which end without a dot.
    fn directive(&mut self) -> Parsed<bool> {
        let begins = |word: &str| {
            let start = self.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
            start && self.rest.get(word.len()..).is_some_and(|rest| rest.starts_with(char::is_whitespace))
        };
        let (length, prefix, dot) = match () {
            () if self.rest.starts_with("@prefix") => (7, true, true),
            () if self.rest.starts_with("@base") => (5, false, true),
            () if begins("PREFIX") => (6, true, false),
            () if begins("BASE") => (4, false, false),
            () => return Ok(false),
        };
        self.rest = self.rest.get(length..).unwrap_or_default();
        self.space();
        if prefix {
            let Some((name, rest)) = self.rest.split_once(':') else {
                return Err("a prefix is declared without a name".to_owned());
            };
            if name.len() > 100 || name.contains(char::is_whitespace) {
                return Err("the name of a prefix is out of form".to_owned());
            }
            self.rest = rest;
            self.space();
            let iri = self.iri()?;
            self.spend(name.len().saturating_add(iri.len()))?;
            self.prefixes.insert(name.to_owned(), iri);
        } else {
            self.base = self.iri()?;
        }
        if dot {
            self.expect('.')?;
        }
        Ok(true)
    }

    /// One subject with all that is said of it.
    fn statements(&mut self) -> Parsed<()> {
        let subject = self.resource()?;
        loop {
            self.space();
            let predicate = match self.rest.strip_prefix('a') {
                Some(rest) if rest.starts_with(|c: char| c.is_whitespace() || c == '<') => {
                    self.rest = rest;
                    RDF_TYPE.to_owned()
                }
                _ => self.resource()?,
            };
            loop {
                self.space();
                let object = self.object()?;
                self.spend(subject.len().saturating_add(predicate.len()).saturating_add(64))?;
                let statements = self.graph.subjects.entry(subject.clone()).or_default();
                statements.push((predicate.clone(), object));
                self.space();
                if !self.take(",") {
                    break;
                }
            }
            let mut more = false;
            while self.take(";") {
                more = true;
                self.space();
            }
            if !more || self.rest.starts_with('.') {
                return Ok(());
            }
        }
    }

    fn spend(&mut self, bytes: usize) -> Parsed<()> {
        self.spent = self.spent.saturating_add(bytes);
        if self.spent > MOST_BYTES {
            Err("the statements take more memory than any image's".to_owned())
        } else {
            Ok(())
        }
    }

    fn object(&mut self) -> Parsed<Term> {
        if self.rest.starts_with(['"', '\'']) {
            return self.literal();
        }
        let number = self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-' || c == '.');
        if number {
            let value = self.word().to_owned();
            let kind = if value.contains(['.', 'e', 'E']) { "decimal" } else { "integer" };
            return match value.parse::<f64>() {
                Ok(_) => Ok(Term::Literal { value, datatype: format!("{XSD}{kind}") }),
                Err(_) => Err(format!("\"{value}\" is no number")),
            };
        }
        for truth in ["true", "false"] {
            let after = self.rest.strip_prefix(truth);
            if after.is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || ",;.".contains(c))) {
                self.take(truth);
                return Ok(Term::Literal { value: truth.to_owned(), datatype: format!("{XSD}boolean") });
            }
        }
        self.resource().map(Term::Iri)
    }

    /// An IRI, a prefixed name or a labelled blank node.
    fn resource(&mut self) -> Parsed<String> {
        let resource = match self.rest.chars().next() {
            Some('<') => self.iri()?,
            Some('[' | '(') => {
                return Err("a collection or an unlabelled blank node, which AFF4 does not use".to_owned());
            }
            _ => self.prefixed_name()?,
        };
        self.spend(resource.len())?;
        Ok(resource)
    }

    fn iri(&mut self) -> Parsed<String> {
        let inside = self.rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let Some((raw, rest)) = inside else {
            return Err(format!("an IRI is expected here, found is {}", self.near()));
        };
        if raw.len() > LONGEST_IRI {
            return Err(format!("an IRI is longer than {LONGEST_IRI} bytes"));
        }
        if raw.contains(|c: char| c <= ' ' || "<\"{}|^`".contains(c)) {
            return Err("an IRI holds a letter that none may hold".to_owned());
        }
        let iri = unescape(raw, false)?;
        self.rest = rest;
        let scheme = iri.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
        // Programs that write a base use it for paths below it alone.
        Ok(if scheme { iri } else { format!("{}{iri}", self.base) })
    }

    fn prefixed_name(&mut self) -> Parsed<String> {
        let near = self.near();
        let word = self.word();
        let Some((prefix, local)) = word.split_once(':') else {
            return Err(format!("a name is expected here, found is {near}"));
        };
        if prefix == "_" {
            return Ok(word.to_owned());
        }
        if local.len() > LONGEST_IRI {
            return Err(format!("a name is longer than {LONGEST_IRI} bytes"));
        }
        let Some(namespace) = self.prefixes.get(prefix) else {
            return Err(format!("the prefix \"{prefix}:\" was not declared"));
        };
        let mut iri = namespace.clone();
        let mut escaped = false;
        for letter in local.chars() {
            if letter == '\\' && !escaped {
                escaped = true;
            } else {
                iri.push(letter);
                escaped = false;
            }
        }
        Ok(iri)
    }

    /// The letters of a name or number; a dot at its end is the statement's.
    fn word(&mut self) -> &'a str {
        let mut escaped = false;
        let end = self.rest.find(|c: char| {
            let part = escaped || c.is_alphanumeric() || "_-:%.+\\".contains(c) || c > '\u{7f}';
            escaped = c == '\\' && !escaped;
            !part
        });
        let word = self.rest.get(..end.unwrap_or(self.rest.len())).unwrap_or_default().trim_end_matches('.');
        self.rest = self.rest.get(word.len()..).unwrap_or_default();
        word
    }

    fn literal(&mut self) -> Parsed<Term> {
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| self.rest.starts_with(quote));
        let quote = quote.unwrap_or("\"");
        self.take(quote);
        let Some(end) = end_of_string(self.rest, quote) else {
            return Err("a text has no end".to_owned());
        };
        let raw = self.rest.get(..end).unwrap_or_default();
        if quote.len() == 1 && raw.contains(['\n', '\r']) {
            return Err("a text has no end in its line".to_owned());
        }
        let value = unescape(raw, true)?;
        self.rest = self.rest.get(end.saturating_add(quote.len())..).unwrap_or_default();
        self.spend(value.len())?;
        let datatype = if self.take("^^") {
            self.resource()?
        } else if self.take("@") {
            self.word();
            "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString".to_owned()
        } else {
            format!("{XSD}string")
        };
        Ok(Term::Literal { value, datatype })
    }
}

/// Where the closing quote stands that no backslash escapes.
fn end_of_string(text: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if text.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
            return Some(at);
        }
    }
    None
}

/// Undoes escapes: `\u` and `\U` everywhere, the short ones in texts alone.
fn unescape(raw: &str, short: bool) -> Parsed<String> {
    let mut plain = String::with_capacity(raw.len());
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let escape = letters.next();
        let length = match escape {
            Some('u') => 4,
            Some('U') => 8,
            Some(other) if short => {
                let known = [('t', '\t'), ('b', '\u{8}'), ('n', '\n'), ('r', '\r'), ('f', '\u{c}')];
                let same = ['"', '\'', '\\'].map(|sign| (sign, sign));
                let meant = known.into_iter().chain(same).find(|(sign, _)| *sign == other);
                let Some((_, meant)) = meant else { return Err(format!("\\{other} is no escape")) };
                plain.push(meant);
                continue;
            }
            _ => return Err("an escape that is none".to_owned()),
        };
        let mut code = 0u32;
        for _ in 0..length {
            let Some(digit) = letters.next().and_then(|digit| digit.to_digit(16)) else {
                return Err("an escape lacks digits".to_owned());
            };
            code = code.wrapping_mul(16).wrapping_add(digit);
        }
        plain.push(char::from_u32(code).ok_or_else(|| "an escape names no letter".to_owned())?);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "@prefix : <aff4://v> .\n@prefix aff4: <http://aff4.org/Schema#> .\n";

    fn graph(body: &str) -> Result<Graph, TurtleError> {
        Graph::parse(&format!("{HEAD}{body}"))
    }

    #[test]
    fn lists_types_and_abbreviations_mean_what_the_specification_says() {
        let text = "# a comment with . and ;\n<aff4://i> a aff4:Image , aff4:DiskImage ;\n aff4:size 17;; \
                    aff4:hash \"ab\"^^aff4:MD5,\"cd\"^^aff4:SHA1 ; aff4:stored : .\n: a aff4:ZipVolume.";
        let graph = graph(text).unwrap();
        assert!(graph.is_a("aff4://i", "Image") && graph.is_a("aff4://i", "DiskImage"));
        assert_eq!(graph.number("aff4://i", "size"), Some(17));
        let hashes: Vec<&str> = graph.all("aff4://i", "hash").map(Term::value).collect();
        assert_eq!(hashes, ["ab", "cd"]);
        assert_eq!(graph.first("aff4://i", "stored"), Some("aff4://v"));
        assert_eq!(graph.those_that_are("ZipVolume").collect::<Vec<_>>(), ["aff4://v"]);
    }

    #[test]
    fn texts_keep_their_escapes_quotes_and_line_breaks() {
        for (written, meant) in [
            (r#""a \"b\" \\ \t\n\u00e4\U0001F4BE""#, "a \"b\" \\ \t\nä💾"),
            ("\"\"\"two \"quoted\"\nlines . ; ,\"\"\"", "two \"quoted\"\nlines . ; ,"),
            ("'single'@en-GB", "single"),
            ("true", "true"),
            ("-1.5", "-1.5"),
        ] {
            let graph = graph(&format!("<aff4://i> aff4:notes {written} .")).unwrap();
            assert_eq!(graph.first("aff4://i", "notes"), Some(meant), "{written}");
        }
    }

    #[test]
    fn bases_and_the_directives_of_sparql_are_known() {
        let text = "BASE <aff4://b/>\nprefix p: <http://aff4.org/Schema#>\n<x\\u0041> p:size 3 .";
        assert_eq!(Graph::parse(text).unwrap().number("aff4://b/xA", "size"), Some(3));
    }

    #[test]
    fn what_is_not_turtle_is_refused_with_its_line() {
        for (wrong, line) in [
            ("<aff4://i> aff4:size 1", 3),
            ("<aff4://i> aff4:size \"1 .\n", 3),
            ("\n<aff4://i> b:size 1 .", 4),
            ("<aff4://i> aff4:size [ ] .", 3),
            ("<aff4://i> aff4:size ( 1 ) .", 3),
            ("<aff4://i aff4:size 1 .", 3),
            ("<aff4://i> aff4:size 1..2 .", 3),
            ("<aff4://i> aff4:notes \"\\q\" .", 3),
            ("<aff4://i> aff4:notes \"\\ud800\" .", 3),
            ("<aff4://i> .", 3),
        ] {
            let error = graph(wrong).err().unwrap_or_else(|| panic!("{wrong:?} was read"));
            assert_eq!(error.line, line, "{wrong:?}: {error}");
        }
    }

    #[test]
    fn a_long_prefix_used_often_is_refused_before_it_costs_memory() {
        let long = "x".repeat(4000);
        let uses = "<aff4://i> aff4:notes p:a . ".repeat(20_000);
        let error = graph(&format!("@prefix p: <aff4://{long}> . {uses}")).unwrap_err();
        assert!(error.what.contains("memory"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,300}") {
            let _ = Graph::parse(&text);
        }

        #[test]
        fn any_mixture_of_signs_is_read_or_refused(
            words in prop::collection::vec(prop::sample::select(vec![
                "<", ">", "\"", "\\", "^^", ";", ",", ".", "a", "@prefix", ":", "p:", "<aff4://i>", " ", "\n", "#", "'''", "é", "1",
            ]), 0..40)
        ) {
            let _ = Graph::parse(&words.concat());
        }
    }
}
