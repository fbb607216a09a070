//! What v2 is asked, what it tells, and what it cannot.

use incoming_leads_model::{
    Category, Direction, LeadId, Link, LinkTarget, ListFilter, ListQuery, Moment, More, Order, OrderKey,
    PageRequest, PipelineId, SummaryQuery, Window,
};
use incoming_leads_port::{ErrorKind, IncomingLeads};

use crate::{before, say, uid};

#[tokio::test]
async fn what_v2_lacks_is_refused_and_never_asked() {
    let (leads, script) = before([say(200, "{}")]);
    let able = leads.capabilities();
    assert!(
        !able.get && !able.link && !able.list_by_uid && !able.summary_by_uid && !able.summary_by_pipeline
    );
    assert!(!able.tells_ids && !able.tells_declined && !able.tells_more && able.tells_cards);
    let by_uid = ListFilter { uids: Some(vec![uid("u1")]), ..ListFilter::default() };
    let many = |count| ListFilter {
        pipelines: Some((1..count).map(|id| PipelineId::new(id).unwrap()).collect()),
        ..ListFilter::default()
    };
    for filter in [many(500), many(20_000)] {
        let error = leads.list(&ListQuery { filter, ..ListQuery::default() }).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    let link = Link { target: LinkTarget::Lead(LeadId::new(1).unwrap()), contact_id: None, user_id: None };
    let pipelines = Some(vec![PipelineId::new(1).unwrap()]);
    let kinds = [
        leads.get(&uid("u1")).await.unwrap_err().kind(),
        leads.link(&uid("u1"), &link).await.unwrap_err().kind(),
        leads.list(&ListQuery { filter: by_uid, ..ListQuery::default() }).await.unwrap_err().kind(),
        leads
            .summary(&SummaryQuery { uids: Some(vec![]), ..SummaryQuery::default() })
            .await
            .unwrap_err()
            .kind(),
        leads.summary(&SummaryQuery { pipelines, ..SummaryQuery::default() }).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::Unsupported; 5]);
    assert!(script.asked().is_empty());
}

#[tokio::test]
async fn questions_are_written_as_a_form() {
    let (leads, script) = before([say(204, "")]);
    let filter = ListFilter {
        categories: Some(vec![Category::Forms, Category::Chats]),
        pipelines: Some(vec![PipelineId::new(7).unwrap()]),
        ..ListFilter::default()
    };
    let order = Order { key: OrderKey::CreatedAt, direction: Direction::Ascending };
    let page = PageRequest::new(2, 500).unwrap();
    leads.list(&ListQuery { filter, order, page, ..ListQuery::default() }).await.unwrap();
    let window = Window::since(Moment::from_secs(5).unwrap());
    leads.summary(&SummaryQuery { window, ..SummaryQuery::default() }).await.unwrap_err();
    let list = "GET /api/v2/incoming_leads?categories%5B0%5D=form&categories%5B1%5D=chat&order_by%5Bcreated_at%5D=asc\
                &page=2&page_size=500&pipeline_id=7";
    assert_eq!(
        script.asked(),
        [list, "GET /api/v2/incoming_leads/summary?data%5Bfilter%5D%5Bdate%5D%5Bfrom%5D=5"]
    );
}

#[tokio::test]
async fn a_full_page_may_go_on() {
    let item = |uid: &str| format!(r#"{{"uid":"{uid}","category":"sip","created_at":1}}"#);
    let page = format!(r#"{{"_embedded":{{"items":[{},{}]}}}}"#, item("a"), item("b"));
    let asked = |size| ListQuery { page: PageRequest::new(1, size).unwrap(), ..ListQuery::default() };
    let (leads, _) = before([say(200, &page)]);
    assert_eq!(leads.list(&asked(2)).await.unwrap().more, More::Perhaps);
    assert_eq!(leads.list(&asked(3)).await.unwrap().more, More::No);
    assert_eq!(leads.list(&asked(1)).await.unwrap_err().kind(), ErrorKind::Unexpected);
    let nothing = ListFilter { categories: Some(vec![]), ..ListFilter::default() };
    assert!(leads.list(&ListQuery { filter: nothing, ..asked(1) }).await.unwrap().items.is_empty());
}
