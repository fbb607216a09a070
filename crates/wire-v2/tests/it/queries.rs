//! Query strings of lists and summaries.

use incoming_leads_model::{Category, Direction, Moment, OrderKey, Window};
use incoming_leads_wire_v2::{list, summary};

use crate::asked;

fn refused(query: &str) -> (String, String) {
    let problem = list::read_request(&asked(query)).unwrap_err();
    assert_eq!(problem.status.as_u16(), 400);
    (problem.faults[0].code.clone().into_owned(), problem.faults[0].path.clone())
}

#[test]
fn nothing_asks_for_the_newest_500() {
    for query in [
        "",
        "login=a&api_key=b",
        "unknown[=1&x%5B%5D%5B=2",
        "order_by=",
        "page_size=500&page=1",
        "page_size=9999",
    ] {
        let read = list::read_request(&asked(query)).unwrap();
        assert_eq!((read.page.number(), read.page.size()), (1, 500), "{query}");
        assert_eq!((read.order.key, read.order.direction), (OrderKey::CreatedAt, Direction::Descending));
        assert!(
            read.filter.categories.is_none() && read.filter.pipelines.is_none() && read.filter.uids.is_none()
        );
    }
}

#[test]
fn all_spellings_are_read() {
    let query = "categories[]=form&categories[7]=forms&categories%5B%5D=chats&categories[9]=mail&pipeline_id=7&order_by[updated_at]=ASC&page_size=15&page=99999999999999999999999&uid[]=a&uid[]=a";
    let read = list::read_request(&asked(query)).unwrap();
    assert_eq!(read.filter.categories, Some(vec![Category::Forms, Category::Chats, Category::Mail]));
    assert_eq!(read.filter.pipelines.unwrap()[0].get(), 7);
    assert_eq!(read.filter.uids.unwrap().len(), 1);
    assert_eq!((read.order.key, read.order.direction), (OrderKey::UpdatedAt, Direction::Ascending));
    assert_eq!((read.page.size(), read.page.number()), (15, u64::MAX));
    let read = list::read_request(&asked("categories=sip&pipeline_id[]=1&pipeline_id[]=2")).unwrap();
    assert_eq!(
        (read.filter.categories, read.filter.pipelines.unwrap().len()),
        (Some(vec![Category::Sip]), 2)
    );
}

#[test]
fn nonsense_is_refused() {
    let cases = [
        ("page=0", "OutOfRange", "page"),
        ("page=-1", "InvalidType", "page"),
        ("page=1.5", "InvalidType", "page"),
        ("page=", "InvalidType", "page"),
        ("page=1&page=2", "DuplicateKey", "page"),
        ("page[]=1", "InvalidType", "page"),
        ("page_size=0", "OutOfRange", "page_size"),
        ("page_size=x", "InvalidType", "page_size"),
        ("categories[]=calls", "NotSupportedChoice", "categories.0"),
        ("categories[x]=sip", "InvalidType", "categories.x"),
        ("pipeline_id=x", "InvalidType", "pipeline_id"),
        ("pipeline_id=0", "OutOfRange", "pipeline_id"),
        ("order_by[created_at]=sideways", "NotSupportedChoice", "order_by.created_at"),
        ("order_by[price]=asc", "UnknownField", "order_by.price"),
        ("order_by=asc", "UnknownField", "order_by"),
        ("order_by[created_at]=asc&order_by[updated_at]=asc", "TooMany", "order_by"),
        ("page=%zz", "InvalidForm", "page"),
        ("page%ff=1", "InvalidForm", "page%ff"),
        ("categories[=sip", "InvalidForm", "categories"),
        ("categories[4294967295]=sip", "InvalidType", "categories.4294967295"),
    ];
    for (query, code, path) in cases {
        assert_eq!(refused(query), (code.to_owned(), path.to_owned()), "{query}");
    }
    let uids: String = (0..251).map(|n| format!("uid[]=u{n}&")).collect();
    assert_eq!(refused(&uids), ("TooMany".to_owned(), "uid".to_owned()));
}

#[test]
fn windows_are_read_with_and_without_data() {
    let at = |secs| Moment::from_secs(secs).unwrap();
    let window = |query: &str| summary::read_request(&asked(query)).map(|query| query.window);
    let some = Window::new(at(5), at(9)).unwrap();
    assert_eq!(window("data[filter][date][from]=5&data[filter][date][to]=9"), Ok(some));
    assert_eq!(window("filter%5Bdate%5D%5Bfrom%5D=5&filter[date][to]=9&login=x"), Ok(some));
    assert_eq!(window("filter[date]=5"), Ok(Window::since(at(5))));
    assert_eq!(window("data[filter][date][to]=9"), Ok(Window::new(Moment::MIN, at(9)).unwrap()));
    assert_eq!((window(""), window("data[other]=1")), (Ok(Window::ALL), Ok(Window::ALL)));
    for (query, code, path) in [
        ("filter[date][from]=9&filter[date][to]=5", "OutOfRange", "filter.date"),
        ("filter[date][from]=x", "InvalidType", "filter.date.from"),
        ("filter[date][from]=253402300800", "OutOfRange", "filter.date.from"),
        ("filter[date]=-1", "InvalidType", "filter.date"),
        ("filter[date][until]=1", "UnknownField", "filter.date.until"),
        ("filter[uid]=1", "UnknownField", "filter.uid"),
        ("data[filter][pipeline_id]=1", "UnknownField", "data.filter.pipeline_id"),
        ("filter[date]=1&filter[date][to]=5", "InvalidType", "filter.date"),
        ("data[filter][date]=1&filter[date]=1", "InvalidType", "filter"),
        ("filter=1", "InvalidType", "filter"),
    ] {
        let problem = window(query).unwrap_err();
        let fault = &problem.faults[0];
        assert_eq!((fault.code.as_ref(), fault.path.as_str()), (code, path), "{query}");
    }
}
