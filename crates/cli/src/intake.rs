//! `incoming-leads intake`: takes one chat message or one mail in, as built-in integrations do.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};
use incoming_leads_model::limits::MAX_BODY_BYTES;
use incoming_leads_model::{
    Card, ChatClient, ChatOrigin, ChatsMetadata, ContactDraft, Draft, MailAuthor, MailMetadata, Metadata,
    PipelineId,
};
use incoming_leads_port::{Clock, SystemClock};
use incoming_leads_wire_v4::Problem;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, StatusCode, Url, redirect};
use rustls::crypto::ring;

use crate::{Failure, print, token};

/// Take a chat message or a mail in, at a server whose intake is open.
///
/// Prints the server's receipt: the uid of the incoming lead, and the ids of its lead, contact and company.
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
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    url: Url,

    /// The token; others see it in the list of processes, so better set INCOMING_LEADS_TOKEN
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// The whole incoming lead, as the `draft` of a seed, instead of its parts; - is standard input
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
        let (route, to, draft) = match self.what {
            What::Chat(chat) => ("chat", chat.to, chat_draft(chat.from, chat.text, chat.chat_id)),
            What::Mail(Mail { from, subject, text, thread_id, message_id, to }) => {
                ("mail", to, mail_draft(from.as_deref(), subject, text, thread_id, message_id))
            }
        };
        let missing = || Failure::Usage(format!("a token is due: set {} or give --token", token::VARIABLE));
        let token = token::given(to.token)?.ok_or_else(missing)?;
        let draft = match &to.file {
            Some(path) => read(path)?,
            None => Draft { pipeline_id: to.pipeline_id, ..draft },
        };
        Ok(print(&send(&to.url, route, &token, &draft).await?)?)
    }
}

fn chat_draft(from: Option<String>, text: Option<String>, chat_id: Option<String>) -> Draft {
    let contacts = vec![contact(from.clone())];
    let metadata = Metadata::Chats(ChatsMetadata {
        client: ChatClient { name: from.clone(), ..ChatClient::default() },
        from,
        received_at: Some(SystemClock.now()),
        origin: ChatOrigin { chat_id, ..ChatOrigin::default() },
        last_message_text: text,
        ..ChatsMetadata::default()
    });
    Draft { metadata: Some(metadata), contacts, ..Draft::default() }
}

fn mail_draft(
    from: Option<&str>,
    subject: Option<String>,
    text: Option<String>,
    thread_id: Option<String>,
    message_id: Option<String>,
) -> Draft {
    let author = from.map(author).unwrap_or_default();
    let contacts = vec![contact(author.name.clone().or_else(|| author.email.clone()))];
    let metadata = Metadata::Mail(MailMetadata {
        from: author,
        received_at: Some(SystemClock.now()),
        subject,
        thread_id,
        message_id,
        content_summary: text,
        ..MailMetadata::default()
    });
    Draft { metadata: Some(metadata), contacts, ..Draft::default() }
}

/// Reads `Jo Doe <jo@example.com>`, or the address alone.
fn author(text: &str) -> MailAuthor {
    let (name, email) = match text.trim().strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, email)) => (name.trim(), email.trim()),
        None => ("", text.trim()),
    };
    let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    MailAuthor { email: told(email), name: told(name), ..MailAuthor::default() }
}

fn contact(name: Option<String>) -> ContactDraft {
    ContactDraft { card: Card { name, ..Card::default() }, ..ContactDraft::default() }
}

/// Reads a draft from a file, or from standard input.
fn read(path: &Path) -> Result<Draft> {
    let (name, reader): (_, Box<dyn Read>) = match path.to_str() {
        Some("-") => ("standard input".to_owned(), Box::new(io::stdin().lock())),
        _ => {
            let name = path.display().to_string();
            let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
            (name, Box::new(file))
        }
    };
    let mut text = Vec::new();
    reader
        .take(MAX_BODY_BYTES as u64 + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("cannot read {name}"))?;
    if text.len() > MAX_BODY_BYTES {
        bail!("{name} is longer than the {MAX_BODY_BYTES} bytes that a server takes");
    }
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(&text))
        .with_context(|| format!("{name} is no draft"))
}

/// Sends a draft; the receipt.
async fn send(url: &Url, route: &str, token: &str, draft: &Draft) -> Result<String> {
    let target = format!("{}/intake/{route}", url.as_str().trim_end_matches('/'));
    let request = client(url)?
        .post(target)
        .bearer_auth(token)
        .header(CONTENT_TYPE, "application/json")
        .body(serde_json::to_vec(draft).context("a draft is plain data")?);
    let response = request.send().await.map_err(reqwest::Error::without_url);
    let response = response.with_context(|| {
        format!("no answer from {}; is it running? incoming-leads serve --demo starts one", origin(url))
    })?;
    let status = response.status();
    let body = body(response).await.with_context(|| format!("the answer of {} broke off", origin(url)))?;
    if status.is_success() {
        return Ok(format!("{}\n", body.trim_end()));
    }
    let hint = match status {
        StatusCode::UNAUTHORIZED => "; is INCOMING_LEADS_TOKEN a token of that server?",
        StatusCode::NOT_FOUND => {
            "; a server takes chats and mails in when it is started with --intake or --demo"
        }
        _ => "",
    };
    match Problem::read(status, body.as_bytes()) {
        Some(problem) => Err(anyhow!("the server refused: {problem}{hint}")),
        None => Err(anyhow!("the server answered {status}{hint}")),
    }
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
async fn body(mut response: Response) -> reqwest::Result<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_an_address_with_or_without_a_name() {
        let told = |text: &str| {
            let MailAuthor { email, name, .. } = author(text);
            (email.unwrap_or_default(), name.unwrap_or_default())
        };
        assert_eq!(told("Jo Doe <jo@example.com>"), ("jo@example.com".to_owned(), "Jo Doe".to_owned()));
        assert_eq!(told("<jo@example.com>"), ("jo@example.com".to_owned(), String::new()));
        assert_eq!(told(" jo@example.com "), ("jo@example.com".to_owned(), String::new()));
    }
}
