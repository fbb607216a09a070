//! Things of the model, at random.

use incoming_leads_model::{
    Accept, Add, CallEvent, Card, Channel, ChatClient, ChatOrigin, ChatsMetadata, CompanyDraft, CompanyId,
    ContactDraft, ContactId, Decline, Draft, Entity, EnumId, EnumRef, FieldId, FieldRef, FieldValue,
    FieldValues, FormsMetadata, Further, Generation, IncomingLead, LeadDraft, LeadId, MailAuthor,
    MailMetadata, Metadata, Moment, NoteDraft, PipelineId, Receipt, SipMetadata, TagId, TagRef, Uid, UserId,
};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value};

pub(crate) fn text() -> BoxedStrategy<String> {
    prop_oneof!["\\PC{0,12}", "[0-9]{1,20}", any::<String>().prop_map(|text| text.chars().take(20).collect())]
        .boxed()
}

pub(crate) fn moment() -> BoxedStrategy<Moment> {
    prop_oneof![
        Just(Moment::MIN),
        Just(Moment::MAX),
        (0..2_000_000_000_i64).prop_map(|secs| Moment::from_secs(secs).unwrap())
    ]
    .boxed()
}

fn number() -> BoxedStrategy<u64> {
    prop_oneof![Just(1), Just((1 << 53) - 1), 1..1_000_000_u64].boxed()
}

macro_rules! id {
    ($Id:ty) => {
        number().prop_map(|number| <$Id>::new(number).unwrap())
    };
}

pub(crate) fn uid() -> BoxedStrategy<Uid> {
    prop_oneof!["[0-9a-f]{60}", "[!-~а-я]{1,30}"].prop_map(|text| Uid::new(&text).unwrap()).boxed()
}

pub(crate) fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![vec(inner.clone(), 0..3).prop_map(Value::from), map(inner).prop_map(Value::Object)]
    })
    .boxed()
}

