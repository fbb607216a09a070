//! What is answered: R12 to R14.

use incoming_leads_model::*;
use serde_json::json;

use crate::world::*;

fn window(from: i64, to: i64) -> Window {
    Window::new(at(from), at(to)).unwrap()
}

fn moments(secs: i64) -> Draft {
    Draft { created_at: Some(at(secs)), ..call(secs) }
}

// R12

#[test]
fn summary_counts_leads_created_and_decisions_made_in_the_window() {
    let mut world = World::new();
    let old = world.bring(moments(10)).unwrap().uid;
    let new = world.bring(moments(500)).unwrap().uid;
    world.bring(form(1)).unwrap();
    world.now = at(2_000);
    world.accept(SORTER, &old, Accept::default()).unwrap();
    world.now = at(3_000);
    world.decline(SORTER, &new, Decline::default()).unwrap();
    let counts = |from, to| {
        let summary = world.summary(window(from, to));
        (summary.total, summary.accepted, summary.declined, summary.average_sort_time_secs)
    };
    // Created at 10, 500 and 1000; decided at 2000 after 1990 and at 3000 after 2500 seconds.
    assert_eq!(counts(0, 4_000), (3, 1, Some(1), 2_245));
    assert_eq!(counts(10, 500), (2, 0, Some(0), 0));
    assert_eq!(counts(11, 499), (0, 0, Some(0), 0));
    assert_eq!(counts(2_000, 2_000), (0, 1, Some(0), 1_990));
    assert_eq!(counts(2_001, 3_000), (0, 0, Some(1), 2_500));
    let all = world.summary(Window::ALL);
    assert_eq!(all.categories, [2, 1, 0, 0]);
    assert_eq!(Category::ALL.map(|category| all.category(category)), [2, 1, 0, 0]);
}

#[test]
fn mean_time_to_sort_is_cut_to_whole_seconds_and_never_below_0() {
    let mut world = World::new();
    // The first lies in the future: its decision comes before it, and counts as 0.
    for created_at in [5_000, 999, 998] {
        let uid = world.bring(moments(created_at)).unwrap().uid;
        world.decline(SORTER, &uid, Decline::default()).unwrap();
    }
    assert_eq!(world.summary(window(1_000, 1_000)).average_sort_time_secs, 1);
    let more = world.bring(moments(1)).unwrap().uid;
    world.accept(SORTER, &more, Accept::default()).unwrap();
    assert_eq!(world.summary(window(1_000, 1_000)).average_sort_time_secs, (1 + 2 + 999) / 4);
}

#[test]
fn links_and_updates_are_counted_apart_and_do_not_enter_the_mean() {
    let mut world = World::new();
    let uid = world.take_in(SORTER, Draft { created_at: Some(at(1)), ..chat("1") }).unwrap().uid;
    world.take_in(SORTER, chat("1")).unwrap();
    let link = Link { target: LinkTarget::Lead(id(LIVE)), contact_id: None, user_id: None };
    world.link(ADMINISTRATOR, &uid, link).unwrap();
    let summary = world.summary(Window::ALL);
    assert_eq!((summary.total, summary.categories), (1, [0, 0, 1, 0]));
    assert_eq!((summary.accepted, summary.declined, summary.linked), (0, Some(0), Some(1)));
    assert_eq!(summary.average_sort_time_secs, 0);
}

#[test]
fn mean_of_the_longest_sorting_does_not_overflow() {
    let tally = Tally { accepted: 1, sort_secs: u128::from(u64::MAX), ..Tally::default() };
    assert_eq!(Summary::from(tally + tally).average_sort_time_secs, u64::MAX);
}

#[test]
fn window_is_closed_at_both_ends() {
    let one = window(5, 5);
    assert_eq!([4, 5, 6].map(|secs| one.contains(at(secs))), [false, true, false]);
    assert_eq!((one.from(), one.to()), (at(5), at(5)));
    let invalid = Window::new(at(6), at(5)).unwrap_err();
    assert_eq!(invalid.to_string(), "the window ends before it begins");
}

#[test]
fn scalar_means_from_and_nothing_means_all_time() {
    assert_eq!(Window::since(at(5)), Window::new(at(5), Moment::MAX).unwrap());
    assert_eq!(Window::default(), Window::new(Moment::MIN, Moment::MAX).unwrap());
    assert_eq!(SummaryQuery::default().window, Window::ALL);
}

// R13

#[test]
fn list_is_the_newest_fifty_unless_asked_otherwise() {
    let query = ListQuery::default();
    assert_eq!((query.order.key, query.order.direction), (OrderKey::CreatedAt, Direction::Descending));
    assert_eq!((query.page.number(), query.page.size(), query.page.offset()), (1, 50, 0));
    assert_eq!(query.cards, query::Cards::Omit);
}

#[test]
fn pages_count_from_1_and_hold_up_to_500() {
    for (number, size) in [(0, 1), (1, 0), (1, 501)] {
        let invalid = PageRequest::new(number, size).unwrap_err();
        assert_eq!(invalid.to_string(), "pages count from 1 and hold 1 to 500 items");
    }
    let page = PageRequest::new(3, 500).unwrap();
    assert_eq!((page.number(), page.size(), page.offset()), (3, 500, 1_000));
    assert_eq!(page.next(), PageRequest::new(4, 500).ok());
    let last = PageRequest::new(u64::MAX, 500).unwrap();
    assert_eq!((last.offset(), last.next()), (u64::MAX, None));
    let empty = Page::<IncomingLead>::empty();
    assert_eq!((empty.items.len(), empty.more), (0, More::No));
}

