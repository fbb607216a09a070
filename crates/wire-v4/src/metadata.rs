//! Metadata of the four categories. Source: "Metadata objects description" of both v4 documents.

use std::fmt;

use incoming_leads_model::{
    CallEvent, Category, ChatClient, ChatOrigin, ChatsMetadata, FormsMetadata, MailAuthor, MailMetadata,
    Metadata, Moment, SipMetadata,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::convert::{moment, text};
use crate::document::{Text, Whole, digits, document};
use crate::problem::ValidationError;
use crate::write::{Put, Quoted, Writer};

document! {
    /// Metadata of a call.
    pub(crate) struct SipDocument {
        "from" => from: Text,
        "phone" => phone: Text,
        "called_at" => called_at: Whole,
        "duration" => duration: Whole,
        "link" => link: Text,
        "service_code" => service_code: Text,
        "uniq" => uniq: Value,
        "call_responsible" => call_responsible: Text,
        "is_call_event_needed" => is_call_event_needed: Value,
        .. => further
    }
}

document! {
    /// Metadata of a form.
    pub(crate) struct FormsDocument {
        "form_id" => form_id: Text,
        "form_name" => form_name: Text,
        "form_page" => form_page: Text,
        "ip" => ip: Text,
        "form_sent_at" => form_sent_at: Whole,
        "referer" => referer: Text,
        "visitor_uid" => visitor_uid: Text,
        "service_code" => service_code: Text,
        "form_type" => form_type: Text,
        .. => further
    }
}

document! {
    /// Metadata of a chat.
    pub(crate) struct ChatsDocument {
        "from" => from: Text,
        "to" => to: Text,
        "received_at" => received_at: Whole,
        "service" => service: Text,
        "client" => client: ClientDocument,
        "origin" => origin: OriginDocument,
        "last_message_text" => last_message_text: Text,
        "source_name" => source_name: Text,
        .. => further
    }
}

document! {
    /// The author of a chat message.
    pub(crate) struct ClientDocument {
        "name" => name: Text,
        "avatar" => avatar: Text,
        .. => further
    }
}

document! {
    /// The source of a chat message.
    pub(crate) struct OriginDocument {
        "chat_id" => chat_id: Text,
        "ref" => reference: Text,
        "visitor_uid" => visitor_uid: Text,
        .. => further
    }
}

document! {
    /// Metadata of a mail.
    pub(crate) struct MailDocument {
        "from" => from: Author,
        "received_at" => received_at: Whole,
        "subject" => subject: Text,
        "thread_id" => thread_id: Text,
        "message_id" => message_id: Text,
        "content_summary" => content_summary: Text,
        .. => further
    }
}

document! {
    /// The author of a mail.
    pub(crate) struct AuthorDocument {
        "email" => email: Text,
        "name" => name: Text,
        .. => further
    }
}

/// The author of a mail: an object, or, as older wires had it, the address alone.
#[derive(Debug)]
pub(crate) struct Author(AuthorDocument);

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Author;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with email and name, or an address")
            }

            fn visit_str<E>(self, address: &str) -> Result<Author, E> {
                let email = Some(Text(address.to_owned()));
                Ok(Author(AuthorDocument { email, ..AuthorDocument::default() }))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Author, A::Error> {
                crate::json::empty_list(list).map(Author)
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Author, A::Error> {
                AuthorDocument::deserialize(MapAccessDeserializer::new(object)).map(Author)
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// Reads metadata of this category: the category picks the variant, also for `[]` and null (R1).
///
/// The document becomes the model's at once, because the copies of a large document are what reading a page spends
/// most of its time on after the parser.
pub(crate) struct OfCategory(pub(crate) Category);

impl<'de> DeserializeSeed<'de> for OfCategory {
    type Value = Metadata;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Metadata, D::Error> {
        fn read<'de, T, M, D>(deserializer: D) -> Result<M, D::Error>
        where
            T: Deserialize<'de> + Default,
            M: TryFrom<T, Error = ValidationError>,
            D: Deserializer<'de>,
        {
            let document = Option::<T>::deserialize(deserializer)?.unwrap_or_default();
            M::try_from(document).map_err(D::Error::custom)
        }

        match self.0 {
            Category::Sip => read::<SipDocument, _, _>(deserializer).map(Metadata::Sip),
            Category::Forms => read::<FormsDocument, _, _>(deserializer).map(Metadata::Forms),
            Category::Chats => read::<ChatsDocument, _, _>(deserializer).map(Metadata::Chats),
            Category::Mail => read::<MailDocument, _, _>(deserializer).map(Metadata::Mail),
        }
    }
}

impl TryFrom<SipDocument> for SipMetadata {
    type Error = ValidationError;

    fn try_from(document: SipDocument) -> Result<Self, ValidationError> {
        let SipDocument {
            from,
            phone,
            called_at,
            duration,
            link,
            service_code,
            uniq,
            call_responsible,
            is_call_event_needed,
            further,
        } = document;
        Ok(Self {
            from: text(from),
            phone: text(phone),
            called_at: moment("called_at", called_at)?,
            duration: duration.map(|Whole(secs)| secs),
            link: text(link),
            service_code: text(service_code),
            uniq,
            call_responsible: text(call_responsible),
            call_event: is_call_event_needed.as_ref().and_then(CallEvent::read),
            further,
        })
    }
}

impl TryFrom<FormsDocument> for FormsMetadata {
    type Error = ValidationError;

    fn try_from(document: FormsDocument) -> Result<Self, ValidationError> {
        let FormsDocument {
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
        } = document;
        Ok(Self {
            form_id: text(form_id),
            form_name: text(form_name),
            form_page: text(form_page),
            ip: text(ip),
            form_sent_at: moment("form_sent_at", form_sent_at)?,
            referer: text(referer),
            visitor_uid: text(visitor_uid),
            service_code: text(service_code),
            form_type: text(form_type),
            further,
        })
    }
}

impl TryFrom<ChatsDocument> for ChatsMetadata {
    type Error = ValidationError;

    fn try_from(document: ChatsDocument) -> Result<Self, ValidationError> {
        let ChatsDocument {
            from,
            to,
            received_at,
            service,
            client,
            origin,
            last_message_text,
            source_name,
            further,
        } = document;
        Ok(Self {
            from: text(from),
            to: text(to),
            received_at: moment("received_at", received_at)?,
            service: text(service),
            client: client.unwrap_or_default().into(),
            origin: origin.unwrap_or_default().into(),
            last_message_text: text(last_message_text),
            source_name: text(source_name),
            further,
        })
    }
}

impl From<ClientDocument> for ChatClient {
    fn from(document: ClientDocument) -> Self {
        let ClientDocument { name, avatar, further } = document;
        Self { name: text(name), avatar: text(avatar), further }
    }
}

impl From<OriginDocument> for ChatOrigin {
    fn from(document: OriginDocument) -> Self {
        let OriginDocument { chat_id, reference, visitor_uid, further } = document;
        Self { chat_id: text(chat_id), reference: text(reference), visitor_uid: text(visitor_uid), further }
    }
}

impl TryFrom<MailDocument> for MailMetadata {
    type Error = ValidationError;

    fn try_from(document: MailDocument) -> Result<Self, ValidationError> {
        let MailDocument { from, received_at, subject, thread_id, message_id, content_summary, further } =
            document;
        Ok(Self {
            from: from.map_or_else(MailAuthor::default, |Author(author)| author.into()),
            received_at: moment("received_at", received_at)?,
            subject: text(subject),
            thread_id: text(thread_id),
            message_id: text(message_id),
            content_summary: text(content_summary),
            further,
        })
    }
}

impl From<AuthorDocument> for MailAuthor {
    fn from(document: AuthorDocument) -> Self {
        let AuthorDocument { email, name, further } = document;
        Self { email: text(email), name: text(name), further }
    }
}

/// Metadata as answers carry it: every documented key, null where nothing is known; `duration` and `form_sent_at` as
/// texts, as in both documents' examples; `is_call_event_needed` never.
pub(crate) fn write_told(w: &mut Writer<'_>, metadata: &Metadata) {
    match metadata {
        Metadata::Sip(call) => write_call(w, call),
        Metadata::Forms(form) => write_form(w, form),
        Metadata::Chats(chat) => write_chat(w, chat),
        Metadata::Mail(mail) => write_mail(w, mail),
    }
}

fn write_call(w: &mut Writer<'_>, call: &SipMetadata) {
    let SipMetadata {
        from,
        phone,
        called_at,
        duration,
        link,
        service_code,
        uniq,
        call_responsible,
        call_event: _,
        further,
    } = call;
    w.object(|w| {
        w.field("from", from.as_ref());
        w.field("phone", phone.as_ref());
        w.field("called_at", *called_at);
        w.field("duration", duration.map(Quoted));
        w.field("link", link.as_ref());
        w.field("service_code", service_code.as_ref());
        w.field_if_some("uniq", uniq.as_ref());
        w.field_if_some("call_responsible", call_responsible.as_ref());
        w.further(further, SipDocument::KEYS);
    });
}

fn write_form(w: &mut Writer<'_>, form: &FormsMetadata) {
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
    w.object(|w| {
        w.field("form_id", form_id.as_ref());
        w.field("form_name", form_name.as_ref());
        w.field("form_page", form_page.as_ref());
        w.field("ip", ip.as_ref());
        w.field("form_sent_at", form_sent_at.map(|at| Quoted(seconds(at))));
        w.field("referer", referer.as_ref());
        w.field("visitor_uid", visitor_uid.as_ref());
        w.field_if_some("service_code", service_code.as_ref());
        w.field_if_some("form_type", form_type.as_ref());
        w.further(further, FormsDocument::KEYS);
    });
}

fn write_chat(w: &mut Writer<'_>, chat: &ChatsMetadata) {
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
    w.object(|w| {
        w.field("from", from.as_ref());
        w.field("to", to.as_ref());
        w.field("received_at", *received_at);
        w.field("service", service.as_ref());
        w.key("client");
        w.object(|w| {
            let ChatClient { name, avatar, further } = client;
            w.field("name", name.as_ref());
            w.field("avatar", avatar.as_ref());
            w.further(further, ClientDocument::KEYS);
        });
        w.key("origin");
        w.object(|w| {
            let ChatOrigin { chat_id, reference, visitor_uid, further } = origin;
            w.field("chat_id", chat_id.as_ref());
            w.field("ref", reference.as_ref());
            w.field("visitor_uid", visitor_uid.as_ref());
            w.further(further, OriginDocument::KEYS);
        });
        w.field("last_message_text", last_message_text.as_ref());
        w.field("source_name", source_name.as_ref());
        w.further(further, ChatsDocument::KEYS);
    });
}

fn write_mail(w: &mut Writer<'_>, mail: &MailMetadata) {
    let MailMetadata { from, received_at, subject, thread_id, message_id, content_summary, further } = mail;
    w.object(|w| {
        w.key("from");
        w.object(|w| {
            let MailAuthor { email, name, further } = from;
            w.field("email", email.as_ref());
            w.field("name", name.as_ref());
            w.further(further, AuthorDocument::KEYS);
        });
        w.field("received_at", *received_at);
        w.field("subject", subject.as_ref());
        w.field("thread_id", thread_id.as_deref().map(NumberIfDigits));
        w.field("message_id", message_id.as_deref().map(NumberIfDigits));
        w.field("content_summary", content_summary.as_ref());
        w.further(further, MailDocument::KEYS);
    });
}

/// Metadata of a call as an add sends it: what is known, numbers as numbers.
pub(crate) fn write_call_sent(w: &mut Writer<'_>, call: &SipMetadata) {
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
    w.object(|w| {
        w.key_if_some("is_call_event_needed", call_event.as_ref(), |w, event| match event {
            CallEvent::Plain => true.put(w),
            CallEvent::Unwanted => false.put(w),
            CallEvent::Text(text) => text.put(w),
        });
        w.field_if_some("uniq", uniq.as_ref());
        w.field_if_some("duration", *duration);
        w.field_if_some("service_code", service_code.as_ref());
        w.field_if_some("link", link.as_ref());
        w.field_if_some("phone", phone.as_ref());
        w.field_if_some("called_at", *called_at);
        w.field_if_some("from", from.as_ref());
        w.field_if_some("call_responsible", call_responsible.as_ref());
        w.further(further, SipDocument::KEYS);
    });
}

/// Metadata of a form as an add sends it: what is known, numbers as numbers.
pub(crate) fn write_form_sent(w: &mut Writer<'_>, form: &FormsMetadata) {
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
    w.object(|w| {
        w.field_if_some("ip", ip.as_ref());
        w.field_if_some("form_id", form_id.as_ref());
        w.field_if_some("form_sent_at", *form_sent_at);
        w.field_if_some("form_name", form_name.as_ref());
        w.field_if_some("form_page", form_page.as_ref());
        w.field_if_some("referer", referer.as_ref());
        w.field_if_some("visitor_uid", visitor_uid.as_ref());
        w.field_if_some("service_code", service_code.as_ref());
        w.field_if_some("form_type", form_type.as_ref());
        w.further(further, FormsDocument::KEYS);
    });
}

impl Put for Moment {
    fn put(self, writer: &mut Writer<'_>) {
        seconds(self).put(writer);
    }
}

fn seconds(at: Moment) -> u64 {
    at.secs().cast_unsigned()
}

/// `thread_id` and `message_id` are numbers in the documents and texts in clients: digits go out as a number when
/// they read back as the same text, everything else as a text.
struct NumberIfDigits<'a>(&'a str);

impl Put for NumberIfDigits<'_> {
    fn put(self, writer: &mut Writer<'_>) {
        let number =
            digits(self.0).filter(|_| self.0.len() <= 15 && (self.0 == "0" || !self.0.starts_with('0')));
        match number {
            Some(number) => number.put(writer),
            None => self.0.put(writer),
        }
    }
}
