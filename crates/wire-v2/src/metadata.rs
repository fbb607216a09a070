//! `incoming_lead_info`: what is told of a call, a form, a chat or a mail.
//!
//! Source: v2 document, "Parameters for sip", "Parameters for the web form" and the table of the list. It prints
//! nothing for chats and mails; those have v4's keys.

use incoming_leads_model::{
    CallEvent, Category, ChatClient, ChatOrigin, ChatsMetadata, FormsMetadata, MailAuthor, MailMetadata,
    Metadata, SipMetadata,
};
use serde_json::Value;

use crate::problem::Fault;
use crate::read::Object;
use crate::write::{Fields, Side, secs};

/// The name of a category as v2 writes it. Source: v2 document: `form` in the list's and the summary's example.
pub(crate) const fn category_name(category: Category) -> &'static str {
    match category {
        Category::Sip => "sip",
        Category::Forms => "form",
        Category::Chats => "chat",
        Category::Mail => "mail",
    }
}

/// Reads the name of a category, also in the plural that the document uses elsewhere.
pub(crate) fn category(name: &str) -> Option<Category> {
    Category::ALL.into_iter().find(|category| category_name(*category) == name || category.as_str() == name)
}

/// Keys that differ between request, answer and generation, the first being written in a request.
const CALLED_AT: &[&str] = &["date_call", "date", "called_at"];
const TO: &[&str] = &["to", "phone"];
const ADD_NOTE: &[&str] = &["add_note", "is_call_event_needed"];
const FORM_SENT_AT: &[&str] = &["form_send_at", "form_sent_at"];

/// Keys under which nothing of somebody else's may stand.
const CALL: &[&str] = &[
    "to",
    "phone",
    "from",
    "date_call",
    "date",
    "called_at",
    "duration",
    "link",
    "service_code",
    "uniq",
    "add_note",
    "is_call_event_needed",
    "call_responsible",
];
const FORM: &[&str] = &[
    "form_id",
    "form_page",
    "ip",
    "service_code",
    "form_name",
    "form_send_at",
    "form_sent_at",
    "referer",
    "visitor_uid",
    "form_type",
];
const CHAT: &[&str] =
    &["from", "to", "received_at", "service", "client", "origin", "last_message_text", "source_name"];
const MAIL: &[&str] = &["from", "received_at", "subject", "thread_id", "message_id", "content_summary"];

/// The category picks how it is read (R1).
pub(crate) fn read(category: Category, object: Object) -> Result<Metadata, Fault> {
    match category {
        Category::Sip => read_call(object).map(Metadata::Sip),
        Category::Forms => read_form(object).map(Metadata::Forms),
        Category::Chats => read_chat(object).map(Metadata::Chats),
        Category::Mail => read_mail(object).map(Metadata::Mail),
    }
}

fn read_call(mut object: Object) -> Result<SipMetadata, Fault> {
    Ok(SipMetadata {
        from: object.text(&["from"])?,
        phone: object.text(TO)?,
        called_at: object.moment(CALLED_AT)?,
        duration: object.whole(&["duration"])?,
        link: object.text(&["link"])?,
        service_code: object.text(&["service_code"])?,
        uniq: object.value("uniq"),
        call_responsible: object.text(&["call_responsible"])?,
        call_event: object.take(ADD_NOTE).and_then(|(_, flag)| CallEvent::read(&flag)),
        further: object.rest(),
    })
}

fn read_form(mut object: Object) -> Result<FormsMetadata, Fault> {
    Ok(FormsMetadata {
        form_id: object.text(&["form_id"])?,
        form_name: object.text(&["form_name"])?,
        form_page: object.text(&["form_page"])?,
        ip: object.text(&["ip"])?,
        form_sent_at: object.moment(FORM_SENT_AT)?,
        referer: object.text(&["referer"])?,
        visitor_uid: object.text(&["visitor_uid"])?,
        service_code: object.text(&["service_code"])?,
        form_type: object.text(&["form_type"])?,
        further: object.rest(),
    })
}

fn read_chat(mut object: Object) -> Result<ChatsMetadata, Fault> {
    let client = |mut object: Object| {
        let (name, avatar) = (object.text(&["name"])?, object.text(&["avatar"])?);
        Ok::<_, Fault>(ChatClient { name, avatar, further: object.rest() })
    };
    let origin = |mut object: Object| {
        let (chat_id, reference) = (object.text(&["chat_id"])?, object.text(&["ref"])?);
        let visitor_uid = object.text(&["visitor_uid"])?;
        Ok::<_, Fault>(ChatOrigin { chat_id, reference, visitor_uid, further: object.rest() })
    };
    Ok(ChatsMetadata {
        from: object.text(&["from"])?,
        to: object.text(&["to"])?,
        received_at: object.moment(&["received_at"])?,
        service: object.text(&["service"])?,
        client: object.object(&["client"])?.map(client).transpose()?.unwrap_or_default(),
        origin: object.object(&["origin"])?.map(origin).transpose()?.unwrap_or_default(),
        last_message_text: object.text(&["last_message_text"])?,
        source_name: object.text(&["source_name"])?,
        further: object.rest(),
    })
}