pub(crate) fn map(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Map<String, Value>> {
    vec((text(), values), 0..3).prop_map(Map::from_iter).boxed()
}

/// Keys that no document names: those that one does are not further.
fn further() -> BoxedStrategy<Further> {
    vec(("x_[a-z]{0,5}", value()), 0..3).prop_map(Map::from_iter).boxed()
}

fn call() -> BoxedStrategy<SipMetadata> {
    let texts = (of(text()), of(text()), of(text()), of(text()), of(text()));
    let uniq = of(value().prop_filter("null is not told", |value| !value.is_null()));
    let event = of(prop_oneof![
        Just(CallEvent::Plain),
        Just(CallEvent::Unwanted),
        "[a-z]{2,4} [a-z]".prop_map(CallEvent::Text)
    ]);
    (texts, of(moment()), of(0..=(1_u64 << 53) - 1), uniq, event, further())
        .prop_map(
            |(
                (from, phone, link, service_code, call_responsible),
                called_at,
                duration,
                uniq,
                call_event,
                further,
            )| {
                SipMetadata {
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
                }
            },
        )
        .boxed()
}

fn form() -> BoxedStrategy<FormsMetadata> {
    let one = (of(text()), of(text()), of(text()), of(text()));
    let two = (of(text()), of(text()), of(text()), of(text()));
    (one, two, of(moment()), further())
        .prop_map(
            |(
                (form_id, form_name, form_page, ip),
                (referer, visitor_uid, service_code, form_type),
                form_sent_at,
                further,
            )| {
                FormsMetadata {
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
                }
            },
        )
        .boxed()
}

fn chat() -> BoxedStrategy<ChatsMetadata> {
    let client = (of(text()), of(text()), further());
    let client = client.prop_map(|(name, avatar, further)| ChatClient { name, avatar, further });
    let origin = (of(text()), of(text()), of(text()), further()).prop_map(
        |(chat_id, reference, visitor_uid, further)| ChatOrigin { chat_id, reference, visitor_uid, further },
    );
    ((of(text()), of(text()), of(text()), of(text()), of(text())), of(moment()), client, origin, further())
        .prop_map(
            |((from, to, service, last_message_text, source_name), received_at, client, origin, further)| {
                ChatsMetadata {
                    from,
                    to,
                    received_at,
                    service,
                    client,
                    origin,
                    last_message_text,
                    source_name,
                    further,
                }
            },
        )
        .boxed()
}

fn mail() -> BoxedStrategy<MailMetadata> {
    let author = (of(text()), of(text()), further());
    let author = author.prop_map(|(email, name, further)| MailAuthor { email, name, further });
    (author, of(moment()), of(text()), of(text()), of(text()), of(text()), further())
        .prop_map(|(from, received_at, subject, thread_id, message_id, content_summary, further)| {
            MailMetadata { from, received_at, subject, thread_id, message_id, content_summary, further }
        })
        .boxed()
}

fn metadata() -> BoxedStrategy<Metadata> {
    prop_oneof![
        call().prop_map(Metadata::Sip),
        form().prop_map(Metadata::Forms),
        chat().prop_map(Metadata::Chats),
        mail().prop_map(Metadata::Mail),
    ]
    .boxed()
}

fn field_values() -> BoxedStrategy<FieldValues> {
    let field = prop_oneof![id!(FieldId).prop_map(FieldRef::Id), text().prop_map(FieldRef::Code)];
    let choice = of(prop_oneof![id!(EnumId).prop_map(EnumRef::Id), "[A-Zа-я_]{1,6}".prop_map(EnumRef::Code)]);
    let value = (value(), choice, of(text()));
    let value = value.prop_map(|(value, choice, subtype)| FieldValue { value, choice, subtype });
    (field, vec(value, 0..3)).prop_map(|(field, values)| FieldValues { field, values }).boxed()
}

fn card() -> BoxedStrategy<Card> {
    let tag = (of(id!(TagId)), of(prop_oneof![text(), "[a-z]{1,5}"]));
    let tag = tag.prop_map(|(id, name)| TagRef { id, name });
    (of(text()), of(id!(UserId)), vec(field_values(), 0..3), vec(tag, 0..3), further())
        .prop_map(|(name, responsible_user_id, custom_fields, tags, further)| Card {
            name,
            responsible_user_id,
            custom_fields,
            tags,
            further,
        })
        .boxed()
}

fn lead_draft() -> BoxedStrategy<LeadDraft> {
    let note = (of(text()), of(text()), further());
    let note = note.prop_map(|(kind, text, further)| NoteDraft { kind, text, further });
    (of(id!(LeadId)), of(0..=(1_u64 << 53) - 1), vec(note, 0..3), card())
        .prop_map(|(id, price, notes, card)| LeadDraft { id, price, notes, card })
        .boxed()
}

fn contact_draft() -> BoxedStrategy<ContactDraft> {
    (of(id!(ContactId)), of(text()), of(text()), card())
        .prop_map(|(id, first_name, last_name, card)| ContactDraft { id, first_name, last_name, card })
        .boxed()
}

fn company_draft() -> BoxedStrategy<CompanyDraft> {
    (of(id!(CompanyId)), card()).prop_map(|(id, card)| CompanyDraft { id, card }).boxed()
}

fn draft(metadata: impl Strategy<Value = Metadata> + 'static) -> BoxedStrategy<Draft> {
    let head = (of(text()), of(text()), of(id!(PipelineId)), of(moment()), of(metadata));
    (head, vec(lead_draft(), 0..2), vec(contact_draft(), 0..2), vec(company_draft(), 0..2))
        .prop_map(
            |((source_name, source_uid, pipeline_id, created_at, metadata), leads, contacts, companies)| {
                Draft {
                    source_name,
                    source_uid,
                    pipeline_id,
                    created_at,
                    metadata,
                    leads,
                    contacts,
                    companies,
                }
            },
        )
        .boxed()
}

/// An add by v2.
pub(crate) fn add() -> BoxedStrategy<Add> {
    let add = |channel: Channel, items| Add { channel, generation: Generation::V2, items };
    prop_oneof![
        vec(draft(call().prop_map(Metadata::Sip)), 0..3).prop_map(move |items| add(Channel::Sip, items)),
        vec(draft(form().prop_map(Metadata::Forms)), 0..3).prop_map(move |items| add(Channel::Forms, items)),
    ]
    .boxed()
}

fn entity<I, C>(card: impl Strategy<Value = C>) -> impl Strategy<Value = Option<Vec<Entity<I, C>>>>
where
    I: std::fmt::Debug + Clone,
    C: std::fmt::Debug + Clone,
{
    vec(card.prop_map(|card| Entity { id: None, card: Some(card) }), 0..2).prop_map(Some)
}

/// An incoming lead as v2 can tell it.
pub(crate) fn lead() -> BoxedStrategy<IncomingLead> {
    let entities = (
        entity::<LeadId, _>(lead_draft().prop_map(|lead| LeadDraft { id: None, ..lead })),
        entity::<ContactId, _>(contact_draft().prop_map(|contact| ContactDraft { id: None, ..contact })),
        entity::<CompanyId, _>(company_draft().prop_map(|company| CompanyDraft { id: None, ..company })),
    );
    (uid(), of(text()), moment(), metadata(), entities)
        .prop_map(|(uid, source_name, created_at, metadata, (leads, contacts, companies))| IncomingLead {
            uid,
            account_id: None,
            source_name: Some(source_name),
            source_uid: None,
            pipeline_id: None,
            created_at,
            updated_at: None,
            metadata,
            leads,
            contacts,
            companies,
        })
        .boxed()
}

pub(crate) fn receipt() -> BoxedStrategy<Receipt> {
    let ids = (vec(id!(LeadId), 0..2), vec(id!(ContactId), 0..2), vec(id!(CompanyId), 0..2));
    (uid(), ids)
        .prop_map(|(uid, (leads, contacts, companies))| Receipt {
            leads: Some(leads),
            contacts: Some(contacts),
            companies: Some(companies),
            ..Receipt::of(uid)
        })
        .boxed()
}

pub(crate) fn accept() -> BoxedStrategy<Accept> {
    let ids = (of(id!(UserId)), of(id!(incoming_leads_model::StatusId)));
    ids.prop_map(|(user_id, status_id)| Accept { user_id, status_id }).boxed()
}

pub(crate) fn decline() -> BoxedStrategy<Decline> {
    of(id!(UserId)).prop_map(|user_id| Decline { user_id }).boxed()
}
