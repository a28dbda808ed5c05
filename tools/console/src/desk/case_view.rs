//! The form of the case.

use super::{Desk, Effect, Key, View, moved, typed_into};
use crate::disk::DiskId;
use crate::words;

impl Desk {
    pub(super) fn key_of_case(
        &mut self,
        key: Key,
        row: usize,
        back: Option<DiskId>,
        typing: bool,
    ) -> Vec<Effect> {
        let lines = self.form.lines();
        let Some(line) = lines.get(row) else {
            self.view = View::Case { row: 0, back, typing: false };
            return Vec::new();
        };
        match key {
            Key::Enter | Key::Down if typing => {
                self.view =
                    View::Case { row: moved(row, Key::Down, lines.len()), back, typing: key == Key::Enter };
            }
            Key::Escape | Key::Up if typing => {
                self.view = View::Case { row: moved(row, key, lines.len()), back, typing: false }
            }
            _ if typing => typed_into(self.form.value_mut(line), key),
            Key::Up | Key::Down => self.view = View::Case { row: moved(row, key, lines.len()), back, typing },
            Key::Enter => self.view = View::Case { row, back, typing: true },
            Key::Insert | Key::Character('+') => self.form.add_entry(line),
            Key::Character('o') => self.view = View::CasePath { typed: "/mnt/".to_owned(), back },
            Key::Escape => return self.keep_case(back),
            _ => {}
        }
        Vec::new()
    }

    /// Leaves the form; what can't be meant is shown first.
    fn keep_case(&mut self, back: Option<DiskId>) -> Vec<Effect> {
        match self.form.case() {
            Ok(case) => {
                self.view = match back {
                    Some(source) => View::Settings { source, row: 0, typing: false },
                    None => View::Disks,
                };
                vec![Effect::WriteCase(case_file::text_of(&case))]
            }
            Err((row, reason)) => {
                self.view = View::Case { row, back, typing: false };
                self.trouble(&reason)
            }
        }
    }

    pub(super) fn key_of_case_path(
        &mut self,
        key: Key,
        mut typed: String,
        back: Option<DiskId>,
    ) -> Vec<Effect> {
        match key {
            Key::Escape => self.view = View::Case { row: 0, back, typing: false },
            Key::Enter if typed.trim().is_empty() => return self.words(words::NO_PATH),
            Key::Enter => {
                self.view = View::Case { row: 0, back, typing: false };
                return vec![Effect::ReadCase(typed.trim().to_owned())];
            }
            _ => {
                typed_into(&mut typed, key);
                self.view = View::CasePath { typed, back };
            }
        }
        Vec::new()
    }
}
