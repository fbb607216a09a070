//! Checks of a draft that need nothing but the draft and the account's layout: bounds, texts, fields.

use serde_json::Value;

use crate::account::{EntityKind, Layout};
use crate::draft::{
    Card, CompanyDraft, ContactDraft, Draft, EnumRef, FieldRef, FieldValues, LeadDraft, NoteDraft, TagRef,
};
use crate::fault::{Fault, FaultCode, Path, Segment};
use crate::limits::{
    MAX_CUSTOM_FIELDS, MAX_ENTITY_BYTES, MAX_FIELD_VALUES, MAX_JSON_DEPTH, MAX_METADATA_BYTES,
    MAX_METADATA_TEXT_BYTES, MAX_NAME_CHARS, MAX_NOTES, MAX_SAFE_INTEGER, MAX_SOURCE_UID_BYTES, MAX_TAGS,
    VALUE_BYTES,
};
use crate::metadata::{
    CallEvent, ChatClient, ChatOrigin, ChatsMetadata, FormsMetadata, Further, MailAuthor, MailMetadata,
    Metadata, SipMetadata,
};

/// Where the check stands: a list that grows down the stack, so that a good draft builds no path at all.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(super) const fn top(key: &'a str) -> Self {
        Self { parent: None, step: Step::Key(key) }
    }

    pub(super) const fn key<'b>(&'b self, key: &'b str) -> At<'b>
    where
        'a: 'b,
    {
        At { parent: Some(self), step: Step::Key(key) }
    }

    pub(super) const fn index<'b>(&'b self, index: usize) -> At<'b>
    where
        'a: 'b,
    {
        At { parent: Some(self), step: Step::Index(index) }
    }

    pub(super) fn path(&self) -> Path {
        let mut segments: Vec<_> = std::iter::successors(Some(self), |at| at.parent)
            .map(|at| match at.step {
                Step::Key(key) => Segment::Key(key.to_owned().into()),
                Step::Index(index) => Segment::Index(index),
            })
            .collect();
        segments.reverse();
        segments.into_iter().collect()
    }
}

/// Collects what is wrong with one draft.
pub(super) struct Check<'a> {
    layout: &'a Layout,
    faults: Vec<Fault>,
    /// Bytes of keys, texts and untyped values since the last [`Check::bounded`] began.
    weight: usize,
    /// Bytes of one text, at most.
    longest: usize,
}

impl<'a> Check<'a> {
    pub(super) const fn new(layout: &'a Layout) -> Self {
        Self { layout, faults: Vec::new(), weight: 0, longest: usize::MAX }
    }

    /// All that is wrong with the draft.
    pub(super) fn draft(mut self, draft: &Draft) -> Vec<Fault> {
        self.whole(draft);
        self.faults
    }

    fn fault(&mut self, at: &At<'_>, code: FaultCode, detail: impl Into<std::borrow::Cow<'static, str>>) {
        self.faults.push(Fault::new(code, at.path(), detail));
    }

    fn whole(&mut self, draft: &Draft) {
        let Draft {
            source_name,
            source_uid,
            pipeline_id: _,
            created_at: _,
            metadata,
            leads,
            contacts,
            companies,
        } = draft;
        self.name(&At::top("source_name"), source_name.as_deref());
        self.source_uid(source_uid.as_deref());
        if let Some(metadata) = metadata {
            self.longest = MAX_METADATA_TEXT_BYTES;
            self.bounded(&At::top("metadata"), MAX_METADATA_BYTES, |check, at| check.metadata(at, metadata));
            self.longest = usize::MAX;
        }
        let at = At::top("leads");
        self.at_most_one(&at, leads.len());
        for (index, lead) in leads.iter().enumerate() {
            self.bounded(&at.index(index), MAX_ENTITY_BYTES, |check, at| check.lead(at, lead));
        }
        let at = At::top("contacts");
        self.at_most_one(&at, contacts.len());
        for (index, contact) in contacts.iter().enumerate() {
            self.bounded(&at.index(index), MAX_ENTITY_BYTES, |check, at| check.contact(at, contact));
        }
        let at = At::top("companies");
        self.at_most_one(&at, companies.len());
        for (index, company) in companies.iter().enumerate() {
            let CompanyDraft { id: _, card } = company;
            self.bounded(&at.index(index), MAX_ENTITY_BYTES, |check, at| {
                check.card(at, EntityKind::Company, card)
            });
        }
    }

