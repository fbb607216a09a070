//! What cases send in: calls, forms, chats and mails that are right in all but what a case is about.

use incoming_leads_model::{
    Add, Card, ChatClient, ChatOrigin, ChatsMetadata, CompanyDraft, ContactDraft, Draft, FormsMetadata,
    LeadDraft, MailAuthor, MailMetadata, Metadata, Moment, SipMetadata, TakeIn,
};

use crate::fixture::START;

/// A call, told apart from others by its number, with a lead, a contact and a company.
pub(crate) fn call(number: u64) -> Draft {
    let metadata = SipMetadata {
        from: Some(format!("1415555{number:04}")),
        phone: Some("14155550000".to_owned()),
        called_at: Some(START),
        duration: Some(30),
        link: Some("https://example.com/record.mp3".to_owned()),
        service_code: Some("pbx".to_owned()),
        ..SipMetadata::default()
    };
    full(Metadata::Sip(metadata))
}

/// A form, told apart from others by its number, with a lead, a contact and a company.
pub(crate) fn form(number: u64) -> Draft {
    let metadata = FormsMetadata {
        form_id: Some(number.to_string()),
        form_name: Some("Order".to_owned()),
        form_page: Some("https://example.com/order".to_owned()),
        ip: Some("203.0.113.7".to_owned()),
        form_sent_at: Some(START),
        referer: Some("https://example.com/".to_owned()),
        ..FormsMetadata::default()
    };
    full(Metadata::Forms(metadata))
}

/// A message of this chat.
pub(crate) fn chat(chat_id: &str, text: &str) -> Draft {
    let metadata = ChatsMetadata {
        from: Some("Chris".to_owned()),
        to: Some("page".to_owned()),
        received_at: Some(START),
        service: Some("messenger".to_owned()),
        client: ChatClient { name: Some("Chris".to_owned()), ..ChatClient::default() },
        origin: ChatOrigin { chat_id: Some(chat_id.to_owned()), ..ChatOrigin::default() },
        last_message_text: Some(text.to_owned()),
        source_name: Some("Page".to_owned()),
        ..ChatsMetadata::default()
    };
    full(Metadata::Chats(metadata))
}

/// A mail.
pub(crate) fn mail(thread_id: &str, message_id: &str) -> Draft {
    let from = MailAuthor {
        email: Some("max@example.com".to_owned()),
        name: Some("Max".to_owned()),
        ..MailAuthor::default()
    };
    let metadata = MailMetadata {
        from,
        received_at: Some(START),
        subject: Some("A question".to_owned()),
        thread_id: Some(thread_id.to_owned()),
        message_id: Some(message_id.to_owned()),
        content_summary: Some("What does it cost?".to_owned()),
        ..MailMetadata::default()
    };
    full(Metadata::Mail(metadata))
}

/// The draft with other metadata of a call.
pub(crate) fn with_call(draft: Draft, change: impl FnOnce(&mut SipMetadata)) -> Draft {
    let Some(Metadata::Sip(mut call)) = draft.metadata else { return draft };
    change(&mut call);
    Draft { metadata: Some(Metadata::Sip(call)), ..draft }
}

/// The draft, created at this moment.
pub(crate) fn at(draft: Draft, created_at: Moment) -> Draft {
    Draft { created_at: Some(created_at), ..draft }
}

/// An add of one item.
pub(crate) fn one(draft: Draft) -> Add {
    match draft.metadata {
        Some(Metadata::Forms(_)) => Add::forms(vec![draft]),
        _ => Add::calls(vec![draft]),
    }
}

/// An intake.
pub(crate) fn intake(draft: Draft) -> TakeIn {
    TakeIn::new(draft)
}

/// A card with a name.
pub(crate) fn card(name: &str) -> Card {
    Card { name: Some(name.to_owned()), ..Card::default() }
}

fn full(metadata: Metadata) -> Draft {
    Draft {
        source_name: Some("Source".to_owned()),
        source_uid: Some("source-1".to_owned()),
        pipeline_id: None,
        created_at: None,
        metadata: Some(metadata),
        leads: vec![LeadDraft { price: Some(10), card: card("New lead"), ..LeadDraft::default() }],
        contacts: vec![ContactDraft { card: card("New contact"), ..ContactDraft::default() }],
        companies: vec![CompanyDraft { card: card("New company"), ..CompanyDraft::default() }],
    }
}
