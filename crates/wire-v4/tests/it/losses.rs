//! From the model over the wire and back: the identity, but for the losses that the crate's documentation lists.

use incoming_leads_model::{
    Accept, AccountId, Add, CallEvent, Card, Category, ChatClient, ChatOrigin, ChatsMetadata, Company,
    CompanyDraft, CompanyId, Contact, ContactDraft, ContactId, Customer, CustomerId, Decline, Direction,
    Draft, Entity, EntityRef, EnumRef, FieldRef, FieldValue, FieldValues, FormsMetadata, Further,
    IncomingLead, Layout, Lead, LeadDraft, LeadId, Link, LinkTarget, ListFilter, ListQuery, MailAuthor,
    MailMetadata, Metadata, Moment, More, Note, NoteId, Order, OrderKey, Page, PageRequest, PipelineId,
    Receipt, SipMetadata, Stamp, StatusId, Summary, SummaryQuery, TagRef, Uid, UserId, Window,
};
use incoming_leads_wire_v4::{accept, account, add, decline, entity, get, link, list, summary};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::origin;

fn text() -> BoxedStrategy<String> {
    prop_oneof!["\\PC{0,12}", "[0-9]{1,20}", any::<String>().prop_map(|text| text.chars().take(20).collect())]
        .boxed()
}

fn moment() -> BoxedStrategy<Moment> {
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
    ($Id:ident) => {
        number().prop_map(|number| $Id::new(number).unwrap())
    };
}

fn uid() -> BoxedStrategy<Uid> {
    prop_oneof!["[0-9a-f]{60}", "[!-~а-я]{1,30}"].prop_map(|text| Uid::new(&text).unwrap()).boxed()
}

