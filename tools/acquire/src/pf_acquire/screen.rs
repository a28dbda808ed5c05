//! What is seen while it runs: a line on standard error. Nothing of it may end an acquisition: a terminal that hangs up or
//! a program that reads no more takes the lines with it, and the record has it all.

use super::checkpoints::Checkpoints;
use super::foresight::Foresight;
use super::pause::Pause;
use super::records::Records;
use acquire::block_reader::ReadFault;
use acquire::checkpoint::Checkpoint;
use acquire::pipeline::{Observer, Refusal};
use acquire::progress::{Progress, is_paused};
use acquire::treatment::Fill;
use evidence::{ByteCount, Digest, Plain};
use formats::FormatError;
use indicatif::{BinaryBytes, HumanDuration, MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use record::Entry;
use std::cell::RefCell;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal to redraw it on.
const PLAIN_INTERVAL: Duration = Duration::from_secs(5);

/// How often a program that reads them gets them.
const JSON_INTERVAL: Duration = Duration::from_secs(1);

/// Most unreadable ranges told and recorded one by one; what the record says of the finished image has them all.
const MOST_TOLD: u64 = 50_000;

/// The progress lines of all sources; hidden where there is no terminal.
static LINES: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Progress is told to a program.
static TO_A_PROGRAM: AtomicBool = AtomicBool::new(false);

/// From now on progress is told by a JSON object in a line of its own.
pub fn speak_to_a_program() {
    TO_A_PROGRAM.store(true, Ordering::Relaxed);
}

thread_local! {
    /// The source that this thread speaks of, where there are several.
    static SPEAKS_OF: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on every line of this thread begins with the name of its source.
pub fn speak_of(source: String) {
    SPEAKS_OF.set(Some(source));
}

fn named(line: impl fmt::Display) -> String {
    SPEAKS_OF.with_borrow(|source| match source {
        Some(source) => Plain(format_args!("{source}: {line}")).to_string(),
        None => Plain(line).to_string(),
    })
}

/// Prints a line on standard error, above those that show progress, if there is anyone left to read it. What names and answers
/// it quotes can't move a cursor. Must not be called while a line is suspended: that waits for itself.
pub fn tell(line: fmt::Arguments) {
    let line = named(line);
    LINES.suspend(|| {
        let _ = writeln!(std::io::stderr(), "{line}");
    });
}

/// A progress line, and the record that faults go to.
pub struct Screen<'a> {
    bar: ProgressBar,
    deed: &'static str,
    size: ByteCount,
    begun: Instant,
    plain: Option<Instant>,
    faults: u64,
    fill: String,
    record: Option<&'a mut Records>,
    /// Folder and base name of each image.
    images: &'a [PathBuf],
    checkpoints: Option<&'a mut Checkpoints>,
    foresight: Option<Foresight>,
    pause: Option<Arc<Pause>>,
    /// Somebody has all reading wait.
    waits: bool,
    /// What was stored before this run.
    from: u64,
}

impl<'a> Screen<'a> {
    /// Begins a line that says what is being done to how much.
    pub fn new(deed: &'static str, size: ByteCount) -> Self {
        let terminal = std::io::stderr().is_terminal() && !TO_A_PROGRAM.load(Ordering::Relaxed);
        let bar = LINES.add(ProgressBar::new(size.0)).with_message(named(deed));
        let line = "{msg} {percent:>3}% {bytes}/{total_bytes} {binary_bytes_per_sec} left {eta} {prefix}";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style);
        }
        let begun = Instant::now();
        Self {
            bar,
            deed,
            size,
            begun,
            plain: (!terminal).then_some(begun),
            faults: 0,
            fill: Fill::Zeros.to_string(),
            record: None,
            images: &[],
            checkpoints: None,
            foresight: None,
            pause: None,
            waits: false,
            from: 0,
        }
    }

    /// Says what stands in place of unread data, where that is not zeros.
    pub fn name_fill(&mut self, fill: &Fill) {
        self.fill = fill.to_string();
    }

    /// Puts `done` and `words` on the line; false where there is no terminal to draw it on.
    pub fn show(&self, done: u64, words: &str) -> bool {
        self.bar.set_position(done);
        self.bar.set_prefix(words.to_owned());
        self.plain.is_none()
    }

    /// Faults go to `record`; `images` are being written.
    pub fn recording(mut self, record: &'a mut Records, images: &'a [PathBuf]) -> Self {
        (self.record, self.images) = (Some(record), images);
        self
    }

    /// Checkpoints are kept; what of the medium lies before `from` was stored by an earlier run.
    pub fn keeping(mut self, checkpoints: &'a mut Checkpoints, from: u64) -> Self {
        (self.checkpoints, self.from) = (Some(checkpoints), from);
        if from > 0 {
            // indicatif would count what was stored before as done in no time.
            let rate = move |state: &ProgressState| {
                let milliseconds = u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX);
                let done = state.pos().saturating_sub(from);
                done.saturating_mul(1000).checked_div(milliseconds).unwrap_or(0)
            };
            let line = "{msg} {percent:>3}% {bytes}/{total_bytes} {rate} left {left} {prefix}";
            if let Ok(style) = ProgressStyle::with_template(line) {
                let left = move |state: &ProgressState, line: &mut dyn fmt::Write| {
                    let left = state.len().unwrap_or(0).saturating_sub(state.pos()).checked_div(rate(state));
                    let _ = match left {
                        Some(left) => write!(line, "{:#}", HumanDuration(Duration::from_secs(left))),
                        None => line.write_char('?'),
                    };
                };
                let rate = move |state: &ProgressState, line: &mut dyn fmt::Write| {
                    let _ = write!(line, "{}/s", BinaryBytes(rate(state)));
                };
                self.bar.set_style(style.with_key("rate", rate).with_key("left", left));
            }
        }
        self.bar.set_position(from);
        let folders = self.images.iter().filter_map(|base| base.parent()).map(Path::to_owned);
        self.foresight = Some(Foresight::new(folders, from));
        self
    }

    /// Says what `pause` has to say.
    pub fn pausing(mut self, pause: Option<Arc<Pause>>) -> Self {
        self.pause = pause;
        self
    }

    /// Tells how far it is, if a program wants to know and it is time; false where none does. `unread` in bytes.
    pub fn tell_a_program(&mut self, done: u64, unread: u64) -> bool {
        let wanted = TO_A_PROGRAM.load(Ordering::Relaxed);
        if wanted && self.is_due(JSON_INTERVAL) {
            // Of several sources the object names its own: nothing may stand before it in the line.
            let source = SPEAKS_OF.with_borrow(|source| match source {
                Some(source) => format!(r#""source":{},"#, serde_json::Value::from(source.as_str())),
                None => String::new(),
            });
            let (deed, total, seconds) = (self.deed, self.size.0, self.begun.elapsed().as_secs());
            let _ = writeln!(
                std::io::stderr(),
                r#"{{"progress":{{{source}"deed":"{deed}","done":{done},"total":{total},"unread":{unread},"seconds":{seconds}}}}}"#
            );
        }
        wanted
    }

    /// True once in each interval, where there is no terminal to redraw a line on.
    fn is_due(&mut self, interval: Duration) -> bool {
        let Some(last) = self.plain.filter(|last| last.elapsed() >= interval) else { return false };
        self.plain = Some(last + interval);
        true
    }

    /// Tells of a pause and of its end, and has the record tell it.
    fn look_at_the_pause(&mut self, done: u64) {
        let waits = is_paused();
        if waits != self.waits {
            self.waits = waits;
            let what = if waits { "paused by a signal" } else { "gone on after a pause" };
            let text = format!("{} {what}, {done} bytes done", self.deed);
            tell(format_args!("note: {text}"));
            if let Some(record) = &mut self.record {
                // What ails the record ends the run at its next entry that matters.
                let _ = record.append(&Entry::Note { text });
            }
        }
    }

    fn print_plainly(&self, done: u64) {
        let seconds = self.begun.elapsed().as_secs().max(1);
        let rate = (done.saturating_sub(self.from) / seconds).max(1);
        let percent = done.saturating_mul(100).checked_div(self.size.0).unwrap_or(100);
        let left = self.size.0.saturating_sub(done) / rate;
        tell(format_args!(
            "{} {percent}% of {}, {}/s, {left} s left, {} unreadable ranges",
            self.deed,
            self.size.short(),
            ByteCount(rate).short(),
            self.faults
        ));
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        LINES.remove(&self.bar);
    }
}

