//! Arbitrary values of the types that documents are made of.

use std::fmt::Debug;

use incoming_leads_model::document::{Incoming, Line, Of, Secret, Token, TokenKind};
use incoming_leads_model::grant::{Due, Grant, Spent};
use incoming_leads_model::lifecycle::{Accepted, Added, Declined, LinkedTo, Updated};
use incoming_leads_model::*;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::Value;

pub(crate) fn text() -> BoxedStrategy<String> {
    prop_oneof![Just(String::new()), "[a-c]{1,3}", ".{1,4}"].boxed()
}

pub(crate) fn number<I: TryFrom<u64, Error: Debug> + Debug + 'static>() -> BoxedStrategy<I> {
    prop_oneof![1..=5_u64, Just(limits::MAX_SAFE_INTEGER)].prop_map(crate::world::id).boxed()
}

pub(crate) fn moment() -> BoxedStrategy<Moment> {
    prop_oneof![0..=200_i64, 0..=limits::MAX_MOMENT_SECS, Just(limits::MAX_MOMENT_SECS)]
        .prop_map(crate::world::at)
        .boxed()
}

pub(crate) fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            btree_map(text(), inner, 0..3).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
    .boxed()
}

pub(crate) fn further() -> BoxedStrategy<Further> {
    btree_map(text(), value(), 0..2).prop_map(|map| map.into_iter().collect()).boxed()
}

fn uid() -> BoxedStrategy<Uid> {
    "[a-zA-Z0-9/% ]{1,10}".prop_map(|text| Uid::new(&text).unwrap()).boxed()
}

fn call_event() -> BoxedStrategy<CallEvent> {
    prop_oneof![Just(CallEvent::Unwanted), Just(CallEvent::Plain), text().prop_map(CallEvent::Text)].boxed()
}

