//! Answers for people and for programs, and how far a long run is.

use std::fmt::Write as _;

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
        Ok(progress.0.suspend(|| is_heard(&text))?)
    }
}

/// How far a long run is: a line on standard error, and only where that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Nothing is told: it is short.
    pub(crate) fn none() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Of so many; 0 where nobody knows.
    pub(crate) fn of(total: usize, what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr_with_hz(5));
        let template = if total == 0 { "{pos} {msg} in {elapsed}" } else { "{pos}/{len} {msg}, {eta} to go" };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        Self(bar)
    }

    pub(crate) fn more(&self, count: usize) {
        self.0.inc(count as u64);
    }

    /// Tells something on standard error that is no answer.
    pub(crate) fn aside(&self, text: &str) {
        self.0.suspend(|| {
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
        self.0.finish_and_clear();
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
