//! Query strings: every form that clients send, and what is refused.

use incoming_leads_model::{
    Category, Direction, ListQuery, Moment, Order, OrderKey, PageRequest, PipelineId, SummaryQuery, Uid,
    Window,
};
use incoming_leads_wire_v4::query::{
    read_ids, read_list, read_page, read_summary, write_ids, write_list, write_summary,
};

fn uids(texts: &[&str]) -> Option<Vec<Uid>> {
    Some(texts.iter().map(|text| Uid::new(text).unwrap()).collect())
}

fn pipelines(numbers: &[u64]) -> Option<Vec<PipelineId>> {
    Some(numbers.iter().map(|number| PipelineId::new(*number).unwrap()).collect())
}

fn page(number: u64, size: u32) -> PageRequest {
    PageRequest::new(number, size).unwrap()
}

fn at(secs: i64) -> Moment {
    Moment::from_secs(secs).unwrap()
}

fn order(key: OrderKey, direction: Direction) -> Order {
    Order { key, direction }
}

fn list(query: &str) -> ListQuery {
    read_list(query).unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

fn summary(query: &str) -> SummaryQuery {
    read_summary(query).unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

#[test]
fn nothing_asks_for_the_first_fifty_newest_first() {
    assert_eq!(list(""), ListQuery::default());
    assert_eq!(summary(""), SummaryQuery::default());
    assert_eq!(list("&&"), ListQuery::default());
}

#[test]
fn the_official_library_is_understood() {
    let asked = list(
        "filter%5Buid%5D%5B0%5D=a1&filter%5Buid%5D%5B3%5D=b2&filter%5Bcategory%5D%5B1%5D=sip&filter%5Bpipeline_id%5D=7&order%5Bcreated_at%5D=asc&limit=50&page=1",
    );
    assert_eq!(asked.filter.uids, uids(&["a1", "b2"]));
    assert_eq!(asked.filter.categories, Some(vec![Category::Sip]));
    assert_eq!(asked.filter.pipelines, pipelines(&[7]));
    assert_eq!(asked.order, order(OrderKey::CreatedAt, Direction::Ascending));
    assert_eq!(asked.page, page(1, 50));
    let window = summary(
        "filter%5Bcreated_at%5D%5Bfrom%5D=5&filter%5Bcreated_at%5D%5Bto%5D=9&filter%5Bpipeline_id%5D=7",
    );
    assert_eq!(window.window, Window::new(at(5), at(9)).unwrap());
    assert_eq!(window.pipelines, pipelines(&[7]));
    assert_eq!(summary("filter%5Bcreated_at%5D=5").window, Window::since(at(5)));
}

#[test]
fn ufee4_is_understood() {
    let asked = list("limit=250&page=3&filter[uid]=x&order[created_at]=desc");
    assert_eq!((asked.page, asked.filter.uids), (page(3, 250), uids(&["x"])));
    assert_eq!(asked.order, Order::default());
    assert_eq!(list("filter[uid][0]=x&filter[uid][1]=y").filter.uids, uids(&["x", "y"]));
}

#[test]
fn amo_deno_is_understood() {
    let asked = list("filter[uid][0]=x&filter[uid][1]=y&order[updated_at]=asc");
    assert_eq!(asked.filter.uids, uids(&["x", "y"]));
    assert_eq!(asked.order, order(OrderKey::UpdatedAt, Direction::Ascending));
}

#[test]
fn brackets_without_an_index_are_understood() {
    let asked = list("filter[category][]=sip&filter[category][]=forms&filter%5Bcategory%5D%5B%5D=sip");
    assert_eq!(asked.filter.categories, Some(vec![Category::Sip, Category::Forms]));
}

#[test]
fn mike_is_understood() {
    assert_eq!(list("filter%5Bpipeline_id%5D%5B0%5D=5").filter.pipelines, pipelines(&[5]));
}

#[test]
fn bzd_asks_for_a_uid_that_nothing_has() {
    let asked = list("filter%5Buid%5D=%5B%27a%27%2C+%27b%27%5D");
    assert_eq!(asked.filter.uids, uids(&["['a', 'b']"]));
}

#[test]
fn go_is_understood() {
    assert_eq!(list("limit=10&order=asc&page=2").order, order(OrderKey::CreatedAt, Direction::Ascending));
    assert_eq!(list("order=").order, Order::default());
    assert_eq!(list("filter[uid]=x").filter.uids, uids(&["x"]));
}

#[test]
fn unknown_parameters_are_ignored() {
    assert_eq!(summary("category=forms&with=contacts&with=leads&filters[x]=1"), SummaryQuery::default());
    assert_eq!(list("filterx[uid=1&a[[]=2&with=&_=1"), ListQuery::default());
}

#[test]
fn a_scalar_category_is_understood() {
    assert_eq!(list("filter[category]=forms").filter.categories, Some(vec![Category::Forms]));
}

#[test]
fn an_upper_case_direction_is_understood() {
    assert_eq!(list("order[created_at]=ASC").order.direction, Direction::Ascending);
    assert_eq!(list("order[created_at]=Desc").order.direction, Direction::Descending);
}

#[test]
fn limits_over_250_are_cut() {
    for limit in ["250", "251", "1000000000", "99999999999999999999999999"] {
        assert_eq!(list(&format!("limit={limit}")).page.size(), 250, "{limit}");
    }
    assert_eq!(list("limit=249").page.size(), 249);
    assert_eq!(list("limit=1").page.size(), 1);
}

#[test]
fn pages_past_every_end_are_pages() {
    assert_eq!(list("page=9223372036854775808").page.number(), 1 << 63);
    assert_eq!(list("page=99999999999999999999999999").page.number(), u64::MAX);
}

#[test]
fn a_text_that_cannot_be_a_uid_matches_nothing() {
    assert_eq!(list("filter[uid]=").filter.uids, Some(vec![]));
    assert_eq!(list("filter[uid]=a%00b").filter.uids, Some(vec![]));
    assert_eq!(list(&format!("filter[uid]={}", "x".repeat(10_000))).filter.uids, Some(vec![]));
    assert_eq!(list("filter[uid][]=a%00b&filter[uid][]=ok").filter.uids, uids(&["ok"]));
    assert_eq!(summary("filter[uid]=%01").uids, Some(vec![]));
}

#[test]
fn up_to_250_different_uids_are_taken() {
    let named = |count: usize| (0..count).map(|n| format!("filter[uid][]={n}&")).collect::<String>();
    assert_eq!(list(&named(249)).filter.uids.unwrap().len(), 249);
    assert_eq!(list(&named(250)).filter.uids.unwrap().len(), 250);
    refused_list(&named(251), "TooMany", "filter.uid.");
    assert_eq!(list(&"filter[uid][]=same&".repeat(100_000)).filter.uids, uids(&["same"]));
    refused_list(&named(100_000), "TooMany", "filter.uid.");
}

#[test]
fn spaces_and_escapes_are_decoded_once() {
    assert_eq!(list("filter[uid]=a+b%20c%2520").filter.uids, uids(&["a b c%20"]));
    assert_eq!(list("filter[uid]=a;b=c").filter.uids, uids(&["a;b=c"]));
}

fn refused_list(query: &str, code: &str, path: &str) {
    let error = read_list(query).expect_err(query);
    assert_eq!((error.code.as_ref(), error.path.as_str()), (code, path), "{query}: {}", error.detail);
    assert!(!error.detail.is_empty());
}

fn refused_summary(query: &str, code: &str, path: &str) {
    let error = read_summary(query).expect_err(query);
    assert_eq!((error.code.as_ref(), error.path.as_str()), (code, path), "{query}: {}", error.detail);
}

#[test]
fn bad_lists_are_refused_with_code_and_path() {
    let cases = [
        ("page=0", "OutOfRange", "page"),
        ("page=-1", "InvalidType", "page"),
        ("page=abc", "InvalidType", "page"),
        ("page=1.5", "InvalidType", "page"),
        ("page=", "InvalidType", "page"),
        ("page", "InvalidType", "page"),
        ("page=%2B1", "InvalidType", "page"),
        ("page=1&page=2", "InvalidType", "page"),
        ("page[]=1", "InvalidType", "page."),
        ("limit=0", "OutOfRange", "limit"),
        ("limit=-1", "InvalidType", "limit"),
        ("limit=1e3", "InvalidType", "limit"),
        ("limit=5&limit=5", "InvalidType", "limit"),
        ("filter=x", "InvalidType", "filter"),
        ("filter[]=x", "UnknownField", "filter."),
        ("filter[uid][a]=x", "InvalidType", "filter.uid.a"),
        ("filter[uid][0][b]=x", "InvalidType", "filter.uid.0.b"),
        ("filter[uid]=x&filter[uid]=y", "InvalidType", "filter.uid"),
        ("filter[uid]=x&filter[uid][]=y", "InvalidType", "filter.uid."),
        ("filter[uid][]=x&filter[uid]=y", "InvalidType", "filter.uid"),
        ("filter[uid", "InvalidType", "filter"),
        ("filter[uid]x=1", "InvalidType", "filter.uid"),
        ("filter[[uid]]=1", "InvalidType", "filter"),
        ("filter]uid[=1", "UnknownField", ""),
        ("filter[created_at]=5", "UnknownField", "filter.created_at"),
        ("filter[source]=5", "UnknownField", "filter.source"),
        ("filter[category]=form", "NotSupportedChoice", "filter.category"),
        ("filter[category]=chat", "NotSupportedChoice", "filter.category"),
        ("filter[category][]=", "NotSupportedChoice", "filter.category."),
        ("filter[category][1]=SIP", "NotSupportedChoice", "filter.category.1"),
        ("filter[pipeline_id]=0", "OutOfRange", "filter.pipeline_id"),
        ("filter[pipeline_id]=-1", "InvalidType", "filter.pipeline_id"),
        ("filter[pipeline_id]=", "InvalidType", "filter.pipeline_id"),
        ("filter[pipeline_id]=9007199254740992", "OutOfRange", "filter.pipeline_id"),
        ("filter[pipeline_id]=1,2", "InvalidType", "filter.pipeline_id"),
        ("order[created_at]=sideways", "NotSupportedChoice", "order.created_at"),
        ("order[created_at]=", "NotSupportedChoice", "order.created_at"),
        ("order[id]=asc", "UnknownField", "order.id"),
        ("order[created_at][x]=asc", "UnknownField", "order.created_at.x"),
        ("order=created_at", "NotSupportedChoice", "order"),
        ("order[created_at]=asc&order[updated_at]=desc", "InvalidType", "order"),
        ("order[created_at]=asc&order[created_at]=asc", "InvalidType", "order"),
        ("filter[uid]=%ff", "InvalidType", "%ff"),
        ("filter[uid]=%zz", "InvalidType", "%zz"),
        ("filter[uid]=%", "InvalidType", "%"),
        ("filter[uid]=%4", "InvalidType", "%4"),
        ("a=%ff", "InvalidType", "%ff"),
        ("%ff=a", "InvalidType", "%ff"),
        ("filter[uid]=%c0%af", "InvalidType", "%c0%af"),
        ("filter[uid]=%ed%a0%80", "InvalidType", "%ed%a0%80"),
    ];
    for (query, code, path) in cases {
        if query == "filter]uid[=1" {
            assert_eq!(list(query), ListQuery::default(), "its base is no parameter of ours");
        } else {
            refused_list(query, code, path);
        }
    }
}

#[test]
fn bombs_of_brackets_are_refused() {
    refused_list(&format!("filter{}=1", "[a]".repeat(15_000)), "InvalidType", "filter.a.a.a");
    refused_list(&format!("filter{}", "[".repeat(15_000)), "InvalidType", "filter");
    assert_eq!(list("filter[uid][4294967295]=x").filter.uids, uids(&["x"]));
    assert_eq!(list(&format!("filter[uid][{}]=x", "9".repeat(1000))).filter.uids, uids(&["x"]));
}

#[test]
fn bad_summaries_are_refused_with_code_and_path() {
    let cases = [
        ("filter[created_at][from]=9&filter[created_at][to]=5", "OutOfRange", "filter.created_at"),
        ("filter[created_at]=-5", "InvalidType", "filter.created_at"),
        ("filter[created_at][from]=1000000000000000000", "OutOfRange", "filter.created_at.from"),
        ("filter[created_at][to]=253402300800", "OutOfRange", "filter.created_at.to"),
        ("filter[created_at]=5&filter[created_at][to]=9", "InvalidType", "filter.created_at"),
        ("filter[created_at][from]=5&filter[created_at][from]=5", "InvalidType", "filter.created_at.from"),
        ("filter[created_at][since]=5", "UnknownField", "filter.created_at.since"),
        ("filter[created_at][]=5", "UnknownField", "filter.created_at."),
        ("filter[created_at]=", "InvalidType", "filter.created_at"),
        ("filter[category]=sip", "UnknownField", "filter.category"),
    ];
    for (query, code, path) in cases {
        refused_summary(query, code, path);
    }
}

#[test]
fn windows_may_be_open() {
    assert_eq!(summary("filter[created_at][to]=9").window, Window::new(Moment::MIN, at(9)).unwrap());
    assert_eq!(summary("filter[created_at][from]=9").window, Window::since(at(9)));
    assert_eq!(summary("filter[created_at][to]=253402300799").window, Window::ALL);
}

#[test]
fn lists_of_entities_ignore_all_but_page_and_limit() {
    assert_eq!(
        read_page("page=2&limit=7&filter[statuses][0][pipeline_id]=1&order[id]=x").unwrap(),
        page(2, 7)
    );
    assert_eq!(read_page("page=0").unwrap_err().path, "page");
}

#[test]
fn what_is_written_reads_back() {
    let mut query = ListQuery { page: page(3, 20), ..ListQuery::default() };
    query.filter.uids = uids(&["a b&c=d[]%", "ж", "x"]);
    query.filter.categories = Some(vec![Category::Mail]);
    query.filter.pipelines = pipelines(&[1, 2]);
    query.order = order(OrderKey::UpdatedAt, Direction::Ascending);
    assert_eq!(list(&write_list(&query).unwrap()), query);
    let window = Window::new(at(5), at(9)).unwrap();
    let query = SummaryQuery { uids: uids(&["x"]), pipelines: pipelines(&[7]), window };
    assert_eq!(summary(&write_summary(&query).unwrap()), query);
    assert_eq!(write_summary(&SummaryQuery::default()).as_deref(), Some(""));
}

#[test]
fn what_can_match_nothing_is_not_asked() {
    let mut query = ListQuery::default();
    query.filter.categories = Some(vec![]);
    assert_eq!(write_list(&query), None);
    assert_eq!(write_summary(&SummaryQuery { uids: Some(vec![]), ..SummaryQuery::default() }), None);
}

#[test]
fn entities_are_asked_for_by_id_in_every_form() {
    let ids = |query: &str| read_ids::<PipelineId>(query);
    assert_eq!(ids("limit=250&filter[statuses][0][pipeline_id]=3&filter[name]=x"), Ok(None));
    for query in ["filter[id]=5", "filter%5Bid%5D%5B%5D=5", "page=2&filter[id][7]=5&filter[id][9]=5"] {
        assert_eq!(ids(query), Ok(pipelines(&[5])), "{query}");
    }
    assert_eq!(ids(&write_ids([5, 7])), Ok(pipelines(&[5, 7])));
    for query in ["filter[id]=0", "filter[id][]=x", "filter[id][x]=5", "filter[id]=5&filter[id]=6"] {
        assert!(ids(query).is_err(), "{query}");
    }
    let most = write_ids(1..=250);
    assert_eq!(ids(&most).map(|ids| ids.map(|ids| ids.len())), Ok(Some(250)));
    assert!(write_ids((1..=250).map(|_| (1 << 53) - 1)).len() < 8000, "it fits into an address");
    assert!(ids(&write_ids(1..=251)).is_err());
}
