//! Answers for people and for programs, and how far a long run is.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Args;
use incoming_leads_model::{IncomingLead, Metadata, Receipt};
use incoming_leads_port::{Error, ErrorKind, Outcome};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::{Failure, is_heard};

/// How to tell what a server answers.
#[derive(Args, Clone, Copy)]
pub(crate) struct Telling {
    /// Answer in JSON, one object a line
    #[arg(long)]
    pub(crate) json: bool,
}

impl Telling {
    /// Tells answers, each a line, above the progress of the run; whether somebody reads them.
    pub(crate) fn tell<T: Serialize>(
        self,
        progress: &Progress,
        answers: &[T],
        for_people: impl FnOnce() -> String,
    ) -> Result<bool, Failure> {
        let text = if self.json {
            let mut lines = String::new();
            for answer in answers {
                let line = serde_json::to_string(answer).context("the answer cannot be written as JSON")?;
                lines.push_str(&line);
                lines.push('\n');
            }
            lines
        } else {
            for_people()
        };
        Ok(progress.bar.suspend(|| is_heard(&text))?)
    }
}

/// How far a long run is, on standard error: a line that changes where that is a terminal, else one from time to time.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Where no terminal shows the bar.
    spoken: Option<Spoken>,
}

/// How often a run says how far it is.
const EVERY: Duration = Duration::from_secs(10);

/// When the next line is due, and what it counts.
#[derive(Debug)]
struct Spoken {
    what: &'static str,
    next: Mutex<Instant>,
}

impl Progress {
    /// Nothing is told: it is short.
    pub(crate) fn none() -> Self {
        Self { bar: ProgressBar::hidden(), spoken: None }
    }

    /// Of so many; 0 where nobody knows.
    pub(crate) fn of(total: usize, what: &'static str) -> Self {
        let template = if total == 0 { "{pos} {msg} in {elapsed}" } else { "{pos}/{len} {msg}, {eta} to go" };
        Self::shown(total as u64, what, template)
    }

    /// Of a file of so many bytes, of which those before `begin` were done earlier.
    pub(crate) fn of_bytes(total: u64, begin: u64) -> Self {
        let progress = Self::shown(total, "bytes", "{bytes} of {total_bytes}, {eta} to go");
        progress.bar.set_position(begin);
        // What was done earlier says nothing of how fast it goes now.
        progress.bar.reset_eta();
        progress
    }

    fn shown(total: u64, what: &'static str, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        let spoken = bar.is_hidden().then(|| Spoken { what, next: Mutex::new(Instant::now() + EVERY) });
        Self { bar, spoken }
    }

    pub(crate) fn more(&self, count: usize) {
        self.at(self.bar.position() + count as u64);
    }

    /// So much is done.
    pub(crate) fn at(&self, position: u64) {
        self.bar.set_position(position);
        if let Some(spoken) = &self.spoken
            && spoken.is_due(Instant::now())
        {
            self.aside(&spoken.line(position, self.bar.length().unwrap_or_default()));
        }
    }

    /// Tells something on standard error that is no answer.
    pub(crate) fn aside(&self, text: &str) {
        self.bar.suspend(|| {
            // When nobody listens there is nobody left to tell.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("incoming-leads: {text}\n").as_bytes(),
            );
        });
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Spoken {
    /// Whether it is time for a line; if so, not again for a while.
    fn is_due(&self, now: Instant) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = *next <= now;
        if is_due {
            *next = now + EVERY;
        }
        is_due
    }

    /// How far it is, of a total that is 0 where nobody knows it.
    fn line(&self, position: u64, total: u64) -> String {
        let what = self.what;
        match (position.saturating_mul(100)).checked_div(total) {
            None => format!("{position} {what} so far"),
            Some(percent) => format!("{position} of {total} {what}, {percent} %"),
        }
    }
}

/// Uid, category, moment, lead, and what a person knows it by.
pub(crate) fn row(lead: &IncomingLead) -> String {
    let id = lead.leads.iter().flatten().find_map(|lead| lead.id);
    let id = id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let what = match &lead.metadata {
        Metadata::Sip(call) => call.phone.as_deref().or(call.from.as_deref()),
        Metadata::Forms(form) => form.form_name.as_deref().or(form.form_page.as_deref()),
        Metadata::Chats(chat) => chat.last_message_text.as_deref().or(chat.client.name.as_deref()),
        Metadata::Mail(mail) => mail.subject.as_deref().or(mail.from.email.as_deref()),
    };
    let what: String = what.unwrap_or("-").chars().filter(|letter| !letter.is_control()).take(60).collect();
    format!("{}  {:<5}  {}  {id:>10}  {what}\n", lead.uid, lead.category().as_str(), lead.created_at)
}

/// What became of one.
pub(crate) fn told(receipt: &Receipt, done: &str) -> String {
    let mut text = format!("{} {done}", receipt.uid);
    // Writing to a String cannot fail.
    for lead in receipt.leads.iter().flatten() {
        let _ = write!(text, ", lead {lead}");
    }
    for customer in receipt.customers.iter().flatten() {
        let _ = write!(text, ", customer {customer}");
    }
    text.push('\n');
    text
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match error.kind() {
            ErrorKind::Unauthorized => {
                "; is INCOMING_LEADS_TOKEN, or that of the profile, a token of that server?"
            }
            ErrorKind::Unavailable if error.outcome() == Outcome::NotApplied => {
                "; is a server running at the address of --url, the profile or INCOMING_LEADS_URL?"
            }
            _ => "",
        };
        let what = anyhow!("{:#}{hint}", anyhow!(error.to_string()));
        match (error.outcome(), error.kind()) {
            (Outcome::Unknown, _) => Failure::Unknown(what),
            (
                Outcome::NotApplied,
                ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Forbidden | ErrorKind::Unauthorized,
            ) => Failure::Refused(what),
            (Outcome::NotApplied, _) => Failure::Failed(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_terminal_a_line_is_due_from_time_to_time() {
        let begun = Instant::now();
        let spoken = Spoken { what: "bytes", next: Mutex::new(begun + EVERY) };
        let secs = (0..=35).filter(|secs| spoken.is_due(begun + Duration::from_secs(*secs)));
        assert_eq!(secs.collect::<Vec<_>>(), [10, 20, 30]);
        assert_eq!(spoken.line(30, 120), "30 of 120 bytes, 25 %");
        assert_eq!(spoken.line(30, 0), "30 bytes so far");
    }

    #[test]
    fn what_goes_on_begins_where_it_was() {
        let progress = Progress::of_bytes(100, 40);
        progress.more(10);
        assert_eq!((progress.bar.position(), progress.bar.length()), (50, Some(100)));
    }
}