impl Observer for Screen<'_> {
    fn fault(&mut self, fault: &ReadFault) -> Result<(), Refusal> {
        self.faults = self.faults.saturating_add(1);
        let Some(record) = &mut self.record else { return Ok(()) };
        if self.faults > MOST_TOLD {
            if self.faults == MOST_TOLD.saturating_add(1) {
                let text = "further unreadable ranges are told with the finished image only";
                tell(format_args!("warning: {text}"));
                record.append(&Entry::Note { text: text.to_owned() })?;
            }
            return Ok(());
        }
        tell(format_args!(
            "warning: {} could not be read ({}); filled with {}",
            fault.extent, fault.error, self.fill
        ));
        record.append(&Entry::ReadError {
            extent: fault.extent,
            error: fault.error.clone(),
            action: format!("read again sector by sector; filled with {}", self.fill),
        })?;
        Ok(())
    }

    fn image_failed(&mut self, image: usize, error: &FormatError) -> Result<(), Refusal> {
        let destination = self.images.get(image).map(|base| base.display().to_string()).unwrap_or_default();
        tell(format_args!("warning: {error}; the image {destination} is not whole, the other goes on"));
        let Some(record) = &mut self.record else { return Ok(()) };
        record.append(&Entry::DestinationFailed { destination, error: error.to_string() })?;
        Ok(())
    }

    fn leaves(&mut self, _first: u64, values: &[Digest]) -> Result<(), Refusal> {
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.leaves(values);
        }
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), Refusal> {
        if let (Some(checkpoints), Some(record)) = (&mut self.checkpoints, &mut self.record) {
            checkpoints.keep(checkpoint, record)?;
        }
        Ok(())
    }

    fn tick(&mut self, progress: &Progress) {
        self.bar.set_position(progress.done());
        self.look_at_the_pause(progress.done());
        if let Some(line) = self.pause.as_ref().and_then(|pause| pause.line()) {
            tell(format_args!("{line}"));
        }
        let foreseen = self.foresight.as_mut().map(|foresight| foresight.look(progress.done(), self.size));
        for line in foreseen.unwrap_or_default() {
            tell(format_args!("warning: {line}"));
        }
        if self.faults > 0 {
            self.bar.set_prefix(format!("{} unreadable", ByteCount(progress.unread()).short()));
        }
        if !self.tell_a_program(progress.done(), progress.unread()) && self.is_due(PLAIN_INTERVAL) {
            self.print_plainly(progress.done());
        }
    }
}
