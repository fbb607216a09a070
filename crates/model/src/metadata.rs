//! Metadata: what is told of a call, a form, a chat or a mail (R1).
//!
//! The category follows from the variant and is stored nowhere beside it. Scalars that wires send now as a number
//! and now as a text (`phone`, `form_id`, `thread_id`) are kept as canonical text: `14155551234` is `"14155551234"`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::moment::Moment;

/// Keys that no document names, kept as they came.
pub type Further = Map<String, Value>;

/// The four categories of incoming leads. Source: both v4 documents, "Common information".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// A telephone call.
    Sip,
    /// A request from a web form.
    Forms,
    /// A chat.
    Chats,
    /// A mail.
    Mail,
}

impl Category {
    /// All four, in the order in which summaries name them.
    pub const ALL: [Category; 4] = [Category::Sip, Category::Forms, Category::Chats, Category::Mail];

    /// The name in the v4 documents: `sip`, `forms`, `chats`, `mail`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Category::Sip => "sip",
            Category::Forms => "forms",
            Category::Chats => "chats",
            Category::Mail => "mail",
        }
    }

    /// The place in [`Category::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Category::Sip => 0,
            Category::Forms => 1,
            Category::Chats => 2,
            Category::Mail => 3,
        }
    }

    /// The category of this name, as the v4 documents spell it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == name)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is told of an incoming lead, by category.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metadata {
    /// A call.
    Sip(SipMetadata),
    /// A form.
    Forms(FormsMetadata),
    /// A chat.
    Chats(ChatsMetadata),
    /// A mail.
    Mail(MailMetadata),
}

impl Metadata {
    /// Metadata of this category that tells nothing.
    #[must_use]
    pub fn empty(category: Category) -> Self {
        match category {
            Category::Sip => Metadata::Sip(SipMetadata::default()),
            Category::Forms => Metadata::Forms(FormsMetadata::default()),
            Category::Chats => Metadata::Chats(ChatsMetadata::default()),
            Category::Mail => Metadata::Mail(MailMetadata::default()),
        }
    }

    /// The category.
    #[must_use]
    pub const fn category(&self) -> Category {
        match self {
            Metadata::Sip(_) => Category::Sip,
            Metadata::Forms(_) => Category::Forms,
            Metadata::Chats(_) => Category::Chats,
            Metadata::Mail(_) => Category::Mail,
        }
    }
}

/// Metadata of a call. Source: "Incoming leads metadata of the sip (call) category" of both v4 documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipMetadata {
    /// Call initiator, verbatim. No meaning is given to it: clients disagree on who it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Call recipient, verbatim (v2: `to`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// When the call took place (UTC). Without it a call has no identity (R6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called_at: Option<Moment>,
    /// How long the call took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<u64>,
    /// A link to the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Code of the service provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// The call's own code; undocumented on v4. Text by intent, but numbers and arrays are sent too.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "told")]
    pub uniq: Option<Value>,
    /// Who was called: a user id, number or name; on newer pages of the vendor only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_responsible: Option<String>,
    /// Whether accepting puts a call note on the lead and the contact (`is_call_event_needed`, v2: `add_note`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_event: Option<CallEvent>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// A value that is there, were it null: serde's own reading takes null for an absent one.
pub(crate) fn told<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Whether a call note is wished for (R8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEvent {
    /// No note.
    Unwanted,
    /// A note without words of its own.
    Plain,
    /// A note with this text.
    Text(String),
}

impl CallEvent {
    /// Reads the flag of a wire: `true`, `"true"`, `"1"` and any number but 0 wish for a plain note; any
    /// other text that is not empty, `"0"` or `"false"` wishes for a note with that text; null says nothing; the rest
    /// wishes for none.
    #[must_use]
    pub fn read(flag: &Value) -> Option<Self> {
        Some(match flag {
            Value::Null => return None,
            Value::Bool(true) => CallEvent::Plain,
            Value::Number(number) if number.as_f64() != Some(0.0) => CallEvent::Plain,
            Value::String(text) => match text.as_str() {
                "" | "0" | "false" => CallEvent::Unwanted,
                "1" | "true" => CallEvent::Plain,
                _ => CallEvent::Text(text.clone()),
            },
            Value::Bool(false) | Value::Number(_) | Value::Array(_) | Value::Object(_) => CallEvent::Unwanted,
        })
    }
}

/// Metadata of a form. Source: "Incoming leads metadata of the forms category" of both v4 documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FormsMetadata {
    /// The integration's id of the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_id: Option<String>,
    /// The form's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_name: Option<String>,
    /// The page of the form: an address or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_page: Option<String>,
    /// The address from which the form was sent, verbatim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// When the form was sent (UTC). Without it a form has no identity (R6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_sent_at: Option<Moment>,
    /// The page from which the visitor came to the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referer: Option<String>,
    /// The visitor's uid; undocumented, null in real answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor_uid: Option<String>,
    /// Code of the widget or service. Source: v2 document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// Kind of form; undocumented (`1` default, `2` WordPress).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_type: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// Metadata of a chat. Source: "Incoming leads metadata of the chats category" of both v4 documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatsMetadata {
    /// Name of the user who sent the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Id of the page that received the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// When the message came (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Moment>,
    /// Name of the service that delivered the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Who wrote.
    pub client: ChatClient,
    /// Where it came from.
    pub origin: ChatOrigin,
    /// The last message of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message_text: Option<String>,
    /// Name of the message's source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_name: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// The author of a chat message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatClient {
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Link to the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// The source of a chat message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatOrigin {
    /// Id of the chat in its service: the chat's identity (R6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_id: Option<String>,
    /// Further data of the service (`ref` on the wire).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Uid of the user who wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor_uid: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// Metadata of a mail. Source: "Incoming leads metadata of the mail category" of both v4 documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailMetadata {
    /// Who wrote.
    pub from: MailAuthor,
    /// When the mail came (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Moment>,
    /// Subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Id of the thread in the mail service; canonical text of a number or a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Id of the mail in the mail service; canonical text of a number or a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Short form of the contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_summary: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}

/// The author of a mail.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailAuthor {
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Any further key.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub further: Further,
}
