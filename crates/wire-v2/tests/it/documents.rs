//! Every example of the document passes through the server's and the client's code.

use incoming_leads_model::{
    Accept, CallEvent, Category, Channel, Decline, EnumRef, FieldRef, IncomingLead, Metadata, Moment, Receipt,
};
use incoming_leads_wire_v2::fixtures::{self, Fixture, Kind, Operation};
use incoming_leads_wire_v2::{Encoding, Sorted, accept, add, decline, list, summary};
use serde_json::{Value, json};

use crate::{call, form, json as as_json, ok, origin};

fn fixture(operation: Operation, kind: Kind) -> &'static Fixture {
    fixtures::find(operation, kind).unwrap()
}

fn value(body: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(body.as_ref()).unwrap()
}

fn channel(operation: Operation) -> Option<Channel> {
    match operation {
        Operation::AddSip => Some(Channel::Sip),
        Operation::AddForm => Some(Channel::Forms),
        _ => None,
    }
}

#[test]
fn there_are_nine_of_json_and_three_of_php() {
    assert_eq!(fixtures::ALL.iter().filter(|fixture| fixture.kind == Kind::Form).count(), 3);
    assert_eq!(fixtures::ALL.len(), 12);
}

/// Everything is read, written by the client and read again, both as JSON and as a form.
#[test]
fn adds_pass_through_both_sides() {
    for fixture in fixtures::ALL.iter().filter(|fixture| fixture.kind != Kind::Response) {
        let Some(channel) = channel(fixture.operation) else { continue };
        let sent = if fixture.kind == Kind::Form { form(fixture.body) } else { as_json(fixture.body) };
        let read = add::read_request(channel, &sent).unwrap();
        for encoding in [Encoding::Json, Encoding::Form] {
            let built = add::request(&read, encoding, &origin());
            assert_eq!(add::read_request(channel, &built).unwrap(), read, "{} {encoding:?}", fixture.name);
        }
    }
}

/// Field by field: what the document's example says.
#[test]
fn the_sip_example_has_every_field() {
    let fixture = fixture(Operation::AddSip, Kind::Form);
    let add = add::read_request(Channel::Sip, &form(fixture.body)).unwrap();
    let [item] = add.items.as_slice() else { panic!("one item: {add:?}") };
    assert_eq!(item.source_name.as_deref(), Some("Company LLC"));
    assert_eq!(item.source_uid.as_deref(), Some("a1fee7c0fc436088e64ba2e8822ba2b3"));
    assert_eq!(item.pipeline_id.map(|id| id.get()), Some(41563));
    assert_eq!(item.created_at, Moment::from_secs(1_509_483_600).ok());
    let Some(Metadata::Sip(call)) = &item.metadata else { panic!("{item:?}") };
    assert_eq!((call.phone.as_deref(), call.from.as_deref()), (Some("41565"), Some("+19456153101")));
    assert_eq!((call.duration, call.called_at), (Some(56), item.created_at));
    assert_eq!(call.link.as_deref(), Some("https://www.example.com/records/2017/11/01/98431.mp3"));
    assert_eq!(call.service_code.as_deref(), Some("CkKwPam6"));
    assert_eq!(call.uniq, Some(json!("a1fee7c0fc436088e64ba2e8822ba2b3ewrw")));
    assert_eq!(call.call_event, Some(CallEvent::Text("Send a duplicate of the contract".to_owned())));
    assert!(call.further.is_empty());
    let lead = &item.leads[0];
    assert_eq!((lead.price, lead.card.name.as_deref()), (Some(1000), Some("Maintenance of the chainsaw")));
    assert_eq!(lead.card.responsible_user_id.map(|id| id.get()), Some(504_141));
    assert_eq!(
        Value::from(lead.card.further.clone()),
        json!({"created_at": "1509483600", "status_id": "13667502"})
    );
    let tags: Vec<_> = lead.card.tags.iter().map(|tag| tag.name.as_deref().unwrap()).collect();
    assert_eq!(tags, ["MT", "services"]);
    let [choices, address] = lead.card.custom_fields.as_slice() else { panic!("{lead:?}") };
    assert_eq!(choices.values.iter().map(|value| &value.value).collect::<Vec<_>>(), ["3692247", "3692248"]);
    let lines: Vec<_> = address
        .values
        .iter()
        .map(|line| (line.subtype.as_deref().unwrap(), line.value.as_str().unwrap()))
        .collect();
    let expected =
        [("address_line_1", "Madison st. 1"), ("city", "Washington"), ("zip", "20011"), ("country", "US")];
    assert_eq!(lines, expected);
    let contact = &item.contacts[0].card;
    let [phone, mail] = contact.custom_fields.as_slice() else { panic!("{contact:?}") };
    assert!(matches!(&phone.field, FieldRef::Id(id) if id.get() == 4_396_818));
    assert_eq!(phone.values[0].choice, Some(EnumRef::Code("WORK".to_owned())));
    assert_eq!(
        (&phone.values[0].value, &mail.values[0].value),
        (&json!("+19457898713"), &json!("email@email.com"))
    );
    assert_eq!(item.companies[0].card.name.as_deref(), Some("Company LLC"));
}