fn read_mail(mut object: Object) -> Result<MailMetadata, Fault> {
    Ok(MailMetadata {
        from: object
            .take(&["from"])
            .map(|(path, from)| read_author(path, from))
            .transpose()?
            .unwrap_or_default(),
        received_at: object.moment(&["received_at"])?,
        subject: object.text(&["subject"])?,
        thread_id: object.text(&["thread_id"])?,
        message_id: object.text(&["message_id"])?,
        content_summary: object.text(&["content_summary"])?,
        further: object.rest(),
    })
}

/// The author of a mail: an object, or, as older wires had it, the address alone.
fn read_author(path: String, from: Value) -> Result<MailAuthor, Fault> {
    if let Value::String(address) = from {
        return Ok(MailAuthor { email: Some(address), ..MailAuthor::default() });
    }
    let mut object = Object::at(path, from)?;
    let (email, name) = (object.text(&["email"])?, object.text(&["name"])?);
    Ok(MailAuthor { email, name, further: object.rest() })
}

/// Writes it: a client what is known, in the request's words; a server what is known, in the answer's, and null for
/// what is not where the printed answers have the key.
pub(crate) fn write(metadata: &Metadata, side: Side) -> Value {
    match metadata {
        Metadata::Sip(call) => write_call(call, side),
        Metadata::Forms(form) => write_form(form, side),
        Metadata::Chats(chat) => write_chat(chat),
        Metadata::Mail(mail) => write_mail(mail),
    }
}

fn write_call(call: &SipMetadata, side: Side) -> Value {
    let SipMetadata {
        from,
        phone,
        called_at,
        duration,
        link,
        service_code,
        uniq,
        call_responsible,
        call_event,
        further,
    } = call;
    let mut fields = Fields::new();
    fields.told("from", from.as_deref(), side);
    fields.told("to", phone.as_deref(), side);
    let duration = duration.map(|secs| secs.to_string());
    fields.told("duration", duration, side);
    fields.told("link", link.as_deref(), side);
    fields.told("service_code", service_code.as_deref(), side);
    fields.put_some("uniq", uniq.clone());
    fields.put_some("call_responsible", call_responsible.as_deref());
    match side {
        Side::Sent => {
            fields.put_some("date_call", called_at.map(secs));
            fields.put_some("add_note", call_event.as_ref().map(write_call_event));
        }
        Side::Told => fields.told("date", called_at.map(secs), side),
    }
    fields.further(further, CALL);
    fields.into()
}

fn write_call_event(event: &CallEvent) -> Value {
    match event {
        CallEvent::Unwanted => false.into(),
        CallEvent::Plain => true.into(),
        CallEvent::Text(text) => text.as_str().into(),
    }
}

fn write_form(form: &FormsMetadata, side: Side) -> Value {
    let FormsMetadata {
        form_id,
        form_name,
        form_page,
        ip,
        form_sent_at,
        referer,
        visitor_uid,
        service_code,
        form_type,
        further,
    } = form;
    let mut fields = Fields::new();
    fields.told("form_id", form_id.as_deref(), side);
    fields.told("form_name", form_name.as_deref(), side);
    fields.told("form_page", form_page.as_deref(), side);
    fields.told("ip", ip.as_deref(), side);
    fields.told("form_send_at", form_sent_at.map(secs), side);
    fields.told("referer", referer.as_deref(), side);
    fields.put_some("service_code", service_code.as_deref());
    fields.put_some("visitor_uid", visitor_uid.as_deref());
    fields.put_some("form_type", form_type.as_deref());
    fields.further(further, FORM);
    fields.into()
}

fn write_chat(chat: &ChatsMetadata) -> Value {
    let ChatsMetadata {
        from,
        to,
        received_at,
        service,
        client,
        origin,
        last_message_text,
        source_name,
        further,
    } = chat;
    let mut fields = Fields::new();
    fields.put("from", from.as_deref());
    fields.put("to", to.as_deref());
    fields.put("received_at", received_at.map(secs));
    fields.put("service", service.as_deref());
    let ChatClient { name, avatar, further: of_client } = client;
    let mut below = Fields::new();
    below.put("name", name.as_deref());
    below.put("avatar", avatar.as_deref());
    below.further(of_client, &[]);
    fields.put("client", below);
    let ChatOrigin { chat_id, reference, visitor_uid, further: of_origin } = origin;
    let mut below = Fields::new();
    below.put("chat_id", chat_id.as_deref());
    below.put("ref", reference.as_deref());
    below.put("visitor_uid", visitor_uid.as_deref());
    below.further(of_origin, &[]);
    fields.put("origin", below);
    fields.put("last_message_text", last_message_text.as_deref());
    fields.put("source_name", source_name.as_deref());
    fields.further(further, CHAT);
    fields.into()
}

fn write_mail(mail: &MailMetadata) -> Value {
    let MailMetadata { from, received_at, subject, thread_id, message_id, content_summary, further } = mail;
    let MailAuthor { email, name, further: of_author } = from;
    let mut below = Fields::new();
    below.put("email", email.as_deref());
    below.put("name", name.as_deref());
    below.further(of_author, &[]);
    let mut fields = Fields::new();
    fields.put("from", below);
    fields.put("received_at", received_at.map(secs));
    fields.put("subject", subject.as_deref());
    fields.put("thread_id", thread_id.as_deref());
    fields.put("message_id", message_id.as_deref());
    fields.put("content_summary", content_summary.as_deref());
    fields.further(further, MAIL);
    fields.into()
}