pub(crate) fn metadata() -> BoxedStrategy<Metadata> {
    let text = || of(text());
    let sip = (
        text(),
        text(),
        of(moment()),
        of(0..100_u64),
        text(),
        text(),
        of(value()),
        text(),
        of(call_event()),
        further(),
    )
        .prop_map(
            |(
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
            )| SipMetadata {
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
            },
        );
    let forms = (text(), text(), text(), text(), of(moment()), text(), text(), text(), text(), further())
        .prop_map(
            |(
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
            )| FormsMetadata {
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
            },
        );
    let client =
        (text(), text(), further()).prop_map(|(name, avatar, further)| ChatClient { name, avatar, further });
    let origin =
        (text(), text(), text(), further()).prop_map(|(chat_id, reference, visitor_uid, further)| {
            ChatOrigin { chat_id, reference, visitor_uid, further }
        });
    let chats = (text(), text(), of(moment()), text(), client, origin, text(), text(), further()).prop_map(
        |(from, to, received_at, service, client, origin, last_message_text, source_name, further)| {
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
    );
    let author =
        (text(), text(), further()).prop_map(|(email, name, further)| MailAuthor { email, name, further });
    let mail = (author, of(moment()), text(), text(), text(), text(), further()).prop_map(
        |(from, received_at, subject, thread_id, message_id, content_summary, further)| MailMetadata {
            from,
            received_at,
            subject,
            thread_id,
            message_id,
            content_summary,
            further,
        },
    );
    prop_oneof![
        sip.prop_map(Metadata::Sip),
        forms.prop_map(Metadata::Forms),
        chats.prop_map(Metadata::Chats),
        mail.prop_map(Metadata::Mail),
    ]
    .boxed()
}

fn tag_ref() -> BoxedStrategy<TagRef> {
    (of(number()), of(text())).prop_map(|(id, name)| TagRef { id, name }).boxed()
}

fn field_values() -> BoxedStrategy<FieldValues> {
    let field = prop_oneof![number().prop_map(FieldRef::Id), text().prop_map(FieldRef::Code)];
    let choice = prop_oneof![number().prop_map(EnumRef::Id), text().prop_map(EnumRef::Code)];
    let value = (value(), of(choice), of(text())).prop_map(|(value, choice, subtype)| FieldValue {
        value,
        choice,
        subtype,
    });
    (field, vec(value, 0..3)).prop_map(|(field, values)| FieldValues { field, values }).boxed()
}

pub(crate) fn card() -> BoxedStrategy<Card> {
    (of(text()), of(number()), vec(field_values(), 0..2), vec(tag_ref(), 0..3), further())
        .prop_map(|(name, responsible_user_id, custom_fields, tags, further)| Card {
            name,
            responsible_user_id,
            custom_fields,
            tags,
            further,
        })
        .boxed()
}

/// Right or wrong.
pub(crate) fn draft() -> BoxedStrategy<Draft> {
    let note = (of(text()), of(text()), further()).prop_map(|(kind, text, further)| NoteDraft {
        kind,
        text,
        further,
    });
    let lead = (of(number()), of(any::<u64>()), vec(note, 0..2), card())
        .prop_map(|(id, price, notes, card)| LeadDraft { id, price, notes, card });
    let contact = (of(number()), of(text()), of(text()), card())
        .prop_map(|(id, first_name, last_name, card)| ContactDraft { id, first_name, last_name, card });
    let company = (of(number()), card()).prop_map(|(id, card)| CompanyDraft { id, card });
    let lists = (vec(lead, 0..3), vec(contact, 0..3), vec(company, 0..3));
    (of(text()), of(text()), of(number()), of(moment()), of(metadata()), lists)
        .prop_map(
            |(source_name, source_uid, pipeline_id, created_at, metadata, (leads, contacts, companies))| {
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

pub(crate) fn layout() -> BoxedStrategy<Layout> {
    let account = (number(), text(), text(), moment(), text(), text()).prop_map(
        |(id, subdomain, name, created_at, country, currency)| Account {
            id,
            subdomain,
            name,
            created_at,
            country,
            currency,
        },
    );
    let kind = prop_oneof![Just(StatusKind::Unsorted), Just(StatusKind::Ordinary)];
    let status = (number(), text(), 0..9_u32, kind, text())
        .prop_map(|(id, name, sort, kind, color)| Status { id, name, sort, kind, color });
    let pipeline = (number(), text(), 0..9_u32, any::<[bool; 3]>(), vec(status, 0..3)).prop_map(
        |(id, name, sort, [is_main, is_archive, is_unsorted_on], statuses)| Pipeline {
            id,
            name,
            sort,
            is_main,
            is_archive,
            is_unsorted_on,
            statuses,
        },
    );
    let rights = any::<[bool; 4]>().prop_map(|[view, add, sort, administrate]| Rights {
        view,
        add,
        sort,
        administrate,
    });
    let user = (number(), text(), text(), any::<bool>(), rights)
        .prop_map(|(id, name, email, is_active, rights)| User { id, name, email, is_active, rights });
    let choice = (number(), text(), of(text())).prop_map(|(id, value, code)| Choice { id, value, code });
    let field = (number(), entity_kind(), text(), of(text()), text(), vec(choice, 0..2)).prop_map(
        |(id, entity, name, code, field_type, choices)| Field { id, entity, name, code, field_type, choices },
    );
    let integration =
        (text(), secret(), text(), text()).prop_map(|(client_id, secret, redirect_uri, name)| Integration {
            client_id,
            secret,
            redirect_uri,
            name,
        });
    (account, vec(pipeline, 0..2), vec(user, 0..2), vec(field, 0..2), vec(integration, 0..2), policies())
        .prop_map(|(account, pipelines, users, fields, integrations, policies)| Layout {
            account,
            pipelines,
            users,
            fields,
            integrations,
            policies,
        })
        .boxed()
}

fn entity_kind() -> BoxedStrategy<EntityKind> {
    prop_oneof![
        Just(EntityKind::Lead),
        Just(EntityKind::Contact),
        Just(EntityKind::Company),
        Just(EntityKind::Customer),
    ]
    .boxed()
}

fn policies() -> BoxedStrategy<Policies> {
    any::<[bool; 3]>()
        .prop_map(|[tag, mails, documented]| Policies {
            duplicates: if tag { DuplicatePolicy::Tag } else { DuplicatePolicy::Refuse },
            linkable: if mails { LinkPolicy::ChatsAndMail } else { LinkPolicy::Chats },
            required: if documented { RequiredPolicy::Documented } else { RequiredPolicy::Observed },
        })
        .boxed()
}

fn stamp() -> BoxedStrategy<Stamp> {
    (of(number()), of(number()), moment(), moment(), any::<bool>())
        .prop_map(|(created_by, updated_by, created_at, updated_at, is_deleted)| Stamp {
            created_by,
            updated_by,
            created_at,
            updated_at,
            is_deleted,
        })
        .boxed()
}

fn lead() -> BoxedStrategy<Lead> {
    let places = (number(), number(), number(), 0..9_u64);
    (places, card(), vec(number(), 0..2), of(number()), of(moment()), any::<bool>(), stamp())
        .prop_map(
            |(
                (id, pipeline_id, status_id, price),
                card,
                contacts,
                company,
                closed_at,
                is_unsorted,
                stamp,
            )| {
                Lead {
                    id,
                    pipeline_id,
                    status_id,
                    price,
                    card,
                    contacts,
                    company,
                    closed_at,
                    is_unsorted,
                    stamp,
                }
            },
        )
        .boxed()
}

fn contact() -> BoxedStrategy<Contact> {
    (number(), of(text()), of(text()), card(), of(number()), any::<bool>(), stamp())
        .prop_map(|(id, first_name, last_name, card, company, is_unsorted, stamp)| Contact {
            id,
            first_name,
            last_name,
            card,
            company,
            is_unsorted,
            stamp,
        })
        .boxed()
}

fn company() -> BoxedStrategy<Company> {
    (number(), card(), any::<bool>(), stamp())
        .prop_map(|(id, card, is_unsorted, stamp)| Company { id, card, is_unsorted, stamp })
        .boxed()
}

fn customer() -> BoxedStrategy<Customer> {
    (number(), card(), vec(number(), 0..2), of(number()), stamp())
        .prop_map(|(id, card, contacts, company, stamp)| Customer { id, card, contacts, company, stamp })
        .boxed()
}

fn tag() -> BoxedStrategy<Tag> {
    (number(), text()).prop_map(|(id, name)| Tag { id, name }).boxed()
}

fn note() -> BoxedStrategy<Note> {
    let entity = prop_oneof![
        number().prop_map(EntityRef::Lead),
        number().prop_map(EntityRef::Contact),
        number().prop_map(EntityRef::Company),
        number().prop_map(EntityRef::Customer),
    ];
    (number(), entity, text(), further(), of(number()), moment())
        .prop_map(|(id, entity, kind, params, created_by, created_at)| Note {
            id,
            entity,
            kind,
            params,
            created_by,
            created_at,
        })
        .boxed()
}

fn linked<I: Copy + Debug + 'static>(number: BoxedStrategy<I>) -> BoxedStrategy<Linked<I>> {
    (number, any::<bool>())
        .prop_map(|(id, made)| if made { Linked::Made(id) } else { Linked::Existing(id) })
        .boxed()
}

fn links() -> BoxedStrategy<Links> {
    (linked(number()), of(linked(number())), of(linked(number())))
        .prop_map(|(lead, contact, company)| Links { lead, contact, company })
        .boxed()
}

fn item() -> BoxedStrategy<Item> {
    (uid(), of(text()), of(text()), number(), moment(), moment(), 1..9_u64, metadata(), links())
        .prop_map(
            |(
                uid,
                source_name,
                source_uid,
                pipeline_id,
                created_at,
                updated_at,
                version,
                metadata,
                links,
            )| {
                Item {
                    uid,
                    source_name,
                    source_uid,
                    pipeline_id,
                    created_at,
                    updated_at,
                    version,
                    metadata,
                    links,
                }
            },
        )
        .boxed()
}

fn event_kind() -> BoxedStrategy<EventKind> {
    let made = (of(lead()), of(contact()), of(company()));
    let added = (item(), made, vec(note(), 0..2), vec(tag(), 0..2), of(tag_ref()), vec(number(), 0..2))
        .prop_map(|(item, (lead, contact, company), notes, tags, duplicate_tag, duplicates)| Added {
            item,
            lead,
            contact,
            company,
            notes,
            tags,
            duplicate_tag,
            duplicates,
        });
    let updated = (of(text()), of(moment()), links()).prop_map(|(last_message_text, received_at, links)| {
        Updated { last_message_text, received_at, links }
    });
    let accepted = (of(number()), links(), vec(note(), 0..2))
        .prop_map(|(status_id, links, notes)| Accepted { status_id, links, notes });
    let target = prop_oneof![number().prop_map(LinkTarget::Lead), number().prop_map(LinkTarget::Customer)];
    let linked = (target, of(number()), links()).prop_map(|(target, contact_id, links)| LinkedTo {
        target,
        contact_id,
        links,
    });
    prop_oneof![
        added.prop_map(|added| EventKind::Added(Box::new(added))),
        updated.prop_map(EventKind::Updated),
        accepted.prop_map(EventKind::Accepted),
        links().prop_map(|links| EventKind::Declined(Declined { links })),
        linked.prop_map(EventKind::Linked),
    ]
    .boxed()
}

fn event() -> BoxedStrategy<Event> {
    let category = prop::sample::select(Category::ALL.to_vec());
    (number(), uid(), category, number(), moment(), moment(), number(), number(), event_kind())
        .prop_map(
            |(account_id, uid, category, pipeline_id, created_at, recorded_at, by, on_behalf_of, kind)| {
                Event {
                    account_id,
                    uid,
                    category,
                    pipeline_id,
                    created_at,
                    recorded_at,
                    by,
                    on_behalf_of,
                    kind,
                }
            },
        )
        .boxed()
}

pub(crate) fn incoming_lead() -> BoxedStrategy<IncomingLead> {
    let text = || of(of(text()));
    (
        item(),
        of(number()),
        text(),
        text(),
        of(number()),
        of(moment()),
        of(of(lead())),
        of(of(contact())),
        of(of(company())),
    )
        .prop_map(
            |(item, account_id, source_name, source_uid, pipeline_id, updated_at, lead, contact, company)| {
                let uid = item.uid.clone();
                IncomingLead {
                    uid,
                    account_id,
                    source_name,
                    source_uid,
                    pipeline_id,
                    created_at: item.created_at,
                    updated_at,
                    leads: lead.map(|lead| {
                        lead.iter()
                            .map(|lead| Entity { id: Some(lead.id), card: Some(lead.into()) })
                            .collect()
                    }),
                    contacts: contact.map(|contact| {
                        contact
                            .iter()
                            .map(|contact| Entity { id: None, card: Some(contact.into()) })
                            .collect()
                    }),
                    companies: company.map(|company| {
                        company.iter().map(|company| Entity { id: Some(company.id), card: None }).collect()
                    }),
                    metadata: item.metadata,
                }
            },
        )
        .boxed()
}

fn secret() -> BoxedStrategy<Secret> {
    prop_oneof![text().prop_map(Secret::Plain), text().prop_map(Secret::Sha256)].boxed()
}

/// Of every kind.
pub(crate) fn line() -> BoxedStrategy<Line> {
    fn row<T: Debug>(row: BoxedStrategy<T>) -> impl Strategy<Value = Of<T>> {
        (number(), row).prop_map(|(account_id, row)| Of { account_id, row })
    }
    let kind = prop_oneof![Just(TokenKind::Bearer), Just(TokenKind::ApiKey), Just(TokenKind::Session)];
    let token = (number(), number(), kind, secret(), of(text()), of(text()), of(moment())).prop_map(
        |(account_id, user_id, kind, secret, name, client_id, expires_at)| Token {
            account_id,
            user_id,
            kind,
            secret,
            name,
            client_id,
            expires_at,
        },
    );
    let due = || prop_oneof![Just(Due::Code), Just(Due::Refresh)];
    let spent = (due(), secret(), moment(), text()).prop_map(|(kind, secret, at, nonce)| Spent {
        kind,
        secret,
        at,
        nonce,
    });
    let grant = (text(), number(), number(), text(), due(), secret(), moment(), of(spent)).prop_map(
        |(id, account_id, user_id, client_id, due, secret, expires_at, spent)| Grant {
            id,
            account_id,
            user_id,
            client_id,
            due,
            secret,
            expires_at,
            spent,
        },
    );
    let incoming = (number(), number(), draft()).prop_map(|(account_id, user_id, draft)| Incoming {
        account_id,
        user_id,
        draft,
    });
    prop_oneof![
        any::<u32>().prop_map(|version| Line::Header { version, ids: None }),
        layout().prop_map(|layout| Line::Account(Box::new(layout))),
        token.prop_map(Line::Token),
        grant.prop_map(Line::Grant),
        row(tag()).prop_map(Line::Tag),
        row(customer()).prop_map(Line::Customer),
        row(lead()).prop_map(Line::Lead),
        row(contact()).prop_map(Line::Contact),
        row(company()).prop_map(Line::Company),
        row(note()).prop_map(Line::Note),
        row(item()).prop_map(Line::Item),
        event().prop_map(Line::Event),
        incoming.prop_map(Line::Draft),
    ]
    .boxed()
}