/// `price` and `sale`, `created_at` and `date_create`, notes: what the JSON examples have and the PHP one has not.
#[test]
fn the_generations_words_are_one() {
    let sip =
        add::read_request(Channel::Sip, &as_json(fixture(Operation::AddSip, Kind::Request).body)).unwrap();
    let form =
        add::read_request(Channel::Forms, &as_json(fixture(Operation::AddForm, Kind::Request).body)).unwrap();
    let (call, form) = (&sip.items[0], &form.items[0]);
    assert_eq!((call.leads[0].price, form.leads[0].price), (Some(1000), Some(45000)));
    for item in [call, form] {
        assert_eq!(item.contacts[0].card.further["created_at"], "1509483600");
        let note = &item.leads[0].notes[0];
        assert_eq!((note.kind.as_deref(), &note.further["element_type"]), (Some("7"), &json!("lead")));
    }
    assert_eq!(form.leads[0].notes[0].text.as_deref(), Some("Send an invoice"));
    let Some(Metadata::Forms(told)) = &form.metadata else { panic!("{form:?}") };
    assert_eq!(told.form_id.as_deref(), Some("159783"));
    assert_eq!(told.form_sent_at, Moment::from_secs(1_509_483_600).ok());
    assert_eq!(told.referer.as_deref(), Some("http://example.com/index.php?ref=103719"));
}

#[test]
fn commands_name_uids_as_printed() {
    for kind in [Kind::Request, Kind::Form] {
        let send = |fixture: &Fixture| match kind {
            Kind::Form => form(fixture.body),
            _ => as_json(fixture.body),
        };
        let accept = accept::read_request(&send(fixture(Operation::Accept, kind))).unwrap();
        let decline = decline::read_request(&send(fixture(Operation::Decline, kind))).unwrap();
        assert_eq!(accept.uids, decline.uids);
        assert_eq!(accept.uids.len(), 2);
        assert_eq!(accept.uids[1].text, "56df4sg6dfs5g1f56bdaed65498e6asd56f4ds65f4SDds6f54sd65f4d89q");
        let (user, status) = if kind == Kind::Form { (102_525, 1_023_486) } else { (504_141, 142) };
        let Accept { user_id, status_id } = accept.command;
        assert_eq!((user_id.map(|id| id.get()), status_id.map(|id| id.get())), (Some(user), Some(status)));
        assert_eq!(decline.command, Decline { user_id });
    }
}

