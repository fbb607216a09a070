//! `incoming-leads intake`: takes one chat message or one mail in, as built-in integrations do.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode, Uri};
use incoming_leads_model::limits::MAX_BODY_BYTES;
use incoming_leads_model::{PipelineId, Uid};
use incoming_leads_port::{Clock, SystemClock};
use incoming_leads_transport::{Arrival, Request, Transport};
use incoming_leads_wire_v4::add;
use serde_json::{Value, json};

use crate::ask::id;
use crate::connect::{Connection, To};
use crate::{Failure, print};

/// Take a chat message or a mail in, at a server whose intake is open.
///
/// Prints the uid of the incoming lead.
#[derive(Args)]
pub(crate) struct Intake {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Take a chat message in; where its chat waits already it becomes the chat's last message
    Chat(Chat),
    /// Take a mail in
    Mail(Mail),
}

#[derive(Args)]
struct Item {
    /// The whole incoming lead instead of its parts, as JSON like an item of an add; - is standard input
    #[arg(long, value_name = "JSON")]
    file: Option<PathBuf>,

    /// The pipeline in which it waits; default: the main one
    #[arg(long, value_name = "ID", conflicts_with = "file", value_parser = id::<PipelineId>)]
    pipeline_id: Option<PipelineId>,

    #[command(flatten)]
    to: To,
}

#[derive(Args)]
struct Chat {
    /// Who writes
    #[arg(long, value_name = "NAME", required_unless_present = "file", conflicts_with = "file")]
    from: Option<String>,

    /// What they write
    #[arg(long, required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,

    /// The chat's id in its service: messages of one id are one chat; default: a chat of its own
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    chat_id: Option<String>,

    #[command(flatten)]
    item: Item,
}

#[derive(Args)]
struct Mail {
    /// Who writes: jo@example.com, or Jo Doe <jo@example.com>
    #[arg(long, value_name = "ADDRESS", required_unless_present = "file", conflicts_with = "file")]
    from: Option<String>,

    /// The subject
    #[arg(long, required_unless_present = "file", conflicts_with = "file")]
    subject: Option<String>,

    /// What they write, in short
    #[arg(long, conflicts_with = "file")]
    text: Option<String>,

    /// The thread's id in the mail service
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    thread_id: Option<String>,

    /// The mail's id in the mail service; a mail of the same thread and id is taken in once
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    message_id: Option<String>,

    #[command(flatten)]
    item: Item,
}

impl Intake {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (route, document, item) = match self.what {
            What::Chat(chat) => ("chats", chat.document(), chat.item),
            What::Mail(mail) => ("mail", mail.document(), mail.item),
        };
        let connection = item.to.connection()?;
        let document = match &item.file {
            Some(path) => read(path)?,
            None => document.to_string().into_bytes(),
        };
        let uid = send(&connection, route, document).await?;
        Ok(print(&format!("{uid}\n"))?)
    }
}

impl Chat {
    fn document(&self) -> Value {
        let Self { from, text, chat_id, item } = self;
        json!({
            "pipeline_id": item.pipeline_id,
            "_embedded": { "contacts": [{ "name": from }] },
            "metadata": {
                "from": from,
                "received_at": SystemClock.now(),
                "client": { "name": from },
                "origin": { "chat_id": chat_id },
                "last_message_text": text,
            },
        })
    }
}

impl Mail {
    fn document(&self) -> Value {
        let Self { from, subject, text, thread_id, message_id, item } = self;
        let (name, email) = from.as_deref().map(author).unwrap_or_default();
        json!({
            "pipeline_id": item.pipeline_id,
            "_embedded": { "contacts": [{ "name": name.or(email) }] },
            "metadata": {
                "from": { "email": email, "name": name },
                "received_at": SystemClock.now(),
                "subject": subject,
                "thread_id": thread_id,
                "message_id": message_id,
                "content_summary": text,
            },
        })
    }
}

/// Name and address of `Jo Doe <jo@example.com>`, or of the address alone.
fn author(text: &str) -> (Option<&str>, Option<&str>) {
    let (name, email) = match text.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, email)) => (name.trim(), email.trim()),
        None => ("", text.trim()),
    };
    (Some(name).filter(|name| !name.is_empty()), Some(email).filter(|email| !email.is_empty()))
}

/// Reads a file or standard input, as far as a server would.
fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    let most = MAX_BODY_BYTES as u64 + 1;
    let read = match path.to_str() {
        Some("-") => io::stdin().lock().take(most).read_to_end(&mut text),
        _ => File::open(path).and_then(|file| file.take(most).read_to_end(&mut text)),
    };
    read.with_context(|| format!("cannot read {}", path.display()))?;
    if text.len() > MAX_BODY_BYTES {
        bail!("{} is longer than the {MAX_BODY_BYTES} bytes that a server takes", path.display());
    }
    Ok(text)
}

/// Sends an item; its uid.
async fn send(to: &Connection, route: &str, item: Vec<u8>) -> Result<Uid, Failure> {
    let target = format!("{}/api/v4/leads/unsorted/{route}", to.origin);
    let mut request = Request::new(item);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = target.parse::<Uri>().context("the address of the server is none")?;
    request.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    let answer = to.transport()?.send(request).await.map_err(|error| {
        let (arrival, what) = (error.arrival(), anyhow!(error));
        match arrival {
            Arrival::No => {
                let what = what.context(format!("no answer from {}; is a server running there?", to.origin));
                Failure::Failed(what)
            }
            Arrival::Perhaps => Failure::Unknown(what.context("nobody knows whether it was taken in")),
        }
    })?;
    let status = answer.status();
    let hint = match status {
        StatusCode::UNAUTHORIZED => {
            "; is INCOMING_LEADS_TOKEN, or that of the profile, a token of that server?"
        }
        StatusCode::NOT_FOUND => {
            "; a server takes chats and mails in when it is started with --intake or --demo"
        }
        _ => "",
    };
    let receipts = add::read_response(1, &answer).map_err(|failure| {
        let what = anyhow!("not taken in: {failure}{hint}");
        match status {
            status if status.is_client_error() => Failure::Refused(what),
            status if status.is_server_error() => Failure::Unknown(what),
            _ => Failure::Failed(what),
        }
    })?;
    let receipt = receipts.into_iter().next().context("the answer names no incoming lead")?;
    Ok(receipt.uid)
}

#[cfg(test)]
mod tests {
    use super::author;

    #[test]
    fn an_author_is_an_address_with_or_without_a_name() {
        assert_eq!(author("Jo Doe <jo@example.com>"), (Some("Jo Doe"), Some("jo@example.com")));
        assert_eq!(author("<jo@example.com>"), (None, Some("jo@example.com")));
        assert_eq!(author(" jo@example.com "), (None, Some("jo@example.com")));
    }
}