#[test]
fn filter_admits_what_meets_all_its_conditions() {
    let [one, two] = ["1", "2"].map(|uid| Uid::new(uid).unwrap());
    let admits = |filter: &ListFilter| filter.admits(&one, Category::Sip, id(1));
    assert!(admits(&ListFilter::default()));
    let uids = |uids: &[&Uid]| ListFilter {
        uids: Some(uids.iter().copied().cloned().collect()),
        ..ListFilter::default()
    };
    assert!(admits(&uids(&[&two, &one])));
    assert!(!admits(&uids(&[&two])) && !admits(&uids(&[])));
    let categories =
        |categories: &[Category]| ListFilter { categories: Some(categories.to_vec()), ..uids(&[&one]) };
    assert!(admits(&categories(&[Category::Mail, Category::Sip])));
    assert!(!admits(&categories(&[Category::Mail])) && !admits(&categories(&[])));
    let pipelines = |pipelines: &[u64]| ListFilter {
        pipelines: Some(pipelines.iter().copied().map(id).collect()),
        ..categories(&[Category::Sip])
    };
    assert!(admits(&pipelines(&[2, 1])));
    assert!(!admits(&pipelines(&[2])) && !admits(&pipelines(&[])));
}

#[test]
fn item_is_told_with_the_bodies_that_were_asked_for() {
    let mut world = World::new();
    let body = json!({"first_name": "Ann", "last_name": "Bee", "card": {"name": "Ann Bee"}});
    let mut draft = call(1);
    draft.leads[0].price = Some(7);
    draft.contacts = vec![serde_json::from_value(body).unwrap()];
    let uid = world.bring(draft.clone()).unwrap().uid;
    let item = world.stage[&uid].clone();

    let bare = IncomingLead::told(id(7), item.clone(), item::Cards::default());
    assert_eq!(
        (bare.category(), bare.account_id, bare.pipeline_id),
        (Category::Sip, Some(id(7)), Some(id(SALES)))
    );
    assert_eq!(bare.source_name, Some(Some("example".to_owned())));
    assert_eq!((bare.created_at, bare.updated_at), (at(1_000), Some(at(1_000))));
    assert_eq!(bare.leads, Some(vec![Entity { id: Some(id(100)), card: None }]));

    let cards = item::Cards {
        lead: Some(&world.leads[&id(100)]),
        contact: Some(&world.contacts[&id(100)]),
        company: Some(&world.companies[&id(100)]),
    };
    let full = IncomingLead::told(id(7), item, cards);
    assert_eq!(full.leads, Some(vec![Entity { id: Some(id(100)), card: Some(draft.leads.remove(0)) }]));
    assert_eq!(full.contacts, Some(vec![Entity { id: Some(id(100)), card: Some(draft.contacts.remove(0)) }]));
    assert_eq!(
        full.companies,
        Some(vec![Entity { id: Some(id(100)), card: Some(draft.companies.remove(0)) }])
    );
}

#[test]
fn item_without_contact_is_told_without() {
    let mut world = World::new();
    let uid = world.bring(Draft { contacts: vec![], companies: vec![], ..call(1) }).unwrap().uid;
    let told = IncomingLead::told(id(7), world.stage[&uid].clone(), item::Cards::default());
    assert_eq!((told.contacts, told.companies), (Some(vec![]), Some(vec![])));
}

#[test]
fn receipt_of_a_uid_tells_nothing_else() {
    let receipt = Receipt::of(Uid::new("1").unwrap());
    let told = serde_json::to_value(&receipt).unwrap();
    let told = told.as_object().unwrap();
    assert_eq!((told.len(), &told["uid"]), (9, &json!("1")));
    assert_eq!(told.values().filter(|value| value.is_null()).count(), 8);
}

// R14

#[test]
fn preview_takes_each_part_from_the_contact_else_the_lead_else_the_company() {
    let card = |name: &str, tag: &[&str], field: &[u64]| Card {
        name: Some(name.to_owned()).filter(|name| name != "none"),
        tags: tag.iter().copied().map(TagRef::by_name).collect(),
        custom_fields: field
            .iter()
            .map(|field| FieldValues { field: FieldRef::Id(id(*field)), values: vec![] })
            .collect(),
        ..Card::default()
    };
    let seen = |contact: Option<&Card>, lead: Option<&Card>, company: Option<&Card>| {
        let preview = preview(contact, lead, company);
        let tags = preview.tags.into_iter().filter_map(|tag| tag.name).collect::<Vec<_>>().join(" ");
        (preview.name.unwrap_or_default(), tags, preview.custom_fields.len())
    };
    let expected = |name: &str, tags: &str, fields| (name.to_owned(), tags.to_owned(), fields);
    let contact = card("C", &["c", "d"], &[1]);
    let lead = card("L", &["l"], &[1, 2]);
    let company = card("O", &["o"], &[1, 2, 3]);
    let [unnamed, empty] = ["none", ""].map(|name| card(name, &[], &[]));
    assert_eq!(seen(Some(&contact), Some(&lead), Some(&company)), expected("C", "c d", 1));
    assert_eq!(seen(Some(&unnamed), Some(&lead), Some(&company)), expected("L", "l", 2));
    assert_eq!(seen(Some(&empty), Some(&unnamed), Some(&company)), expected("O", "o", 3));
    assert_eq!(seen(None, None, Some(&company)), expected("O", "o", 3));
    assert_eq!(seen(None, None, None), expected("", "", 0));
    // Each part by itself.
    assert_eq!(
        seen(Some(&card("C", &[], &[])), Some(&card("L", &["l"], &[])), Some(&company)),
        expected("C", "l", 3)
    );
}
