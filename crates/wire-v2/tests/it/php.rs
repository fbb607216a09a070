//! Bodies that real PHP wrote of the document's examples.

use http::Request;
use incoming_leads_model::{Channel, EnumRef, FieldRef, Metadata, Moment};
use incoming_leads_wire_v2::{accept, add, decline};

fn form(body: &str) -> Request<Vec<u8>> {
    let request = Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    request.body(body.as_bytes().to_vec()).unwrap()
}

#[test]
fn the_sip_example_has_every_field() {
    let request = form(include_str!("../../testdata/php/add_sip.form"));
    let add = add::read_request(Channel::Sip, &request).unwrap();
    let [item] = add.items.as_slice() else { panic!("one item: {add:?}") };
    assert_eq!(item.source_name.as_deref(), Some("Company LLC"));
    assert_eq!(item.source_uid.as_deref(), Some("a1fee7c0fc436088e64ba2e8822ba2b3"));
    assert_eq!(item.pipeline_id.map(|id| id.get()), Some(41563));
    assert_eq!(item.created_at, Moment::from_secs(1_509_483_600).ok());
    let Some(Metadata::Sip(call)) = &item.metadata else { panic!("{item:?}") };
    assert_eq!((call.phone.as_deref(), call.from.as_deref()), (Some("41565"), Some("+19456153101")));
    assert_eq!((call.duration, call.called_at), (Some(56), item.created_at));
    let lead = &item.leads[0];
    assert_eq!((lead.price, lead.card.name.as_deref()), (Some(1000), Some("Maintenance of the chainsaw")));
    let tags: Vec<_> = lead.card.tags.iter().map(|tag| tag.name.as_deref().unwrap()).collect();
    assert_eq!(tags, ["MT", "services"]);
    let subtypes: Vec<_> =
        lead.card.custom_fields[1].values.iter().map(|value| value.subtype.as_deref().unwrap()).collect();
    assert_eq!(subtypes, ["address_line_1", "city", "zip", "country"]);
    let phone = &item.contacts[0].card.custom_fields[0];
    assert!(matches!(&phone.field, FieldRef::Id(id) if id.get() == 4_396_818));
    assert_eq!(phone.values[0].choice, Some(EnumRef::Code("WORK".to_owned())));
    assert_eq!(phone.values[0].value, "+19457898713");
    assert_eq!(item.companies[0].card.name.as_deref(), Some("Company LLC"));
}

#[test]
fn accept_and_decline_name_two_uids() {
    let accept = accept::read_request(&form(include_str!("../../testdata/php/accept.form"))).unwrap();
    assert_eq!(accept.uids.len(), 2);
    assert_eq!(accept.command.status_id.map(|id| id.get()), Some(1_023_486));
    let decline = decline::read_request(&form(include_str!("../../testdata/php/decline.form"))).unwrap();
    assert_eq!(decline.uids[1].text, "56df4sg6dfs5g1f56bdaed65498e6asd56f4ds65f4SDds6f54sd65f4d89q");
    assert_eq!(decline.command.user_id.map(|id| id.get()), Some(102_525));
}
