//! The account of what was done in this boot: a file in memory that `pf-acquire` puts into each record.

use crate::failure::Failure;
use crate::time_reference::TimeReference;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the live environment keeps it.
pub const FOLDER: &str = "/run/permafrost";

/// Acts that are kept.
const MOST_ACTS: usize = 64;

/// Characters of a text in it: no act is so long that all of them exceed [`MOST_BYTES`].
const MOST_LETTERS: usize = 300;

/// Bytes of the file that are read.
const MOST_BYTES: u64 = 256 << 10;

/// Acts in the order of their times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What was done.
    pub acts: Vec<Act>,
    /// How many acts are left out.
    pub omitted: u64,
}

/// Something that was done, or that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// When, RFC 3339 in UTC, by this machine's clock.
    pub time: String,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What was done, or happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum What {
    /// An interface is about to be brought up; stays only where nothing could be written of how that ended.
    UpBegun {
        /// The interface.
        interface: String,
        /// How.
        method: Method,
    },
    /// An interface has an address.
    Up(Up),
    /// An interface was to have one, and got none.
    UpFailed {
        /// The interface.
        interface: String,
        /// How.
        method: Method,
        /// Whether it was up for a while, so that a frame may have left.
        link_up: bool,
        /// Why.
        reason: String,
    },
    /// The address of a lease is gone: given back, run out or taken back by the server.
    LeaseEnded {
        /// The interface.
        interface: String,
        /// Its address was.
        address: String,
    },
    /// An interface was taken down.
    Down {
        /// The interface.
        interface: String,
    },
    /// A time server told the time.
    Time(TimeReference),
    /// A time server was asked in vain.
    TimeFailed {
        /// As it was given.
        server: String,
        /// Why.
        reason: String,
    },
}

/// How an interface came by its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// A server gave it.
    Dhcp,
    /// The command line did.
    Static,
}

/// An interface with an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Up {
    /// The interface.
    pub interface: String,
    /// Its hardware address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// How.
    pub method: Method,
    /// The address and the length of its network's prefix.
    pub address: String,
    /// The way out of the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The one that the server named, where it could not be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_not_set: Option<String>,
    /// Servers that know names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name_servers: Vec<String>,
    /// The server that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dhcp_server: Option<String>,
    /// How long it is given for before it must be renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<u64>,
    /// Whether no command asked for it: a lease that was kept brought something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
}

impl What {
    /// The interface that it was done to.
    fn interface(&self) -> Option<&str> {
        match self {
            What::Up(up) => Some(&up.interface),
            What::UpBegun { interface, .. }
            | What::UpFailed { interface, .. }
            | What::LeaseEnded { interface, .. }
            | What::Down { interface } => Some(interface),
            What::Time(_) | What::TimeFailed { .. } => None,
        }
    }

    /// Whether a lease made it, not a command.
    fn is_unasked(&self) -> bool {
        match self {
            What::Up(up) => up.unasked,
            What::LeaseEnded { .. } => true,
            _ => false,
        }
    }
}

impl Account {
    /// The account in `folder`; an empty one where there is none.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = file_in(folder);
        let failed = |source| Failure::File { path: path.clone(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(failed(e)),
        };
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        serde_json::from_slice(&bytes).map_err(|source| Failure::ForeignAccount { path, source })
    }

    /// How an interface came up, where that is the last that is known of it.
    pub fn up_now(&self, interface: &str) -> Option<&Act> {
        let last = self.acts.iter().rfind(|act| act.what.interface() == Some(interface));
        last.filter(|act| matches!(act.what, What::Up(_)))
    }

    /// How an interface came up the last time.
    pub fn last_up(&self, interface: &str) -> Option<&Up> {
        self.acts.iter().rev().find_map(|act| match &act.what {
            What::Up(up) if up.interface == interface => Some(up),
            _ => None,
        })
    }

