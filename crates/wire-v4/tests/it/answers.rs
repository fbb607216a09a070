//! What we write: the things on which clients depend.

use http::Response;
use incoming_leads_model::{
    AccountId, Category, CompanyId, ContactId, CustomerId, Entity, IncomingLead, LeadDraft, LeadId,
    ListQuery, Metadata, Moment, More, Page, PageRequest, PipelineId, Receipt, Summary, Tally, Uid,
};
use incoming_leads_wire_v4::query::{read_list, read_page};
use incoming_leads_wire_v4::{
    Origin, TooLongToAsk, accept, add, decline, fragment, get, link, list, summary,
};
use serde_json::{Value, json};

use crate::origin;

fn lead(metadata: Metadata) -> IncomingLead {
    IncomingLead {
        uid: Uid::new("5af9").unwrap(),
        account_id: AccountId::new(1).ok(),
        source_name: Some(None),
        source_uid: Some(Some("\"quoted\" \u{1F600}\n".to_owned())),
        pipeline_id: PipelineId::new(2).ok(),
        created_at: Moment::from_secs(3).unwrap(),
        updated_at: None,
        metadata,
        leads: Some(vec![Entity { id: LeadId::new(4).ok(), card: None }]),
        contacts: Some(vec![Entity { id: ContactId::new(5).ok(), card: None }]),
        companies: Some(vec![]),
    }
}