    fn bounded(&mut self, at: &At<'_>, most: usize, check: impl FnOnce(&mut Self, &At<'_>)) {
        self.weight = 0;
        check(self, at);
        if self.weight > most {
            let detail = format!(
                "all keys, texts and values in here weigh {} bytes, at most {most} are taken",
                self.weight
            );
            self.fault(at, FaultCode::TooLong, detail);
        }
    }

    fn at_most_one(&mut self, at: &At<'_>, count: usize) {
        if count > 1 {
            self.fault(
                at,
                FaultCode::TooMany,
                format!("{count} given, at most one belongs to an incoming lead"),
            );
        }
    }

    fn source_uid(&mut self, text: Option<&str>) {
        let Some(text) = text else { return };
        let at = At::top("source_uid");
        if text.len() > MAX_SOURCE_UID_BYTES {
            self.fault(
                &at,
                FaultCode::TooLong,
                format!("{} bytes, at most {MAX_SOURCE_UID_BYTES} are taken", text.len()),
            );
        }
        if text.chars().any(char::is_control) {
            self.fault(&at, FaultCode::InvalidText, "control characters are not taken here");
        }
    }

    fn name(&mut self, at: &At<'_>, text: Option<&str>) {
        let Some(text) = text else { return };
        self.text(at, text);
        if text.chars().count() > MAX_NAME_CHARS {
            self.fault(at, FaultCode::TooLong, format!("a name has at most {MAX_NAME_CHARS} characters"));
        }
    }

    /// Any text: no store can hold a NUL.
    fn text(&mut self, at: &At<'_>, text: &str) {
        self.weight += text.len();
        if text.contains('\0') {
            self.fault(at, FaultCode::InvalidText, "the character NUL (U+0000) is not taken");
        }
        if text.len() > self.longest {
            let detail = format!("{} bytes, at most {} are taken", text.len(), self.longest);
            self.fault(at, FaultCode::TooLong, detail);
        }
    }

    fn told(&mut self, at: &At<'_>, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(&at.key(key), text);
        }
    }

    fn number(&mut self, at: &At<'_>, number: u64) {
        if number > MAX_SAFE_INTEGER {
            self.fault(at, FaultCode::OutOfRange, format!("{number} is above {MAX_SAFE_INTEGER} (2^53 - 1)"));
        }
    }

    fn metadata(&mut self, at: &At<'_>, metadata: &Metadata) {
        match metadata {
            Metadata::Sip(call) => self.call(at, call),
            Metadata::Forms(form) => self.form(at, form),
            Metadata::Chats(chat) => self.chat(at, chat),
            Metadata::Mail(mail) => self.mail(at, mail),
        }
    }

    fn call(&mut self, at: &At<'_>, call: &SipMetadata) {
        let SipMetadata {
            from,
            phone,
            called_at: _,
            duration,
            link,
            service_code,
            uniq,
            call_responsible,
            call_event,
            further,
        } = call;
        self.told(at, "from", from.as_deref());
        self.told(at, "phone", phone.as_deref());
        if let Some(duration) = duration {
            self.number(&at.key("duration"), *duration);
        }
        self.told(at, "link", link.as_deref());
        self.told(at, "service_code", service_code.as_deref());
        if let Some(uniq) = uniq {
            self.json(&at.key("uniq"), uniq, 0);
        }
        self.told(at, "call_responsible", call_responsible.as_deref());
        if let Some(CallEvent::Text(text)) = call_event {
            self.told(at, "call_event", Some(text));
        }
        self.further(at, further, 0);
    }

    fn form(&mut self, at: &At<'_>, form: &FormsMetadata) {
        let FormsMetadata {
            form_id,
            form_name,
            form_page,
            ip,
            form_sent_at: _,
            referer,
            visitor_uid,
            service_code,
            form_type,
            further,
        } = form;
        self.told(at, "form_id", form_id.as_deref());
        self.told(at, "form_name", form_name.as_deref());
        self.told(at, "form_page", form_page.as_deref());
        self.told(at, "ip", ip.as_deref());
        self.told(at, "referer", referer.as_deref());
        self.told(at, "visitor_uid", visitor_uid.as_deref());
        self.told(at, "service_code", service_code.as_deref());
        self.told(at, "form_type", form_type.as_deref());
        self.further(at, further, 0);
    }

    fn chat(&mut self, at: &At<'_>, chat: &ChatsMetadata) {
        let ChatsMetadata {
            from,
            to,
            received_at: _,
            service,
            client,
            origin,
            last_message_text,
            source_name,
            further,
        } = chat;
        self.told(at, "from", from.as_deref());
        self.told(at, "to", to.as_deref());
        self.told(at, "service", service.as_deref());
        let ChatClient { name, avatar, further: of_client } = client;
        let below = at.key("client");
        self.told(&below, "name", name.as_deref());
        self.told(&below, "avatar", avatar.as_deref());
        self.further(&below, of_client, 0);
        let ChatOrigin { chat_id, reference, visitor_uid, further: of_origin } = origin;
        let below = at.key("origin");
        self.told(&below, "chat_id", chat_id.as_deref());
        self.told(&below, "reference", reference.as_deref());
        self.told(&below, "visitor_uid", visitor_uid.as_deref());
        self.further(&below, of_origin, 0);
        self.told(at, "last_message_text", last_message_text.as_deref());
        self.told(at, "source_name", source_name.as_deref());
        self.further(at, further, 0);
    }

    fn mail(&mut self, at: &At<'_>, mail: &MailMetadata) {
        let MailMetadata { from, received_at: _, subject, thread_id, message_id, content_summary, further } =
            mail;
        let MailAuthor { email, name, further: of_author } = from;
        let below = at.key("from");
        self.told(&below, "email", email.as_deref());
        self.told(&below, "name", name.as_deref());
        self.further(&below, of_author, 0);
        self.told(at, "subject", subject.as_deref());
        self.told(at, "thread_id", thread_id.as_deref());
        self.told(at, "message_id", message_id.as_deref());
        self.told(at, "content_summary", content_summary.as_deref());
        self.further(at, further, 0);
    }

    fn lead(&mut self, at: &At<'_>, lead: &LeadDraft) {
        let LeadDraft { id: _, price, notes, card } = lead;
        if let Some(price) = price {
            self.number(&at.key("price"), *price);
        }
        let below = at.key("notes");
        self.count(&below, notes.len(), MAX_NOTES, "notes");
        for (index, note) in notes.iter().enumerate().take(MAX_NOTES) {
            let NoteDraft { kind, text, further } = note;
            let at = below.index(index);
            self.name(&at.key("kind"), kind.as_deref());
            self.told(&at, "text", text.as_deref());
            self.further(&at, further, 0);
        }
        self.card(at, EntityKind::Lead, card);
    }

    fn contact(&mut self, at: &At<'_>, contact: &ContactDraft) {
        let ContactDraft { id: _, first_name, last_name, card } = contact;
        self.name(&at.key("first_name"), first_name.as_deref());
        self.name(&at.key("last_name"), last_name.as_deref());
        self.card(at, EntityKind::Contact, card);
    }

    fn card(&mut self, at: &At<'_>, entity: EntityKind, card: &Card) {
        let Card { name, responsible_user_id: _, custom_fields, tags, further } = card;
        self.name(&at.key("name"), name.as_deref());
        self.custom_fields(&at.key("custom_fields"), entity, custom_fields);
        self.tags(&at.key("tags"), tags);
        self.further(at, further, 0);
    }

    fn custom_fields(&mut self, at: &At<'_>, entity: EntityKind, fields: &[FieldValues]) {
        self.count(at, fields.len(), MAX_CUSTOM_FIELDS, "custom fields");
        for (index, told) in fields.iter().enumerate().take(MAX_CUSTOM_FIELDS) {
            let at = at.index(index);
            let Some(field) = self.layout.field(entity, &told.field) else {
                let name = match &told.field {
                    FieldRef::Id(id) => id.to_string(),
                    FieldRef::Code(code) => format!("code {code:?}"),
                };
                let detail = format!("the account has no such field for this entity: {name}");
                self.fault(&at.key("field"), FaultCode::NotSupportedChoice, detail);
                continue;
            };
            let at = at.key("values");
            self.count(&at, told.values.len(), MAX_FIELD_VALUES, "values");
            for (index, value) in told.values.iter().enumerate().take(MAX_FIELD_VALUES) {
                let at = at.index(index);
                self.json(&at.key("value"), &value.value, 0);
                self.name(&at.key("subtype"), value.subtype.as_deref());
                let Some(choice) = &value.choice else { continue };
                if let EnumRef::Code(code) = choice {
                    self.name(&at.key("choice"), Some(code));
                }
                if !field.has_choice(choice) {
                    let detail = format!("field {} has no such choice", field.id);
                    self.fault(&at.key("choice"), FaultCode::NotSupportedChoice, detail);
                }
            }
        }
    }

    fn tags(&mut self, at: &At<'_>, tags: &[TagRef]) {
        self.count(at, tags.len(), MAX_TAGS, "tags");
        for (index, tag) in tags.iter().enumerate().take(MAX_TAGS) {
            let at = at.index(index);
            match tag {
                TagRef { id: None, name: None } => {
                    self.fault(&at, FaultCode::FieldMissing, "a tag is named by its id or its name");
                }
                TagRef { id: None, name: Some(name) } if name.is_empty() => {
                    self.fault(&at.key("name"), FaultCode::FieldMissing, "a tag's name is not empty");
                }
                TagRef { name, .. } => self.name(&at.key("name"), name.as_deref()),
            }
        }
    }

    fn count(&mut self, at: &At<'_>, count: usize, most: usize, what: &str) {
        if count > most {
            self.fault(at, FaultCode::TooMany, format!("{count} {what}, at most {most} are taken"));
        }
    }

    fn further(&mut self, at: &At<'_>, further: &Further, depth: usize) {
        for (key, value) in further {
            let at = at.key(key);
            self.text(&at, key);
            self.json(&at, value, depth);
        }
    }

    /// Any JSON: whole numbers that every reader holds exactly, texts that every store can hold, a bounded depth.
    fn json(&mut self, at: &At<'_>, value: &Value, depth: usize) {
        if depth > MAX_JSON_DEPTH {
            self.fault(at, FaultCode::TooLong, format!("nested deeper than {MAX_JSON_DEPTH} levels"));
            return;
        }
        self.weight += VALUE_BYTES;
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                // Past 2^53 - 1 a number is not the same to all who read it.
                let exact = number.as_f64().is_some_and(|number| number.abs() <= MAX_SAFE_INTEGER as f64);
                if !exact {
                    let detail =
                        format!("{number} is beyond ±{MAX_SAFE_INTEGER} (2^53 - 1): write it as a text");
                    self.fault(at, FaultCode::OutOfRange, detail);
                }
            }
            Value::String(text) => self.text(at, text),
            Value::Array(values) => {
                for (index, value) in values.iter().enumerate() {
                    self.json(&at.index(index), value, depth + 1);
                }
            }
            Value::Object(values) => self.further(at, values, depth + 1),
        }
    }
}