    /// Writes down how long the lease of an interface is given for by now; all else of how it came up the last time stays, with
    /// its time.
    fn renew(&mut self, interface: &str, lease_seconds: Option<u64>) {
        let up = self.acts.iter_mut().rev().find_map(|act| match &mut act.what {
            What::Up(up) if up.interface == interface => Some(up),
            _ => None,
        });
        if let Some(up) = up {
            up.lease_seconds = lease_seconds;
        }
    }

    /// Where the beginning stands of an interface that is about to come up. That an address of it went meanwhile is no end of it.
    fn begun(&self, interface: Option<&str>) -> Option<usize> {
        let is_of_it =
            |what: &What| what.interface() == interface && !matches!(what, What::LeaseEnded { .. });
        let last = self.acts.iter().rposition(|act| is_of_it(&act.what))?;
        self.acts.get(last).is_some_and(|act| matches!(act.what, What::UpBegun { .. })).then_some(last)
    }

    /// What a lease brought to an interface that no command is about to bring up is marked as such.
    fn mark(&self, what: &mut What) {
        let asked = self.begun(what.interface()).is_some();
        if let What::Up(up) = what {
            up.unasked = up.method == Method::Dhcp && !asked;
        }
    }

    /// Adds an act, and leaves others out where there are too many. How a beginning ended takes its place.
    fn add(&mut self, act: Act) {
        if matches!(act.what, What::Up(_) | What::UpFailed { .. }) {
            let begun = self.begun(act.what.interface());
            begun.map(|place| self.acts.remove(place));
        }
        self.acts.push(act);
        while self.acts.len() > MOST_ACTS {
            self.acts.remove(self.first_to_go());
            self.omitted = self.omitted.saturating_add(1);
        }
    }

    /// The oldest act that no command asked for, unless it is the last of its interface, which says how that is by now: no server
    /// is to push out what the examiner did. Where there is none, the oldest of all, but never the last time that was told.
    fn first_to_go(&self) -> usize {
        let is_last = |place: usize, act: &Act| {
            let mut later = self.acts.iter().skip(place.saturating_add(1));
            !later.any(|later| later.what.interface() == act.what.interface())
        };
        let mut acts = self.acts.iter().enumerate();
        let unasked = acts.find(|(place, act)| act.what.is_unasked() && !is_last(*place, act));
        let time = self.acts.iter().rposition(|act| matches!(act.what, What::Time(_)));
        unasked.map_or(usize::from(time == Some(0)), |(place, _)| place)
    }
}

/// The right to add to the account in a folder. Whoever has one knows before he acts that what he does will be written down.
pub struct Pen {
    folder: PathBuf,
    lock: File,
}

impl Pen {
    /// Makes the folder where it is missing, and proves that the account can be written and is one. Whoever gets none has done
    /// nothing so far, and is to leave it at that.
    pub fn take(folder: &Path) -> Result<Self, Failure> {
        Self::open(folder).map_err(|failure| Failure::NotBegun(Box::new(failure)))
    }

    fn open(folder: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::Account { path: file_in(folder), source };
        // The key that signs records lies in the same folder, for root's eyes alone.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let lock = folder.join("network.lock");
        let lock = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(lock)
            .map_err(failed)?;
        let pen = Self { folder: folder.to_owned(), lock };
        pen.change(|_| ())?;
        Ok(pen)
    }

    /// Writes down that an interface is about to come up, so that even what is cut short leaves a trace.
    pub fn begin(&self, interface: &str, method: Method) -> Result<(), Failure> {
        let act = Act { time: now(), what: What::UpBegun { interface: interface.to_owned(), method } };
        self.change(|account| account.add(act))
    }

    /// Writes down what was done just now.
    pub fn note(&self, what: What) -> Result<Act, Failure> {
        let mut act = Act { time: now(), what };
        let add = |account: &mut Account| {
            account.mark(&mut act.what);
            account.add(act.clone());
        };
        match self.change(add) {
            Ok(()) => Ok(act),
            Err(failure) => Err(Failure::Unwritten { act: Box::new(act), source: Box::new(failure) }),
        }
    }

