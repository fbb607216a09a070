//! One page of the same leads, read over v2 and over v4.

use incoming_leads_http_v4::HttpV4;
use incoming_leads_model::{Cards, Entity, IncomingLead, ListQuery, Page};
use incoming_leads_port::IncomingLeads as _;
use incoming_leads_wire_v2::list;

use super::{ask, get};
use crate::world::{ADMINISTRATOR, World};

/// What v2 tells of a lead that v4 told: all but the ids, the account, the pipeline, the source's uid.
fn as_v2_tells(lead: IncomingLead) -> IncomingLead {
    fn bodies<I, C>(entities: Option<Vec<Entity<I, C>>>) -> Option<Vec<Entity<I, C>>> {
        entities.map(|all| all.into_iter().map(|Entity { card, .. }| Entity { id: None, card }).collect())
    }
    let IncomingLead { leads, contacts, companies, .. } = lead.clone();
    IncomingLead {
        account_id: None,
        source_uid: None,
        pipeline_id: None,
        updated_at: None,
        leads: bodies(leads),
        contacts: bodies(contacts),
        companies: bodies(companies),
        ..lead
    }
}

#[tokio::test]
async fn v2_and_v4_tell_the_same_story() {
    let world = World::kommo().await;
    let page_size = 50;
    let v2: Page = {
        let answer = ask(&world, get(&format!("?page_size={page_size}"))).await;
        let response = http::Response::builder().status(answer.status);
        let response = response.header("content-type", answer.content_type()).body(answer.body.clone());
        list::read_response(page_size, &response.unwrap()).unwrap()
    };
    let v4 = HttpV4::builder(world.server.url()).with_token(ADMINISTRATOR).build().unwrap();
    let query = ListQuery { cards: Cards::Include, ..ListQuery::default() };
    let v4 = v4.list(&query).await.unwrap();
    assert!(v4.items.len() >= 3);
    assert_eq!(v2.items, v4.items.into_iter().map(as_v2_tells).collect::<Vec<_>>());
}
