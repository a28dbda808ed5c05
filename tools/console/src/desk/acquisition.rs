//! How a source is imaged, and what is seen while it is.

use super::{Desk, Effect, Key, View, moved, typed_into};
use crate::command::Command;
use crate::disk::DiskId;
use crate::job::{Course, Job, JobId};
use crate::settings::{CHOICES, Choice, Settings};
use crate::words;

/// pf-acquire takes two destinations at most, and one for a recovery in passes.
const MOST_FOLDERS: usize = 2;
const MOST_FOLDERS_OF_A_RESCUE: usize = 1;

impl Desk {
    pub(super) fn key_of_settings(
        &mut self,
        key: Key,
        source: DiskId,
        row: usize,
        typing: bool,
    ) -> Vec<Effect> {
        let choice = CHOICES.get(row).copied().unwrap_or(Choice::Start);
        let settings = self.settings.entry(source.clone()).or_default();
        match key {
            Key::Enter | Key::Escape if typing => self.view = View::Settings { source, row, typing: false },
            _ if typing => {
                if let Some(text) = settings.text_mut(choice) {
                    typed_into(text, key);
                }
            }
            Key::Escape => self.view = View::Disks,
            Key::Character('c') => {
                self.view = View::Case { row: 0, back: Some(source), typing: false };
            }
            Key::Up | Key::Down => {
                self.view = View::Settings { source, row: moved(row, key, CHOICES.len()), typing };
            }
            Key::Enter | Key::Character(' ') => match choice {
                Choice::Evidence | Choice::Description => {
                    self.view = View::Settings { source, row, typing: true };
                }
                Choice::Case => self.view = View::Case { row: 0, back: Some(source), typing: false },
                Choice::Start => return self.start(&source),
                _ => settings.turn(choice),
            },
            _ => {}
        }
        Vec::new()
    }

    /// The folders that the image of a source would go to: of more than it can go to, those that were mounted last.
    #[must_use]
    pub fn folders_of(&self, settings: &Settings) -> Vec<&str> {
        let most = if settings.rescue { MOST_FOLDERS_OF_A_RESCUE } else { MOST_FOLDERS };
        self.newest_folders().into_iter().take(most).collect()
    }

    /// The line that would be run, as far as it can be known now.
    #[must_use]
    pub fn acquire_command(&self, source: &DiskId) -> Option<Command> {
        let disk = self.disk(source)?;
        let settings = self.settings.get(source)?;
        let folders = self.folders_of(settings);
        Some(Command::acquire(self.roles.source(disk)?, &folders, settings, self.lacks().is_empty()))
    }

    fn start(&mut self, source: &DiskId) -> Vec<Effect> {
        let Some(settings) = self.settings.get(source) else { return Vec::new() };
        let evidence = settings.evidence.trim().to_owned();
        if evidence.is_empty() {
            return self.words(words::NO_EVIDENCE_NUMBER);
        }
        if self.folders.is_empty() {
            return self.words(words::NO_DESTINATION);
        }
        if self.jobs.iter().any(|job| job.source == *source && job.is_alive()) {
            return self.words(words::IS_BEING_IMAGED);
        }
        let text = match self.form.case() {
            Ok(case) => case_file::text_of(&case),
            Err((_, reason)) => return self.trouble(&reason),
        };
        let Some(command) = self.acquire_command(source) else { return self.words(words::NOT_A_SOURCE) };
        let job = self.jobs.len();
        let mut begun = Job::new(source.clone(), evidence, command.to_string());
        begun.is_rescue = settings.rescue;
        self.jobs.push(begun);
        self.view = View::Job { job, stopping: false, scroll: 0 };
        vec![Effect::WriteCase(text), Effect::Begin(job, command)]
    }

    pub(super) fn key_of_job(
        &mut self,
        key: Key,
        number: JobId,
        stopping: bool,
        scroll: usize,
    ) -> Vec<Effect> {
        let Some(job) = self.jobs.get_mut(number) else {
            self.view = View::Disks;
            return Vec::new();
        };
        match (key, &job.course) {
            (Key::Character('y'), Course::Running | Course::Paused) if stopping => {
                job.course = Course::Stopping;
                self.view = View::Job { job: number, stopping: false, scroll };
                return vec![Effect::Stop(number)];
            }
            _ if stopping => self.view = View::Job { job: number, stopping: false, scroll },
            (Key::Escape | Key::Enter, _) => self.view = View::Disks,
            (Key::Character('p'), Course::Running) => {
                job.course = Course::Paused;
                return vec![Effect::Pause(number)];
            }
            (Key::Character('p'), Course::Paused) => {
                job.course = Course::Running;
                return vec![Effect::GoOn(number)];
            }
            (Key::Character('x'), Course::Running | Course::Paused) => {
                // The question stands at the top.
                self.view = View::Job { job: number, stopping: true, scroll: 0 };
            }
            (Key::Up | Key::Down, _) => {
                let scroll = moved(scroll, key, self.overhang.saturating_add(1));
                self.view = View::Job { job: number, stopping, scroll };
            }
            _ => {}
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use case_file::Language;

    fn desk_with_a_job() -> Desk {
        let mut desk = Desk::new(Language::English);
        let id = DiskId { name: "sda".into(), serial: Some("1".into()), capacity: 1 };
        desk.jobs.push(Job::new(id, "1".into(), "pf-acquire".into()));
        desk.view = View::Job { job: 0, stopping: false, scroll: 0 };
        desk
    }

    #[test]
    fn a_result_is_scrolled_as_far_as_it_goes_and_no_further() {
        let mut desk = desk_with_a_job();
        desk.overhang = 2;
        let mut scrolled = |key| {
            desk.take(crate::desk::Event::Key(key));
            match desk.view {
                View::Job { scroll, .. } => scroll,
                _ => usize::MAX,
            }
        };
        assert_eq!([Key::Down; 4].map(&mut scrolled), [1, 2, 2, 2]);
        assert_eq!([Key::Up; 3].map(&mut scrolled), [1, 0, 0]);
    }
}