    /// Writes down how long a lease that goes on is given for by now.
    pub fn renew(&self, interface: &str, lease_seconds: Option<u64>) -> Result<(), Failure> {
        self.change(|account| account.renew(interface, lease_seconds))
    }

    /// What keeps a lease writes too, so that one reads only what the other has written; and whoever reads the file finds one
    /// version or the next.
    fn change(&self, change: impl FnOnce(&mut Account)) -> Result<(), Failure> {
        let path = file_in(&self.folder);
        let failed = |source| Failure::Account { path: path.clone(), source };
        self.lock.lock().map_err(failed)?;
        let changed = Account::read(&self.folder).and_then(|mut account| {
            change(&mut account);
            let draft = path.with_extension("json.new");
            let mut text = serde_json::to_string_pretty(&account)?;
            text.push('\n');
            let written = File::create(&draft).and_then(|mut file| file.write_all(text.as_bytes()));
            written.and_then(|()| fs::rename(&draft, &path)).map_err(failed)
        });
        self.lock.unlock().map_err(failed)?;
        changed
    }
}

/// Writes down what was done just now without asking first whether that can be: what makes an interface silent must not wait
/// for it.
pub fn note_afterwards(folder: &Path, what: What) -> Result<Act, Failure> {
    match Pen::open(folder) {
        Ok(pen) => pen.note(what),
        Err(failure) => {
            let act = Box::new(Act { time: now(), what });
            Err(Failure::Unwritten { act, source: Box::new(failure) })
        }
    }
}

/// The account itself.
fn file_in(folder: &Path) -> PathBuf {
    folder.join("network.json")
}

/// This machine's clock.
fn now() -> String {
    let now = jiff::Timestamp::now();
    now.round(jiff::Unit::Second).unwrap_or(now).to_string()
}