fn value() -> BoxedStrategy<Value> {
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

fn map(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Map<String, Value>> {
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

/// Metadata as an answer tells it: whether a call note is wished for is not told.
fn told(metadata: Metadata) -> Metadata {
    match metadata {
        Metadata::Sip(call) => Metadata::Sip(SipMetadata { call_event: None, ..call }),
        Metadata::Forms(_) | Metadata::Chats(_) | Metadata::Mail(_) => metadata,
    }
}

fn stubs<I: std::fmt::Debug + Clone, C: std::fmt::Debug + Clone>(
    ids: impl Strategy<Value = I>,
) -> impl Strategy<Value = Option<Vec<Entity<I, C>>>> {
    vec(ids.prop_map(|id| Entity { id: Some(id), card: None }), 0..2).prop_map(Some)
}

fn lead() -> BoxedStrategy<IncomingLead> {
    let head = (uid(), id!(AccountId), of(text()), of(text()), id!(PipelineId), moment());
    let entities = (stubs(id!(LeadId)), stubs(id!(ContactId)), stubs(id!(CompanyId)));
    (head, metadata(), entities)
        .prop_map(
            |(
                (uid, account_id, source_name, source_uid, pipeline_id, created_at),
                metadata,
                (leads, contacts, companies),
            )| {
                IncomingLead {
                    uid,
                    account_id: Some(account_id),
                    source_name: Some(source_name),
                    source_uid: Some(source_uid),
                    pipeline_id: Some(pipeline_id),
                    created_at,
                    updated_at: None,
                    metadata,
                    leads,
                    contacts,
                    companies,
                }
            },
        )
        .boxed()
}

fn field_values() -> BoxedStrategy<FieldValues> {
    let field = prop_oneof![id!(FieldId).prop_map(FieldRef::Id), text().prop_map(FieldRef::Code)];
    let choice = of(prop_oneof![id!(EnumId).prop_map(EnumRef::Id), text().prop_map(EnumRef::Code)]);
    let value = (value(), choice, of(text())).prop_map(|(value, choice, subtype)| FieldValue {
        value,
        choice,
        subtype,
    });
    (field, vec(value, 0..3)).prop_map(|(field, values)| FieldValues { field, values }).boxed()
}
use incoming_leads_model::{EnumId, FieldId, TagId};

fn card() -> BoxedStrategy<Card> {
    let tag = (of(id!(TagId)), of(text())).prop_map(|(id, name)| TagRef { id, name });
    let embedded = of(further().prop_filter("empty is not told", |further| !further.is_empty()));
    (of(text()), of(id!(UserId)), vec(field_values(), 0..3), vec(tag, 0..3), further(), embedded)
        .prop_map(|(name, responsible_user_id, custom_fields, tags, mut further, embedded)| {
            further.extend(embedded.map(|embedded| ("_embedded".to_owned(), Value::Object(embedded))));
            Card { name, responsible_user_id, custom_fields, tags, further }
        })
        .boxed()
}

fn draft(metadata: impl Strategy<Value = Metadata> + 'static) -> BoxedStrategy<Draft> {
    let lead = (of(id!(LeadId)), of(0..=(1_u64 << 53) - 1), card()).prop_map(|(id, price, card)| LeadDraft {
        id,
        price,
        notes: vec![],
        card,
    });
    let contact = (of(id!(ContactId)), of(text()), of(text()), card())
        .prop_map(|(id, first_name, last_name, card)| ContactDraft { id, first_name, last_name, card });
    let company = (of(id!(CompanyId)), card()).prop_map(|(id, card)| CompanyDraft { id, card });
    let head = (of(text()), of(text()), of(id!(PipelineId)), of(moment()), of(metadata));
    (head, vec(lead, 0..2), vec(contact, 0..2), vec(company, 0..2))
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

fn receipt() -> BoxedStrategy<Receipt> {
    let ids = (
        vec(id!(LeadId), 0..2),
        vec(id!(ContactId), 0..2),
        vec(id!(CompanyId), 0..2),
        vec(id!(CustomerId), 0..2),
    );
    let category = proptest::sample::select(Category::ALL.to_vec());
    (uid(), id!(AccountId), category, id!(PipelineId), moment(), ids)
        .prop_map(
            |(
                uid,
                account_id,
                category,
                pipeline_id,
                created_at,
                (leads, contacts, companies, customers),
            )| {
                Receipt {
                    uid,
                    account_id: Some(account_id),
                    category: Some(category),
                    pipeline_id: Some(pipeline_id),
                    created_at: Some(created_at),
                    leads: Some(leads),
                    contacts: Some(contacts),
                    companies: Some(companies),
                    customers: Some(customers),
                }
            },
        )
        .boxed()
}

fn list_query() -> BoxedStrategy<ListQuery> {
    let uids = of(proptest::collection::hash_set(uid(), 1..4).prop_map(Vec::from_iter));
    let categories = of(proptest::sample::subsequence(Category::ALL.to_vec(), 1..=4));
    let pipelines = of(proptest::collection::hash_set(id!(PipelineId), 1..4).prop_map(Vec::from_iter));
    let order = (any::<bool>(), any::<bool>()).prop_map(|(key, direction)| Order {
        key: if key { OrderKey::CreatedAt } else { OrderKey::UpdatedAt },
        direction: if direction { Direction::Ascending } else { Direction::Descending },
    });
    let page = (1..=u64::MAX, 1..=250_u32).prop_map(|(number, size)| PageRequest::new(number, size).unwrap());
    (uids, categories, pipelines, order, page)
        .prop_map(|(uids, categories, pipelines, order, page)| ListQuery {
            filter: ListFilter { uids, categories, pipelines },
            order,
            page,
            ..ListQuery::default()
        })
        .boxed()
}

fn summary_query() -> BoxedStrategy<SummaryQuery> {
    let uids = of(proptest::collection::hash_set(uid(), 1..4).prop_map(Vec::from_iter));
    let pipelines = of(proptest::collection::hash_set(id!(PipelineId), 1..4).prop_map(Vec::from_iter));
    let window = (moment(), moment()).prop_map(|(a, b)| Window::new(a.min(b), a.max(b)).unwrap());
    (uids, pipelines, window)
        .prop_map(|(uids, pipelines, window)| SummaryQuery { uids, pipelines, window })
        .boxed()
}

fn stamp() -> BoxedStrategy<Stamp> {
    (of(id!(UserId)), of(id!(UserId)), moment(), moment(), any::<bool>())
        .prop_map(|(created_by, updated_by, created_at, updated_at, is_deleted)| Stamp {
            created_by,
            updated_by,
            created_at,
            updated_at,
            is_deleted,
        })
        .boxed()
}

/// An account without custom fields, so that values are told as they are named.
fn layout() -> Layout {
    serde_json::from_str(
        r##"{"account":{"id":31361463,"subdomain":"example","name":"Example","created_at":1600000000},
        "pipelines":[{"id":1,"name":"Main","sort":1,"is_main":true,"statuses":[
            {"id":2,"name":"Incoming leads","sort":10,"kind":"unsorted","color":"#c1c1c1"},
            {"id":3,"name":"First","sort":20}]},
            {"id":4,"name":"Old","is_archive":true,"is_unsorted_on":false,"statuses":[]}],
        "users":[{"id":5,"name":"A","email":"a@b.c","rights":{"view":true,"add":true,"sort":true,"administrate":true}},
            {"id":6,"name":"B","email":"b@b.c","is_active":false,"rights":{"view":true}}],
        "fields":[{"id":7,"entity":"company","name":"Phone","code":"PHONE","field_type":"multitext",
            "choices":[{"id":8,"value":"WORK","code":"WORK"},{"id":9,"value":"x"}]}]}"##,
    )
    .unwrap()
}

fn json(answer: &http::Response<Vec<u8>>) -> serde_json::Value {
    serde_json::from_slice(answer.body()).unwrap()
}

fn page<T>(item: T) -> Page<T> {
    Page { items: vec![item], more: More::Yes }
}

proptest! {
    #[test]
    fn incoming_leads_come_back(lead in lead()) {
        let expected = IncomingLead { metadata: told(lead.metadata.clone()), ..lead.clone() };
        let read = get::read_response(&get::response(Some(&lead), &origin())).unwrap();
        prop_assert_eq!(read.as_ref(), Some(&expected));
        let read = list::read_response(&list::response(&page(lead), &ListQuery::default(), &origin())).unwrap();
        prop_assert_eq!(read, page(expected));
    }

    #[test]
    fn calls_come_back(items in vec(draft(call().prop_map(Metadata::Sip)), 0..3)) {
        let command = Add::calls(items);
        let read = add::read_request(command.channel, &add::request(&command, &origin())).unwrap();
        prop_assert_eq!(&read.request_ids, &(0..command.items.len()).map(|n| n.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(read.add, command);
    }

    #[test]
    fn forms_come_back(items in vec(draft(form().prop_map(Metadata::Forms)), 0..3)) {
        let command = Add::forms(items);
        let read = add::read_request(command.channel, &add::request(&command, &origin())).unwrap();
        prop_assert_eq!(read.add, command);
    }

    #[test]
    fn receipts_come_back(receipt in receipt()) {
        let added = add::response(std::slice::from_ref(&receipt), &["0".to_owned()], &origin());
        let untold = Receipt { category: None, pipeline_id: None, created_at: None, customers: None, ..receipt.clone() };
        prop_assert_eq!(add::read_response(1, &added).unwrap(), vec![untold]);
        let untold = Receipt { account_id: None, customers: None, ..receipt.clone() };
        prop_assert_eq!(&accept::read_response(&accept::response(&receipt, &origin())).unwrap(), &untold);
        prop_assert_eq!(&decline::read_response(&decline::response(&receipt, &origin())).unwrap(), &untold);
        let untold = Receipt { account_id: None, category: None, pipeline_id: None, created_at: None, ..receipt.clone() };
        prop_assert_eq!(link::read_response(&link::response(&receipt, &origin())).unwrap(), untold);
    }

    #[test]
    fn commands_come_back(
        uid in uid(),
        user_id in of(id!(UserId)),
        status_id in of(id!(StatusId)),
        contact_id in of(id!(ContactId)),
        target in prop_oneof![id!(LeadId).prop_map(LinkTarget::Lead), id!(CustomerId).prop_map(LinkTarget::Customer)],
    ) {
        let command = Accept { user_id, status_id };
        prop_assert_eq!(accept::read_request(&accept::request(&uid, command, &origin())).unwrap(), command);
        let command = Decline { user_id };
        prop_assert_eq!(decline::read_request(&decline::request(&uid, command, &origin())).unwrap(), command);
        let command = Link { target, contact_id, user_id };
        let request = link::request(&uid, command, &origin());
        prop_assert_eq!(link::read_request(&request).unwrap(), command);
        let route = incoming_leads_wire_v4::route::find(request.method(), request.uri().path()).unwrap();
        prop_assert_eq!(route, incoming_leads_wire_v4::route::Route::Link(Some(uid)));
    }

    #[test]
    fn questions_come_back(query in list_query(), window in summary_query()) {
        let request = list::request(&query, &origin()).unwrap().unwrap();
        prop_assert_eq!(list::read_request(&request).unwrap(), query);
        let request = summary::request(&window, &origin()).unwrap().unwrap();
        prop_assert_eq!(summary::read_request(&request).unwrap(), window);
    }

    #[test]
    fn summaries_come_back(counts in any::<[u32; 7]>()) {
        let [a, b, c, d, accepted, declined, secs] = counts.map(u64::from);
        let told = Summary {
            total: a + b + c + d,
            categories: [a, b, c, d],
            accepted,
            declined: Some(declined),
            linked: None,
            average_sort_time_secs: secs,
        };
        prop_assert_eq!(summary::read_response(&summary::response(&told, &origin())).unwrap(), told);
    }

    #[test]
    fn leads_come_back(
        ids in (id!(LeadId), id!(PipelineId), id!(StatusId), of(id!(CompanyId))),
        price in 0..=(1_u64 << 53) - 1,
        card in card(),
        contacts in vec(id!(ContactId), 0..3),
        closed_at in of(moment()),
        stamp in stamp(),
    ) {
        let (id, pipeline_id, status_id, company) = ids;
        let lead = Lead { id, pipeline_id, status_id, price, card, contacts, company, closed_at, is_unsorted: false, stamp };
        let (layout, asked) = (layout(), PageRequest::default());
        let one = entity::lead_response(Some(&lead), &layout, &origin());
        prop_assert_eq!(entity::read_lead(&one).unwrap(), Some(lead.clone()));
        let many = entity::leads_response(&page(lead.clone()), asked, &layout, &origin());
        prop_assert_eq!(entity::read_leads(&many).unwrap(), page(lead));
    }

    #[test]
    fn contacts_companies_and_customers_come_back(
        ids in (id!(ContactId), id!(CompanyId), id!(CustomerId)),
        names in (of("[a-z]{1,5}"), of("[a-z]{1,5}")),
        card in card(),
        is_unsorted in any::<bool>(),
        stamp in stamp(),
    ) {
        let (contact_id, company_id, customer_id) = ids;
        let (layout, asked) = (Layout { fields: vec![], ..layout() }, PageRequest::default());
        let (first_name, last_name) = names;
        let contact =
            Contact { id: contact_id, first_name, last_name, card: card.clone(), company: Some(company_id), is_unsorted, stamp };
        let many = entity::contacts_response(&page(contact.clone()), asked, &layout, &origin());
        prop_assert_eq!(entity::read_contacts(&many).unwrap(), page(contact));
        let company = Company { id: company_id, card: card.clone(), is_unsorted, stamp };
        let one = entity::company_response(Some(&company), &layout, &origin());
        prop_assert_eq!(entity::read_company(&one).unwrap(), Some(company));
        let customer = Customer { id: customer_id, card, contacts: vec![contact_id], company: None, stamp };
        let one = entity::customer_response(Some(&customer), &layout, &origin());
        prop_assert_eq!(entity::read_customer(&one).unwrap(), Some(customer));
    }

    #[test]
    fn notes_come_back(id in id!(NoteId), kind in text(), params in map(value()), created_by in of(id!(UserId)), created_at in moment()) {
        let on = EntityRef::Contact(ContactId::new(5).unwrap());
        let note = Note { id, entity: on, kind, params, created_by, created_at };
        let many = entity::notes_response(on, &page(note.clone()), PageRequest::default(), &layout(), &origin());
        prop_assert_eq!(entity::read_notes(on, &many).unwrap(), page(note));
    }
}

#[test]
fn accounts_come_back() {
    let layout = layout();
    let user = layout.users[0].id;
    let read = account::read_account(&account::account_response(&layout, user, &origin())).unwrap();
    assert_eq!(read, (layout.account.clone(), user));
    assert_eq!(
        account::read_pipelines(&account::pipelines_response(&layout, &origin())).unwrap(),
        layout.pipelines
    );
    assert_eq!(account::read_users(&account::users_response(&layout, &origin())).unwrap(), layout.users);
    let kind = incoming_leads_model::EntityKind::Company;
    let read = account::read_fields(kind, &account::fields_response(kind, &layout, &origin())).unwrap();
    assert_eq!(read, layout.fields);
    let none = account::fields_response(incoming_leads_model::EntityKind::Lead, &layout, &origin());
    assert_eq!(none.status().as_u16(), 204);
}

/// One client indexes all of these, and takes no null for a list or a number.
#[test]
fn rights_are_told_with_a_list_of_statuses_and_fields_with_their_place() {
    let layout = layout();
    let users = json(&account::users_response(&layout, &origin()));
    for user in users["_embedded"]["users"].as_array().unwrap() {
        assert_eq!(user["rights"]["status_rights"], serde_json::json!([]));
    }
    let kind = incoming_leads_model::EntityKind::Company;
    let fields = json(&account::fields_response(kind, &layout, &origin()));
    let field = &fields["_embedded"]["custom_fields"][0];
    assert_eq!(field["sort"], 1);
    assert_eq!((&field["enums"][0]["sort"], &field["enums"][1]["sort"]), (&1.into(), &2.into()));
    let id = layout.fields[0].id;
    assert_eq!(&json(&account::field_response(kind, id, &layout, &origin())), field);
}

#[test]
fn won_and_lost_stand_in_every_pipeline_once() {
    let mut layout = layout();
    let (main, old) = (layout.pipelines[0].id, layout.pipelines[1].id);
    let told = |layout: &Layout, pipeline| {
        let statuses = json(&account::statuses_response(pipeline, layout, &origin()));
        let statuses = statuses["_embedded"]["statuses"].as_array().unwrap().clone();
        let of = |status: &serde_json::Value| {
            (
                status["id"].as_u64().unwrap(),
                status["type"].as_u64().unwrap(),
                status["name"].as_str().unwrap().to_owned(),
            )
        };
        statuses.iter().map(of).collect::<Vec<_>>()
    };
    let (won, lost) = ((142, 0, "Closed - won".to_owned()), (143, 0, "Closed - lost".to_owned()));
    assert_eq!(told(&layout, old), [won.clone(), lost.clone()]);
    assert_eq!(told(&layout, main)[2..], [won, lost.clone()]);
    let one = account::status_response(main, StatusId::WON, &layout, &origin());
    assert_eq!((&json(&one)["id"], &json(&one)["is_editable"]), (&142.into(), &false.into()));

    let own = r##"{"id":142,"name":"Paid","sort":99}"##;
    layout.pipelines[1].statuses.push(serde_json::from_str(own).unwrap());
    assert_eq!(told(&layout, old), [(142, 0, "Paid".to_owned()), lost]);
    let read = account::read_pipelines(&account::pipelines_response(&layout, &origin())).unwrap();
    assert_eq!(read, layout.pipelines);
}

#[test]
fn a_field_that_the_account_defines_is_told_whole_and_read_by_its_id() {
    let layout = layout();
    let values = FieldValues {
        field: FieldRef::Code("PHONE".to_owned()),
        values: vec![FieldValue {
            value: "+1".into(),
            choice: Some(EnumRef::Code("WORK".to_owned())),
            subtype: None,
        }],
    };
    let company = Company {
        id: CompanyId::new(1).unwrap(),
        card: Card { custom_fields: vec![values], ..Card::default() },
        is_unsorted: false,
        stamp: Stamp {
            created_by: None,
            updated_by: None,
            created_at: Moment::MIN,
            updated_at: Moment::MIN,
            is_deleted: false,
        },
    };
    let response = entity::company_response(Some(&company), &layout, &origin());
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(
        body["custom_fields_values"][0],
        serde_json::json!({
            "field_id": 7, "field_name": "Phone", "field_code": "PHONE", "field_type": "multitext", "is_computed": false,
            "values": [{"value": "+1", "enum_code": "WORK", "enum_id": 8}]
        })
    );
    let read = entity::read_company(&response).unwrap().unwrap();
    assert_eq!(
        read.card.custom_fields[0].field,
        FieldRef::Id(incoming_leads_model::FieldId::new(7).unwrap())
    );
}

#[test]
fn the_notes_of_a_draft_have_no_place() {
    let lead = LeadDraft { notes: vec![incoming_leads_model::NoteDraft::default()], ..LeadDraft::default() };
    let command = Add::calls(vec![Draft { leads: vec![lead], ..Draft::default() }]);
    let read = add::read_request(command.channel, &add::request(&command, &origin())).unwrap();
    assert_eq!(read.add.items[0].leads, [LeadDraft::default()]);
}