fn body(response: &Response<Vec<u8>>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn page(items: usize, more: More) -> Page<IncomingLead> {
    Page { items: vec![lead(Metadata::empty(Category::Sip)); items], more }
}

fn asked(query: &str) -> ListQuery {
    read_list(query).unwrap()
}

#[test]
fn an_item_has_the_keys_of_the_documents_in_their_order() {
    let response = get::response(Some(&lead(Metadata::empty(Category::Sip))), &origin());
    let expected = concat!(
        r#"{"uid":"5af9","source_uid":"\"quoted\" "#,
        "\u{1F600}",
        r#"\n","source_name":null,"category":"sip","#,
        r#""pipeline_id":2,"created_at":3,"metadata":{"from":null,"phone":null,"called_at":null,"duration":null,"#,
        r#""link":null,"service_code":null},"account_id":1,"#,
        r#""_links":{"self":{"href":"https://example.kommo.com/api/v4/leads/unsorted/5af9"}},"#,
        r#""_embedded":{"contacts":[{"id":5,"_links":{"self":{"href":"https://example.kommo.com/api/v4/contacts/5"}}}],"#,
        r#""leads":[{"id":4,"_links":{"self":{"href":"https://example.kommo.com/api/v4/leads/4"}}}],"companies":[]}}"#,
    );
    assert_eq!(String::from_utf8(response.into_body()).unwrap(), expected);
}

#[test]
fn metadata_always_has_the_keys_that_clients_index() {
    let keys = |category| {
        let response = get::response(Some(&lead(Metadata::empty(category))), &origin());
        let metadata = body(&response)["metadata"].as_object().unwrap().clone();
        metadata.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(Category::Forms), "form_id form_name form_page form_sent_at ip referer visitor_uid");
    assert_eq!(
        keys(Category::Chats),
        "client from last_message_text origin received_at service source_name to"
    );
    assert_eq!(keys(Category::Mail), "content_summary from message_id received_at subject thread_id");
    assert_eq!(keys(Category::Sip), "called_at duration from link phone service_code");
}

#[test]
fn successes_are_hal_and_empty_ones_have_no_body() {
    let response = get::response(Some(&lead(Metadata::empty(Category::Sip))), &origin());
    assert_eq!(response.headers()["content-type"], "application/hal+json");
    for nothing in [get::response(None, &origin()), list::response(&page(0, More::No), &asked(""), &origin())]
    {
        assert_eq!((nothing.status().as_u16(), nothing.body().len(), nothing.headers().len()), (204, 0, 0));
    }
}

#[test]
fn the_first_page_links_to_itself_and_the_next() {
    let response = list::response(&page(1, More::Yes), &asked("filter[uid]=a%20b&limit=1"), &origin());
    let body = body(&response);
    assert_eq!(body["_page"], 1);
    assert_eq!(body.get("_total_items"), None);
    let tail = "limit=1&filter%5Buid%5D=a%20b&order%5Bcreated_at%5D=desc";
    assert_eq!(
        body["_links"],
        json!({
            "self": {"href": format!("https://example.kommo.com/api/v4/leads/unsorted?page=1&{tail}")},
            "next": {"href": format!("https://example.kommo.com/api/v4/leads/unsorted?page=2&{tail}")},
        })
    );
    let next = body["_links"]["next"]["href"].as_str().unwrap().split_once('?').unwrap().1;
    assert_eq!(asked(next), asked("filter[uid]=a%20b&limit=1&page=2"));
}

#[test]
fn later_pages_link_to_the_first_and_the_previous() {
    let of_page =
        |query, more| body(&list::response(&page(1, more), &asked(query), &origin()))["_links"].clone();
    let links = |more| of_page("page=3", more);
    let relations = |links: &Value| links.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(relations(&of_page("page=1", More::No)), "self");
    assert_eq!(relations(&of_page("page=2", More::No)), "first prev self");
    assert_eq!(relations(&links(More::No)), "first prev self");
    assert_eq!(relations(&links(More::Perhaps)), "first next prev self");
    let prev = links(More::No)["prev"]["href"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    assert_eq!(read_page(&prev).unwrap(), PageRequest::new(2, 50).unwrap());
}

#[test]
fn fragments_join_to_the_same_bytes() {
    let page = page(3, More::Yes);
    let fragments: Vec<_> = page.items.iter().map(fragment).collect();
    for origin in [origin(), Origin::new("http://127.0.0.1:8080/").unwrap()] {
        let whole = list::response(&page, &asked(""), &origin);
        let joined = list::response_of_fragments(&fragments, page.more, &asked(""), &origin);
        assert_eq!(whole.body(), joined.body());
        assert_eq!(whole.headers(), joined.headers());
    }
    assert!(fragments[0].heap_bytes() > 300);
    let none = list::response_of_fragments(&[], More::No, &asked(""), &origin());
    assert_eq!(none.status().as_u16(), 204);
}

#[test]
fn entities_without_an_id_are_not_written() {
    let mut lead = lead(Metadata::empty(Category::Sip));
    lead.leads = Some(vec![Entity { id: None, card: Some(LeadDraft::default()) }]);
    lead.contacts = None;
    let body = body(&get::response(Some(&lead), &origin()));
    assert_eq!(body["_embedded"], json!({"contacts": [], "leads": [], "companies": []}));
}

#[test]
fn uids_are_escaped_in_links() {
    let mut lead = lead(Metadata::empty(Category::Sip));
    lead.uid = Uid::new("../a b\"%").unwrap();
    let body = body(&get::response(Some(&lead), &origin()));
    assert_eq!(
        body["_links"]["self"]["href"],
        "https://example.kommo.com/api/v4/leads/unsorted/%2E%2E%2Fa%20b%22%25"
    );
    assert_eq!(
        get::request(&lead.uid, &origin()).uri().path(),
        "/api/v4/leads/unsorted/%2E%2E%2Fa%20b%22%25"
    );
}

fn receipt() -> Receipt {
    Receipt {
        account_id: AccountId::new(1).ok(),
        category: Some(Category::Chats),
        pipeline_id: PipelineId::new(2).ok(),
        created_at: Moment::from_secs(3).ok(),
        leads: Some(vec![LeadId::new(4).unwrap()]),
        contacts: Some(vec![ContactId::new(5).unwrap()]),
        companies: Some(vec![CompanyId::new(6).unwrap()]),
        customers: Some(vec![CustomerId::new(7).unwrap()]),
        ..Receipt::of(Uid::new("5af9").unwrap())
    }
}

#[test]
fn adds_echo_their_request_ids() {
    let response = add::response(&[receipt(), receipt()], &["0".to_owned(), "a\"b".to_owned()], &origin());
    let body = body(&response);
    assert_eq!(body["_total_items"], 2);
    assert_eq!(body["_embedded"]["unsorted"][1]["request_id"], "a\"b");
    assert_eq!(body["_embedded"]["unsorted"][0]["account_id"], 1);
    assert_eq!(body.get("_page"), None);
}

#[test]
fn decisions_carry_what_clients_cannot_do_without_and_the_flags_of_the_example() {
    for response in [accept::response(&receipt(), &origin()), decline::response(&receipt(), &origin())] {
        let body = body(&response);
        assert_eq!(
            (&body["category"], &body["pipeline_id"], &body["created_at"]),
            (&json!("chats"), &json!(2), &json!(3))
        );
        let contact = &body["_embedded"]["contacts"][0];
        assert_eq!((&contact["is_deleted"], &contact["is_unsorted"]), (&json!(false), &json!(false)));
        assert_eq!(body["_embedded"]["companies"][0]["id"], 6);
    }
}

#[test]
fn links_name_all_four_kinds() {
    let body = body(&link::response(&receipt(), &origin()));
    let kinds: Vec<_> = body["_embedded"].as_object().unwrap().keys().collect();
    assert_eq!(kinds, ["companies", "contacts", "customers", "leads"]);
    assert_eq!(
        body["_embedded"]["customers"][0]["_links"]["self"]["href"],
        "https://example.kommo.com/api/v4/customers/7"
    );
}

#[test]
fn summaries_have_whole_numbers_and_all_four_categories() {
    let empty = Summary::from(Tally::default());
    let zero = json!({"total": 0});
    let expected = json!({
        "total": 0, "accepted": 0, "declined": 0, "average_sort_time": 0,
        "categories": {"sip": zero, "mail": zero, "forms": zero, "chats": zero}
    });
    assert_eq!(body(&summary::response(&empty, &origin())), expected);
    assert_eq!(body(&summary::response(&Summary { declined: None, ..empty }, &origin())), expected);
}

#[test]
fn a_question_that_is_too_long_for_an_address_is_not_built() {
    let named = |count: usize| {
        let uids = (0..count).map(|n| Uid::new(&format!("{n:03}{}", "ж".repeat(60))).unwrap()).collect();
        let mut query = ListQuery::default();
        query.filter.uids = Some(uids);
        query
    };
    assert!(list::request(&named(100), &origin()).unwrap().is_some());
    let error: TooLongToAsk = list::request(&named(250), &origin()).unwrap_err();
    assert!(error.to_string().contains("fewer uids"));
}

#[test]
fn origins_are_scheme_and_host() {
    for good in ["http://a", "https://a.b-c_d:80", "http://[::1]:8080", "http://127.0.0.1:1/"] {
        assert_eq!(Origin::new(good).unwrap().as_str(), good.trim_end_matches('/'));
    }
    for bad in [
        "",
        "a.b",
        "ftp://a",
        "http://",
        "http://a/b",
        "http://a\"",
        "http://a b",
        "http://u@h",
        "http://a?x",
    ] {
        assert!(Origin::new(bad).is_err(), "{bad}");
    }
}