/// A text as long as one of the account may be, without what moves cursors.
pub fn clipped(text: impl std::fmt::Display) -> String {
    evidence::Plain(text).to_string().chars().take(MOST_LETTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn down(interface: &str) -> What {
        What::Down { interface: interface.to_owned() }
    }

    fn up() -> Up {
        Up {
            interface: "eth0".into(),
            mac: Some("52:54:00:12:34:56".into()),
            method: Method::Dhcp,
            address: "10.0.2.15/24".into(),
            gateway: Some("10.0.2.2".into()),
            gateway_not_set: None,
            name_servers: vec!["10.0.2.3".into()],
            dhcp_server: Some("10.0.2.2".into()),
            lease_seconds: Some(86400),
            unasked: false,
        }
    }

    fn time() -> What {
        What::Time(TimeReference::sample())
    }

    #[test]
    fn what_is_noted_is_read_again_with_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("permafrost");
        assert_eq!(Account::read(&folder).unwrap(), Account::default());
        let pen = Pen::take(&folder).unwrap();
        pen.begin("eth0", Method::Dhcp).unwrap();
        let noted = [
            pen.note(What::Up(up())).unwrap(),
            pen.note(time()).unwrap(),
            Pen::take(&folder).unwrap().note(down("eth0")).unwrap(),
        ];
        let account = Account::read(&folder).unwrap();
        assert_eq!(account.acts, noted);
        assert_eq!(account.last_up("eth0"), Some(&up()));
        assert_eq!(account.last_up("eth1"), None);
        assert!(noted[0].time.ends_with('Z'));
        let text = fs::read_to_string(folder.join("network.json")).unwrap();
        assert!(text.contains(r#""act": "up""#) && text.contains(r#""method": "dhcp""#), "{text}");
        assert!(!folder.join("network.json.new").exists());
    }

    #[test]
    fn the_account_stays_small_and_keeps_the_last_time_that_was_told() {
        let mut account = Account::default();
        let act = |what| Act { time: now(), what };
        account.add(act(down("eth0")));
        account.add(act(time()));
        for _ in 0..500 {
            account.add(act(down("eth1")));
        }
        assert_eq!((account.acts.len(), account.omitted), (MOST_ACTS, 502 - 64));
        assert_eq!(account.acts.iter().filter(|act| matches!(act.what, What::Time(_))).count(), 1);
        // The longest texts there can be.
        let server = "s".repeat(MOST_LETTERS);
        let failed = What::TimeFailed { server: server.clone(), reason: "漢".repeat(MOST_LETTERS) };
        for _ in 0..500 {
            account.add(act(failed.clone()));
        }
        let bytes = serde_json::to_vec_pretty(&account).unwrap().len();
        assert!(u64::try_from(bytes).unwrap() < MOST_BYTES, "{bytes}");
    }

    #[test]
    fn no_server_pushes_out_what_was_asked_for() {
        let act = |what| Act { time: now(), what };
        let failed = What::TimeFailed { server: "ntp.example".into(), reason: "no answer".into() };
        let by_hand = Up { interface: "eth1".into(), method: Method::Static, ..up() };
        let asked = [What::Up(up()), What::Up(by_hand), failed.clone(), time()].map(act);
        let mut account = Account { acts: asked.to_vec(), omitted: 0 };
        let last = |number: u32| Up { address: format!("10.0.2.{number}/24"), unasked: true, ..up() };
        for number in 0..500 {
            account.add(act(What::LeaseEnded { interface: "eth0".into(), address: "10.0.2.15/24".into() }));
            account.add(act(What::Up(last(number))));
        }
        assert_eq!(account.acts[..4], asked);
        assert_eq!(account.last_up("eth0"), Some(&last(499)));
        assert_eq!((account.acts.len(), account.omitted), (MOST_ACTS, 1004 - 64));
        // Where commands fill it, a lease takes the place of one of them, for how the interface is by now.
        (0..MOST_ACTS).for_each(|_| account.add(act(failed.clone())));
        for number in 0..500 {
            account.add(act(What::Up(last(number))));
            assert_eq!(account.up_now("eth0").map(|act| &act.what), Some(&What::Up(last(number))));
        }
        let unasked = account.acts.iter().filter(|act| act.what.is_unasked()).count();
        assert_eq!((account.acts.len(), unasked, account.omitted), (MOST_ACTS, 1, 1004 + 64 + 500 - 64));
    }

    #[test]
    fn what_a_lease_brings_unasked_is_told_from_what_a_command_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let pen = Pen::take(folder.path()).unwrap();
        pen.begin("eth0", Method::Dhcp).unwrap();
        // udhcpc begins by taking away an address that somebody else had set.
        pen.note(What::LeaseEnded { interface: "eth0".into(), address: "192.0.2.1/24".into() }).unwrap();
        pen.note(What::Up(up())).unwrap();
        pen.note(What::Up(Up { name_servers: vec![], ..up() })).unwrap();
        pen.note(What::Up(Up { method: Method::Static, unasked: true, ..up() })).unwrap();
        let acts = Account::read(folder.path()).unwrap().acts;
        let ups: Vec<bool> = acts
            .iter()
            .filter_map(|act| match &act.what {
                What::Up(up) => Some(up.unasked),
                _ => None,
            })
            .collect();
        assert_eq!((acts.len(), ups), (4, vec![false, true, false]), "{acts:?}");
        let text = fs::read_to_string(folder.path().join("network.json")).unwrap();
        assert_eq!(text.matches(r#""unasked": true"#).count(), 1, "{text}");
    }

    #[test]
    fn a_file_that_somebody_else_wrote_is_neither_read_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.json");
        for text in ["", "{", "[]", r#"{"acts":[{"time":"x","act":"other"}],"omitted":0}"#, "\u{0}"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Account::read(folder.path()), Err(Failure::ForeignAccount { .. })), "{text}");
            assert!(Pen::take(folder.path()).is_err());
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn without_a_place_to_write_nothing_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let failure = Pen::take(&file.join("below")).err().unwrap();
        assert!(failure.to_string().starts_with("nothing is done: "), "{failure}");
        assert_eq!(failure.exit_code(), 2);
    }

    #[test]
    fn what_is_done_already_is_told_where_it_cannot_be_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let before = note_afterwards(&file.join("below"), down("eth0")).unwrap_err();
        let pen = Pen::take(folder.path()).unwrap();
        fs::write(folder.path().join("network.json"), "{").unwrap();
        for failure in [before, pen.note(down("eth0")).unwrap_err()] {
            let told = failure.to_string();
            assert!(told.starts_with("eth0 down; but this is NOT written down: /"), "{told}");
            assert!(!told.contains("nothing is done"), "{told}");
        }
    }

    #[test]
    fn a_beginning_stays_only_where_its_end_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let pen = Pen::take(folder.path()).unwrap();
        let failed = |interface: &str| What::UpFailed {
            interface: interface.into(),
            method: Method::Dhcp,
            link_up: true,
            reason: "no cable".into(),
        };
        let acts = || -> Vec<String> {
            let account = Account::read(folder.path()).unwrap();
            account.acts.iter().map(|act| crate::status::sentences(act).join(" ")).collect()
        };
        pen.begin("eth0", Method::Dhcp).unwrap();
        pen.begin("eth1", Method::Dhcp).unwrap();
        pen.note(What::Up(up())).unwrap();
        assert!(Account::read(folder.path()).unwrap().up_now("eth0").is_some());
        pen.begin("eth0", Method::Dhcp).unwrap();
        assert_eq!(Account::read(folder.path()).unwrap().up_now("eth0"), None, "that was before");
        pen.note(failed("eth1")).unwrap();
        let interrupted = "eth0: bringing it up was begun; how that ended is not written down";
        assert_eq!(acts()[1..], [interrupted, "not brought up: no cable"]);
        pen.note(down("eth0")).unwrap();
        pen.begin("eth0", Method::Static).unwrap();
        pen.note(failed("eth0")).unwrap();
        pen.note(failed("eth0")).unwrap();
        let failed = "not brought up: no cable";
        assert_eq!(acts()[1..], [interrupted, failed, "eth0 down", failed, failed]);
    }

    #[test]
    fn a_renewed_lease_changes_how_long_it_is_given_for_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let pen = Pen::take(folder.path()).unwrap();
        pen.begin("eth0", Method::Dhcp).unwrap();
        let first = pen.note(What::Up(up())).unwrap();
        pen.note(time()).unwrap();
        pen.renew("eth0", Some(60)).unwrap();
        pen.renew("eth1", Some(61)).unwrap();
        let account = Account::read(folder.path()).unwrap();
        assert_eq!(account.acts.len(), 2);
        assert_eq!(account.acts[0].time, first.time);
        assert_eq!(account.last_up("eth0"), Some(&Up { lease_seconds: Some(60), ..up() }));
    }

    proptest! {
        #[test]
        fn no_content_of_the_file_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("network.json"), bytes).unwrap();
            let _ = Account::read(folder.path());
        }

        #[test]
        fn no_damage_to_a_good_file_makes_it_panic(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let account = Account { acts: vec![Act { time: now(), what: time() }], omitted: 0 };
            let mut bytes = serde_json::to_vec(&account).unwrap();
            *place.get_mut(&mut bytes) = byte;
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("network.json"), bytes).unwrap();
            if let Ok(account) = Account::read(folder.path()) {
                let _ = crate::status::sentences(&account.acts[0]);
            }
        }

        #[test]
        fn a_clipped_text_is_short_and_moves_no_cursor(text in any::<String>()) {
            let clipped = clipped(text);
            prop_assert!(clipped.chars().count() <= MOST_LETTERS);
            prop_assert!(!clipped.contains(char::is_control));
        }
    }
}
