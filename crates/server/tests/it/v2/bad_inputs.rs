//! What bad input gets on v2: one table, each row with the exact answer, and nothing of any row takes effect.

use serde_json::{Value, json};

use super::{CALL, CHAT, FORM, LEADS, LOGIN, form, get, signed};
use crate::raw::{Answer, Raw, Request};
use crate::world::{KEY, World};

/// What a row is answered.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A failure with this status and code, without faults.
    Fail(u16, u64),
    /// 400 with a first fault of this code and path.
    Invalid(&'static str, &'static str),
    /// 204.
    Nothing,
    /// 200 of a question that is a little odd, but good.
    Fine,
}
use Expected::{Fail, Fine, Invalid, Nothing};

/// Where nesting is found to be too deep.
const JSON_DEPTH: &str = "add.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";
const FORM_DEPTH: &str = "add.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0";

type Row = (&'static str, Request, Expected);

/// A form that would be taken, as JSON.
fn draft() -> Value {
    json!({
        "source_name": "s", "source_uid": "u", "pipeline_id": "6950551", "created_at": "1510261200",
        "incoming_entities": {
            "leads": [{"name": "l", "price": "1"}], "contacts": [{"name": "c"}], "companies": [{"name": "f"}],
        },
        "incoming_lead_info": {"form_id": "1", "form_page": "p", "form_send_at": "1510261200"},
    })
}

fn json(target: &str, body: impl Into<Vec<u8>>) -> Request {
    super::json(target, body)
}

fn add(items: &Value) -> Request {
    json("/form", json!({ "add": items }).to_string())
}

/// A form that has `value` at `path`.
fn draft_with(path: &str, value: impl Into<Value>) -> Request {
    let mut item = draft();
    let place = path.split('.').fold(&mut item, |item, key| match key.parse::<usize>() {
        Ok(index) => &mut item[index],
        Err(_) => &mut item[key],
    });
    *place = value.into();
    add(&json!([item]))
}

/// A form body that has this beside what would be taken.
fn pairs(further: &str) -> Request {
    let good = "add[0][source_name]=s&add[0][source_uid]=u&add[0][created_at]=1510261200\
        &add[0][incoming_lead_info][form_id]=1&add[0][incoming_lead_info][form_page]=p";
    form("/form", format!("{good}&{further}"))
}

fn accept(body: &str) -> Request {
    form("/accept", body)
}

fn rows() -> Vec<Row> {
    [addresses(), credentials(), bodies(), forms(), adds(), sorting(), questions()].concat()
}

fn addresses() -> Vec<Row> {
    let post = |target: &str| Request::new("POST", target);
    vec![
        ("no such operation", get("/link"), Fail(404, 404)),
        ("a uid as an address", get("/5af9/accept"), Fail(404, 404)),
        ("another part of v2", Request::new("GET", "/api/v2/leads"), Fail(404, 404)),
        ("all of v2", Request::new("GET", "/api/v2/"), Fail(404, 404)),
        ("another script", post("/private/api/other.php"), Fail(404, 404)),
        ("a GET of an add", get("/sip"), Fail(405, 405)),
        ("a POST of the list", form("", "a=b"), Fail(405, 405)),
        ("a DELETE of a decline", Request::new("DELETE", signed(LOGIN, "/decline")), Fail(405, 405)),
        ("a word as the method", Request::new("BREW", signed(LOGIN, "")), Fail(405, 405)),
        ("GET of sign-in", Request::new("GET", "/private/api/auth.php"), Fail(405, 405)),
        ("doubled slashes", Request::new("GET", signed(LOGIN, "").replace("/api/", "//api//")), Fine),
    ]
}

fn credentials() -> Vec<Row> {
    let list = |query: &str| Request::new("GET", format!("{LEADS}{query}"));
    vec![
        ("nothing", list(""), Fail(401, 110)),
        ("no login", list(&format!("?api_key={KEY}")), Fail(401, 110)),
        ("no key", list(&format!("?login={LOGIN}")), Fail(401, 110)),
        ("a wrong key", list(&format!("?login={LOGIN}&api_key=1")), Fail(401, 110)),
        ("an empty key", list(&format!("?login={LOGIN}&api_key=")), Fail(401, 110)),
        ("a key twice", list(&format!("?login={LOGIN}&api_key={KEY}&api_key={KEY}")), Fail(401, 110)),
        ("a key that is a list", list(&format!("?login={LOGIN}&api_key[]={KEY}")), Fail(401, 110)),
        ("a key behind no question mark", list(&format!("&login={LOGIN}&api_key={KEY}")), Fail(404, 404)),
        (
            "two authorizations",
            get("").with("Authorization", "Bearer a").and("Authorization", "Bearer b"),
            Fail(401, 110),
        ),
        (
            "sign-in without anything",
            Request::new("POST", "/private/api/auth.php"),
            Invalid("FieldMissing", "USER_LOGIN"),
        ),
    ]
}

fn bodies() -> Vec<Row> {
    let good = json!({ "add": [draft()] }).to_string();
    let nested = |depth| format!("{{\"add\": {}1{}}}", "[".repeat(depth), "]".repeat(depth));
    vec![
        ("no body", json("/form", ""), Invalid("InvalidJson", "")),
        ("JSON as a form", form("/form", good.clone()), Invalid("InvalidForm", "")),
        ("a form as JSON", json("/form", "add[0][source_name]=s"), Invalid("InvalidJson", "")),
        ("another type", json("/form", good.clone()).with("Content-Type", "text/plain"), Fail(415, 415)),
        (
            "another charset",
            json("/form", good.clone()).with("Content-Type", "application/json; charset=utf-16"),
            Fail(415, 415),
        ),
        (
            "multipart",
            form("/form", "x").with("Content-Type", "multipart/form-data; boundary=x"),
            Fail(415, 415),
        ),
        ("compressed", json("/form", good.clone()).with("Content-Encoding", "gzip"), Fail(415, 415)),
        ("too long", json("/form", " ".repeat((1 << 20) + 1)), Fail(413, 413)),
        (
            "too long, announced only",
            json("/form", "").with("Content-Length", "9223372036854775807"),
            Fail(413, 413),
        ),
        (
            "a long target",
            Request::new("GET", signed(LOGIN, &format!("?x={}", "a".repeat(9000)))),
            Fail(414, 414),
        ),
        ("long headers", get("").with("X-A", "a".repeat(34_000)), Fail(431, 431)),
        ("cut JSON", json("/form", &good.as_bytes()[..20]), Invalid("InvalidJson", "add.0")),
        ("two documents", json("/form", format!("{good}{good}")), Invalid("InvalidJson", "")),
        ("a key twice", json("/form", r#"{"add": [], "add": []}"#), Invalid("DuplicateKey", "add")),
        ("no UTF-8", json("/form", b"{\"add\": \"\xff\"}".as_slice()), Invalid("InvalidJson", "add")),
        ("too deep", json("/form", nested(33)), Invalid("TooDeep", JSON_DEPTH)),
        ("far too deep", json("/form", nested(100_000)), Invalid("TooDeep", JSON_DEPTH)),
        ("a bare list", json("/form", format!("[{}]", draft())), Invalid("InvalidType", "")),
        ("null", json("/form", "null"), Invalid("InvalidType", "")),
    ]
}

fn forms() -> Vec<Row> {
    let brackets = format!("add{}=1", "[0]".repeat(15_000));
    let open = format!("add{}=1", "[".repeat(15_000));
    vec![
        ("unbalanced", pairs("add[0][x=1"), Invalid("InvalidForm", "add.0")),
        ("closed too often", pairs("add[0]]x]=1"), Invalid("InvalidForm", "add.0")),
        ("text behind a bracket", pairs("add[0]x[y]=1"), Invalid("InvalidForm", "add.0")),
        ("a hostile index", pairs("add[4294967295][x]=1"), Invalid("InvalidType", "add.4294967295")),
        (
            "an index past all numbers",
            pairs(&format!("add[{}][x]=1", "9".repeat(40))),
            Invalid("InvalidType", "add.9999999999999999999999999999999999999999"),
        ),
        ("a negative index", pairs("add[-1][x]=1"), Invalid("InvalidType", "add.-1")),
        ("a scalar and a list", pairs("add=1"), Invalid("InvalidType", "add")),
        ("a list and a scalar", form("/form", "add=1&add[0][source_name]=s"), Invalid("InvalidType", "add")),
        ("a value twice", pairs("add[0][source_uid]=v"), Invalid("DuplicateKey", "add.0.source_uid")),
        ("15,000 brackets", form("/form", brackets), Invalid("TooDeep", FORM_DEPTH)),
        ("15,000 open brackets", form("/form", open), Invalid("InvalidForm", "add")),
        ("a bad escape", pairs("add[0][x]=%zz"), Invalid("InvalidForm", "add.0.x")),
        ("no UTF-8", pairs("add[0][x]=%ff"), Invalid("InvalidForm", "add.0.x")),
    ]
}

fn adds() -> Vec<Row> {
    let mut twins = draft();
    twins["source_uid"] = "other".into();
    vec![
        ("no item", add(&json!([])), Invalid("TooFew", "")),
        ("251 items", add(&Value::Array(vec![draft(); 251])), Invalid("TooMany", "add")),
        ("twins", add(&json!([draft(), twins])), Invalid("Duplicate", "add.1.incoming_lead_info")),
        (
            "one bad of two",
            add(&json!([draft(), {"source_name": "s"}])),
            Invalid("FieldMissing", "add.1.source_uid"),
        ),
        ("no source", draft_with("source_name", Value::Null), Invalid("FieldMissing", "add.0.source_name")),
        ("an item that is a text", add(&json!(["x"])), Invalid("InvalidType", "add.0")),
        ("NUL", draft_with("source_uid", "a\0"), Invalid("InvalidText", "add.0.source_uid")),
        ("a long uid", draft_with("source_uid", "a".repeat(256)), Invalid("TooLong", "add.0.source_uid")),
        (
            "an unknown pipeline",
            draft_with("pipeline_id", "1"),
            Invalid("NotSupportedChoice", "add.0.pipeline_id"),
        ),
        (
            "an archived pipeline",
            draft_with("pipeline_id", "6950555"),
            Invalid("NotSupportedChoice", "add.0.pipeline_id"),
        ),
        ("a word as a pipeline", draft_with("pipeline_id", "x"), Invalid("InvalidType", "add.0.pipeline_id")),
        (
            "a moment too late",
            draft_with("created_at", "253402300800"),
            Invalid("OutOfRange", "add.0.created_at"),
        ),
        ("a negative moment", draft_with("created_at", -1), Invalid("InvalidType", "add.0.created_at")),
        ("a fraction", draft_with("created_at", 1.5), Invalid("InvalidType", "add.0.created_at")),
        (
            "no page of the form",
            draft_with("incoming_lead_info.form_page", Value::Null),
            Invalid("FieldMissing", "add.0.incoming_lead_info.form_page"),
        ),
        (
            "info that is a text",
            draft_with("incoming_lead_info", "x"),
            Invalid("InvalidType", "add.0.incoming_lead_info"),
        ),
        (
            "a negative price",
            draft_with("incoming_entities.leads.0.price", "-1"),
            Invalid("InvalidType", "add.0.incoming_entities.leads.0.price"),
        ),
        (
            "two leads",
            draft_with("incoming_entities.leads", json!([{}, {}])),
            Invalid("TooMany", "add.0.incoming_entities.leads"),
        ),
        (
            "an unknown field",
            draft_with("incoming_entities.leads.0", json!({"custom_fields": [{"id": "1", "values": ["x"]}]})),
            Invalid("NotSupportedChoice", "add.0.incoming_entities.leads.0.custom_fields.0.id"),
        ),
    ]
}

fn sorting() -> Vec<Row> {
    let many: Vec<String> = (0..10_000).map(|number| format!("accept[]=u{number}")).collect();
    let some: Vec<String> = (0..250).map(|number| format!("accept[]=u{number}")).collect();
    let both = |more: &str| accept(&format!("accept[]={FORM}&{more}"));
    vec![
        ("no uid", accept("accept="), Fail(404, 2002)),
        ("no list", accept("user_id=1"), Invalid("FieldMissing", "accept")),
        ("decline under accept", accept(&format!("decline[]={FORM}")), Invalid("FieldMissing", "accept")),
        ("10,000 uids", accept(&many.join("&")), Invalid("TooMany", "accept")),
        ("250 unknown uids", accept(&some.join("&")), Fail(404, 2002)),
        ("an unknown uid", accept("accept[]=nobody"), Fail(404, 2002)),
        ("a uid that is none", accept("accept[]=%01"), Fail(404, 2002)),
        ("a uid that is a list", accept("accept[0][0]=x"), Invalid("InvalidType", "accept.0")),
        ("a word as a user", both("user_id=x"), Invalid("InvalidType", "user_id")),
        ("an unknown user", both("user_id=1"), Invalid("NotSupportedChoice", "user_id")),
        ("a user who is gone", both("user_id=8375373"), Invalid("NotSupportedChoice", "user_id")),
        ("an unknown status", both("status_id=1"), Invalid("NotSupportedChoice", "status_id")),
        (
            "the status of incoming leads",
            both("status_id=58141803"),
            Invalid("NotSupportedChoice", "status_id"),
        ),
        (
            "the same of three",
            accept(&format!("accept[]={FORM}&accept[]={CHAT}&accept[]={CALL}&user_id=1")),
            Invalid("NotSupportedChoice", "user_id"),
        ),
        (
            "refused in different ways",
            accept(&format!("accept[]={FORM}&accept[]=nobody&user_id=1")),
            Invalid("NotSupportedChoice", "user_id"),
        ),
        ("decline of nothing", form("/decline", "decline[]=nobody&decline[]=nobody"), Fail(404, 2002)),
        (
            "decline by an unknown user",
            form("/decline/", format!("decline[]={FORM}&user_id=1")),
            Invalid("NotSupportedChoice", "user_id"),
        ),
    ]
}

fn questions() -> Vec<Row> {
    let uids: Vec<String> = (0..251).map(|number| format!("uid[]={number}")).collect();
    vec![
        ("page 0", get("?page=0"), Invalid("OutOfRange", "page")),
        ("a word as a page", get("?page=x"), Invalid("InvalidType", "page")),
        ("a negative page", get("?page=-1"), Invalid("InvalidType", "page")),
        ("a page past all numbers", get(&format!("?page={}", "9".repeat(40))), Nothing),
        ("a size of 0", get("?page_size=0"), Invalid("OutOfRange", "page_size")),
        ("a large size", get("?page_size=1000000"), Fine),
        ("a size twice", get("?page_size=1&page_size=2"), Invalid("DuplicateKey", "page_size")),
        ("an unknown category", get("?categories[]=fax"), Invalid("NotSupportedChoice", "categories.0")),
        ("both names of a category", get("?categories[]=form&categories[]=forms"), Fine),
        ("a word as a pipeline", get("?pipeline_id=x"), Invalid("InvalidType", "pipeline_id")),
        ("an unknown order", get("?order_by[price]=asc"), Invalid("UnknownField", "order_by.price")),
        (
            "sideways",
            get("?order_by[created_at]=sideways"),
            Invalid("NotSupportedChoice", "order_by.created_at"),
        ),
        (
            "two orders",
            get("?order_by[created_at]=asc&order_by[updated_at]=asc"),
            Invalid("TooMany", "order_by"),
        ),
        ("251 uids", get(&format!("?{}", uids.join("&"))), Invalid("TooMany", "uid")),
        ("an unknown parameter", get("?what[[=%zz"), Fine),
        (
            "a window that ends first",
            get("/summary?data[filter][date][from]=2&data[filter][date][to]=1"),
            Invalid("OutOfRange", "data.filter.date"),
        ),
        (
            "a word as a moment",
            get("/summary?filter[date][from]=x"),
            Invalid("InvalidType", "filter.date.from"),
        ),
        ("an unknown filter", get("/summary?filter[uid]=x"), Invalid("UnknownField", "filter.uid")),
        ("a body on a question", get("").body("[]"), Fine),
    ]
}

fn check(name: &str, answer: Option<Answer>, expected: Expected, faults: &mut Vec<String>) {
    let Some(answer) = answer else {
        faults.push(format!("{name}: no answer"));
        return;
    };
    let told = (answer.status, answer.content_type().to_owned());
    let hal = |status| (status, "application/hal+json".to_owned());
    let is_fail = || {
        let told = answer.json();
        told["status"] == "fail" && told["error"].as_str().is_some_and(|error| !error.is_empty())
    };
    let is = match expected {
        Fine => told == hal(200),
        Nothing => told == (204, String::new()) && answer.body.is_empty(),
        Fail(status, code) => {
            let is_plain = || answer.json()["error_code"] == code && answer.json().get("faults").is_none();
            told == hal(status) && is_fail() && is_plain()
        }
        Invalid(code, path) => {
            let is_first = || {
                let first = answer.json()["faults"][0].clone();
                first["code"] == code && first["path"] == path && first["detail"].is_string()
            };
            told == hal(400) && is_fail() && is_first()
        }
    };
    let is_stamped = answer.header("runtime-timestamp").is_some() && answer.header("x-request-id").is_some();
    if !is || !is_stamped || answer.text().contains(KEY) {
        let text = answer.text();
        faults.push(format!(
            "{name}: expected {expected:?}, got {told:?} {}",
            text.get(..300).unwrap_or(&text)
        ));
    }
    if answer.status == 405 && answer.header("allow").is_none() {
        faults.push(format!("{name}: 405 without Allow"));
    }
    if answer.body.len() > 100_000 {
        faults.push(format!("{name}: an answer far larger than anything that helps"));
    }
}

#[tokio::test]
async fn each_row_is_answered_as_the_table_says_and_has_no_effect() {
    let world = World::kommo().await;
    let before = world.everything().await;
    let mut faults = Vec::new();
    for (name, request, expected) in rows() {
        let mut raw = Raw::open(world.addr()).await;
        raw.send(request.bytes()).await;
        check(name, raw.answer().await, expected, &mut faults);
        if world.everything().await != before {
            faults.push(format!("{name}: something has taken effect"));
            break;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn another_accounts_uid_is_as_unknown_as_any() {
    let world = World::both(incoming_leads_server::Config::default()).await;
    let decline = |uid: &str| {
        let request =
            Request::new("POST", format!("{LEADS}/decline")).body(json!({ "decline": [uid] }).to_string());
        request.with("Authorization", format!("Bearer {}", crate::world::STRANGER))
    };
    let foreign = super::ask(&world, decline(FORM)).await;
    let unknown = super::ask(&world, decline("nobody")).await;
    assert_eq!((foreign.status, unknown.status), (404, 404));
    assert_eq!(foreign.text().replace(FORM, "nobody"), unknown.text());
}