/// The printed answers are read, and written again as printed, but for the credentials in their links.
#[test]
fn answers_pass_through_both_sides() {
    let add = fixture(Operation::AddForm, Kind::Response).body;
    let receipts = add::read_response(1, &ok(add)).unwrap();
    same(
        add,
        add::response(&receipts, &call("POST", "/api/v2/incoming_leads/form?login=a&api_key=b")).body(),
    );

    let accept = fixture(Operation::Accept, Kind::Response).body;
    let receipt = accept::read_response(&only_uid(accept), &ok(accept)).unwrap();
    let leads: Vec<_> = receipt.leads.iter().flatten().map(|id| id.get()).collect();
    assert_eq!(leads, [1_090_596]);
    let sorted = [Sorted::new(receipt.uid.as_str(), Ok(receipt.clone()))];
    same(
        accept,
        accept::response(&sorted, &call("POST", "/api/v2/incoming_leads/accept?login=a&api_key=b")).body(),
    );

    let decline = fixture(Operation::Decline, Kind::Response).body;
    let uid = only_uid(decline);
    assert_eq!(decline::read_response(&uid, &ok(decline)).unwrap(), Receipt::of(uid.clone()));
    let sorted = [Sorted::new(uid.as_str(), Ok(Receipt::of(uid.clone())))];
    same(
        decline,
        decline::response(&sorted, &call("POST", "/api/v2/incoming_leads/decline?login=a&api_key=b")).body(),
    );

    let told = fixture(Operation::Summary, Kind::Response).body;
    let read = summary::read_response(&ok(told)).unwrap();
    assert_eq!(
        (read.category(Category::Forms), read.total, read.average_sort_time_secs),
        (33, 110, 1_204_101_653)
    );
    same(
        told,
        summary::response(&read, &call("GET", "/api/v2/incoming_leads/summary?login=a&api_key=b")).body(),
    );
}

fn only_uid(answer: &str) -> incoming_leads_model::Uid {
    let data = value(answer)["data"].clone();
    let (uid, _) = data.as_object().unwrap().iter().next().unwrap();
    incoming_leads_model::Uid::new(uid).unwrap()
}

fn same(printed: &str, written: &[u8]) {
    let blanked = |body: &[u8]| {
        let mut body = value(body);
        let href = body["_links"]["self"]["href"].as_str().unwrap().split('?').next().unwrap().to_owned();
        body["_links"]["self"]["href"] = href.into();
        body
    };
    assert_eq!(blanked(printed.as_bytes()), blanked(written));
    assert!(
        String::from_utf8_lossy(written).contains("?login=***&api_key=***") || !printed.contains("api_key")
    );
}

#[test]
fn the_list_example_is_read_and_written() {
    let printed = fixture(Operation::List, Kind::Response).body;
    let page = list::read_response(50, &ok(printed)).unwrap();
    let [call_lead, form_lead] = page.items.as_slice() else { panic!("{page:?}") };
    let Metadata::Sip(call_info) = &call_lead.metadata else { panic!("{call_lead:?}") };
    assert_eq!((call_info.duration, call_info.called_at), (Some(50), Moment::from_secs(1_509_570_000).ok()));
    assert_eq!(call_info.phone.as_deref(), Some("8152"));
    let Metadata::Forms(form_info) = &form_lead.metadata else { panic!("{form_lead:?}") };
    assert_eq!((form_info.ip.as_deref(), form_info.referer.as_deref()), (Some("48221"), None));
    let IncomingLead { leads, contacts, pipeline_id, source_uid, .. } = form_lead;
    let card = leads.as_ref().unwrap()[0].card.as_ref().unwrap();
    assert_eq!(card.card.custom_fields[0].values[0].value, "3692245");
    assert_eq!((contacts.as_deref(), *pipeline_id, source_uid), (Some([].as_slice()), None, &None));

    let written = list::response(&page, &call("GET", "/api/v2/incoming_leads?login=x&api_key=y")).unwrap();
    let (printed, written) = (value(printed), value(written.body()));
    for (printed, written) in printed["_embedded"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .zip(written["_embedded"]["items"].as_array().unwrap())
    {
        for key in ["category", "uid", "source_name", "created_at", "incoming_lead_info"] {
            assert_eq!(printed[key], written[key], "{key}");
        }
        assert_eq!(printed["incoming_entities"]["leads"], written["incoming_entities"]["leads"]);
    }
}
