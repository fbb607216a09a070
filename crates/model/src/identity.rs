//! Identity of pending leads (R6): what makes two of them the same.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::metadata::Metadata;

/// The identity of an incoming lead within its account, as canonical text. Stores keep it or a digest of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identity(String);

impl Identity {
    /// The identity; none without the moment of a call or form, the chat id of a chat, both ids of a mail.
    ///
    /// sip: from, phone, duration, called_at, service_code; forms: form_id, form_page, form_sent_at;
    /// chats: origin.chat_id; mail: thread_id, message_id. The same on every wire.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Option<Self> {
        let parts = match metadata {
            Metadata::Sip(call) => {
                let called_at = call.called_at?;
                json!(["sip", call.from, call.phone, call.duration, called_at, call.service_code])
            }
            Metadata::Forms(form) => {
                let form_sent_at = form.form_sent_at?;
                json!(["forms", form.form_id, form.form_page, form_sent_at])
            }
            Metadata::Chats(chat) => json!(["chats", chat.origin.chat_id.as_ref()?]),
            Metadata::Mail(mail) => json!(["mail", mail.thread_id.as_ref()?, mail.message_id.as_ref()?]),
        };
        Some(Self(parts.to_string()))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
