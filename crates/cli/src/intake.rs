//! `incoming-leads intake`: takes one chat message or one mail in, as built-in integrations do.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use incoming_leads_model::limits::MAX_BODY_BYTES;
use incoming_leads_model::{PipelineId, Uid};
use incoming_leads_port::{Clock, SystemClock};
use incoming_leads_wire_v4::add;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use rustls::crypto::ring;
use serde_json::{Value, json};

use crate::{Failure, print, token};

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
struct To {
    /// The server
    #[arg(long, value_name = "URL", env = "INCOMING_LEADS_URL", default_value = "http://127.0.0.1:8080")]
    url: Url,

    /// The token; others see it in the list of processes, so better set INCOMING_LEADS_TOKEN
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// The whole incoming lead instead of its parts, as JSON like an item of an add; - is standard input
    #[arg(long, value_name = "JSON")]
    file: Option<PathBuf>,

    /// The pipeline in which it waits; default: the main one
    #[arg(long, value_name = "ID", conflicts_with = "file", value_parser = pipeline_id)]
    pipeline_id: Option<PipelineId>,
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
    to: To,
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
    to: To,
}

fn pipeline_id(text: &str) -> Result<PipelineId> {
    Ok(PipelineId::new(text.parse()?)?)
}

impl Intake {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let (route, item, to) = match self.what {
            What::Chat(chat) => ("chats", chat.item(), chat.to),
            What::Mail(mail) => ("mail", mail.item(), mail.to),
        };
        let missing = || Failure::Usage(format!("a token is due: set {} or give --token", token::VARIABLE));
        let token = token::given(to.token)?.ok_or_else(missing)?;
        let item = match &to.file {
            Some(path) => read(path)?,
            None => item.to_string().into_bytes(),
        };
        let uid = send(&to.url, route, &token, item).await?;
        Ok(print(&format!("{uid}\n"))?)
    }
}

impl Chat {
    fn item(&self) -> Value {
        let Self { from, text, chat_id, to } = self;
        json!({
            "pipeline_id": to.pipeline_id,
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
    fn item(&self) -> Value {
        let Self { from, subject, text, thread_id, message_id, to } = self;
        let (name, email) = from.as_deref().map(author).unwrap_or_default();
        json!({
            "pipeline_id": to.pipeline_id,
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
fn read(path: &Path) -> Result<Vec<u8>> {
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
async fn send(url: &Url, route: &str, token: &str, item: Vec<u8>) -> Result<Uid> {
    let target = format!("{}/api/v4/leads/unsorted/{route}", url.as_str().trim_end_matches('/'));
    let request =
        client(url)?.post(target).bearer_auth(token).header(CONTENT_TYPE, "application/json").body(item);
    let response = request.send().await.map_err(reqwest::Error::without_url);
    let response =
        response.with_context(|| format!("no answer from {}; is a server running there?", origin(url)))?;
    let status = response.status();
    let body = body(response).await.with_context(|| format!("the answer of {} broke off", origin(url)))?;
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    let hint = match status {
        StatusCode::UNAUTHORIZED => "; is INCOMING_LEADS_TOKEN a token of that server?",
        StatusCode::NOT_FOUND => {
            "; a server takes chats and mails in when it is started with --intake or --demo"
        }
        _ => "",
    };
    let receipts =
        add::read_response(1, &answer).map_err(|failure| anyhow!("not taken in: {failure}{hint}"))?;
    let receipt = receipts.into_iter().next().context("the answer names no incoming lead")?;
    Ok(receipt.uid)
}

fn client(url: &Url) -> Result<Client> {
    // An error says that there is a provider already.
    let _ = ring::default_provider().install_default();
    let mut builder = Client::builder().timeout(Duration::from_secs(30)).redirect(redirect::Policy::none());
    if url.scheme() != "https" {
        // Without TLS it does not matter whether this machine trusts anybody.
        builder = builder.tls_certs_only([]);
    }
    builder.build().context("cannot set up HTTP")
}

/// Scheme, host and port: what an error may tell of an address.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The body of an answer, as far as it is of a sensible length.
async fn body(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BODY_BYTES {
            break;
        }
    }
    Ok(body)
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
