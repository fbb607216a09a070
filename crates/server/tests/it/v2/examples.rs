//! The document's PHP examples, as PHP encodes them.

use incoming_leads_model::{
    AccountId, EntityRef, EnumRef, FieldRef, FieldValues, LeadId, PageRequest, UserId,
};
use incoming_leads_port::{EntityQuery, Ports, Principal, Registry as _};
use incoming_leads_server::Config;
use serde_json::Value;

use super::{ask, signed};
use crate::raw::{Answer, Request};
use crate::world::{V2, World};

const SIP: &str = include_str!("../../../../wire-v2/testdata/php/add_sip.form");

async fn post(world: &World, target: &str, body: &str) -> Answer {
    let request = Request::new("POST", signed("test@example.com", target)).body(body);
    ask(world, request.with("Content-Type", "application/x-www-form-urlencoded")).await
}

async fn ports(world: &World) -> Ports {
    let (account_id, user_id) = (AccountId::new(504_140).unwrap(), UserId::new(504_141).unwrap());
    world.memory.open(Principal { account_id, user_id }).await.unwrap()
}

fn values(fields: &[FieldValues], id: u64) -> &FieldValues {
    let is = |values: &&FieldValues| matches!(values.field, FieldRef::Id(field) if field.get() == id);
    fields.iter().find(is).unwrap_or_else(|| panic!("no field {id}: {fields:?}"))
}

#[tokio::test]
async fn the_sip_example_makes_the_lead_with_every_field() {
    let world = World::of(&[V2], Config::default()).await;
    let answer = post(&world, "/sip", SIP).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let uid = answer.json()["data"][0].as_str().unwrap().to_owned();
    let answer =
        post(&world, "/accept/", &format!("accept%5B0%5D={uid}&user_id=102525&status_id=1023486")).await;
    let told: Value = answer.json()["data"][&uid].clone();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let directory = ports(&world).await.directory.unwrap();
    let id = LeadId::new(told["leads"][0].as_u64().unwrap()).unwrap();
    let leads = directory.leads(&EntityQuery::with_ids(vec![id])).await.unwrap();
    let lead = &leads.items[0];
    assert_eq!((lead.price, lead.card.name.as_deref()), (1000, Some("Maintenance of the chainsaw")));
    assert_eq!((lead.status_id.get(), lead.pipeline_id.get()), (1_023_486, 41_563));
    assert_eq!(lead.card.responsible_user_id.map(UserId::get), Some(504_141));
    assert_eq!(lead.stamp.created_by.map(UserId::get), Some(102_525));
    let tags: Vec<_> = lead.card.tags.iter().map(|tag| tag.name.as_deref().unwrap()).collect();
    assert_eq!(tags, ["MT", "services"]);
    let services = values(&lead.card.custom_fields, 4_399_917);
    let choices: Vec<_> = services.values.iter().map(|value| value.value.as_str().unwrap()).collect();
    assert_eq!(choices, ["3692247", "3692248"]);
    let address = values(&lead.card.custom_fields, 4_399_923);
    let parts: Vec<_> = address
        .values
        .iter()
        .map(|value| (value.subtype.as_deref().unwrap(), value.value.as_str().unwrap()))
        .collect();
    let expected =
        [("address_line_1", "Madison st. 1"), ("city", "Washington"), ("zip", "20011"), ("country", "US")];
    assert_eq!(parts, expected);

    let contact_id = told["contacts"][0].as_u64().unwrap().try_into().unwrap();
    let contacts = directory.contacts(&EntityQuery::with_ids(vec![contact_id])).await.unwrap();
    let contact = &contacts.items[0];
    assert_eq!(contact.card.name.as_deref(), Some("Jason Nash"));
    for (field, value) in [(4_396_818, "+19457898713"), (4_396_819, "email@email.com")] {
        let values = &values(&contact.card.custom_fields, field).values;
        assert_eq!(values[0].value, value);
        assert_eq!(values[0].choice, Some(EnumRef::Code("WORK".to_owned())));
    }
    let company_id = told["companies"][0].as_u64().unwrap().try_into().unwrap();
    let companies = directory.companies(&EntityQuery::with_ids(vec![company_id])).await.unwrap();
    assert_eq!(companies.items[0].card.name.as_deref(), Some("Company LLC"));

    let notes = directory.notes(EntityRef::Lead(id), PageRequest::default()).await.unwrap();
    let [note] = notes.items.as_slice() else { panic!("one note: {notes:?}") };
    assert_eq!(
        (note.kind.as_str(), &note.params["text"]),
        ("call_in", &"Send a duplicate of the contract".into())
    );
}
