//! What bad input gets: one table, each row with the exact answer, and nothing of any row takes effect.

use serde_json::{Map, Value, json};

use crate::raw::{Answer, Raw, Request};
use crate::world::{ADMINISTRATOR, World};

const UNSORTED: &str = "/api/v4/leads/unsorted";
/// A form that waits.
const FORM: &str = "5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319";
/// A chat that waits.
const CHAT: &str = "9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0";
/// A call that waits.
const CALL: &str = "400c5eb65b9fa7bbfa813cf593b49d4942f325c7c3fbbcf3acf3bee79b63";

/// A request of an administrator.
fn ask(method: &'static str, target: impl Into<String>) -> Request {
    let target = target.into();
    let target = if target.contains("/api/") { target } else { format!("{UNSORTED}{target}") };
    Request::new(method, target).with("Authorization", format!("Bearer {ADMINISTRATOR}"))
}

/// What a row is answered.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// A problem without further detail.
    Problem(u16),
    /// A validation problem whose first error has this code and path.
    Invalid(&'static str, &'static str),
    /// 204.
    Nothing,
    /// 200 of a question that is a little odd, but good.
    Fine,
}
use Expected::{Fine, Invalid, Nothing, Problem};

fn get(target: impl Into<String>) -> Request {
    ask("GET", target)
}

/// A POST to `/sip`.
fn sip(body: impl Into<Vec<u8>>) -> Request {
    ask("POST", "/sip").body(body)
}

fn forms(body: impl Into<Vec<u8>>) -> Request {
    ask("POST", "/forms").body(body)
}

fn accept(uid: &str, body: &str) -> Request {
    ask("POST", format!("/{uid}/accept")).body(body)
}

fn decline(uid: &str, body: &str) -> Request {
    ask("DELETE", format!("/{uid}/decline")).body(body)
}

fn link(uid: &str, body: &Value) -> Request {
    ask("POST", format!("/{uid}/link")).body(body.to_string())
}

/// A call that would be taken.
fn call() -> Value {
    json!({
        "request_id": "r", "source_name": "s", "source_uid": "u", "pipeline_id": 6_950_551, "created_at": 1_510_261_200,
        "metadata": {"from": "a", "phone": "1", "called_at": 1_510_261_200, "duration": 1, "service_code": "s"},
        "_embedded": {"leads": [{"name": "l"}], "contacts": [{"name": "c"}], "companies": [{"name": "f"}]},
    })
}

/// A batch of one call that has `value` at `path`.
fn call_with(path: &str, value: impl Into<Value>) -> Request {
    let mut item = call();
    *at(&mut item, path) = value.into();
    sip(json!([item]).to_string())
}

/// A batch of one call with a raw text in the place of a value: for what `serde_json` cannot write.
fn call_raw(path: &str, raw: &str) -> Request {
    let mut item = call();
    *at(&mut item, path) = "@@".into();
    sip(json!([item]).to_string().replace("\"@@\"", raw))
}

fn at<'a>(item: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(item, |value, key| match key.parse::<usize>() {
        Ok(index) => &mut value[index],
        Err(_) => &mut value[key],
    })
}

fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

type Row = (&'static str, Request, Expected);

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(transport());
    rows.extend(json_texts());
    rows.extend(queries());
    rows.extend(paths());
    rows.extend(adds());
    rows.extend(settlements());
    rows
}

/// Group A, as far as it needs a route; the rest is in `framing`.
fn transport() -> Vec<Row> {
    let good = json!([call()]).to_string();
    let add = || sip(good.clone());
    vec![
        (
            "A11 a chunk of 17 digits",
            sip("").with("Transfer-Encoding", "chunked").with_body("10000000000000000\r\n"),
            Problem(400),
        ),
        (
            "A13 a body longer than its length",
            sip("[]xx").with("Content-Length", "1"),
            Invalid("InvalidJson", ""),
        ),
        (
            "A15 100-continue and a body that is none",
            sip("").with("Expect", "100-continue"),
            Invalid("InvalidJson", ""),
        ),
        ("A19 gzip", add().with("Content-Encoding", "gzip"), Problem(415)),
        ("A20 form data", add().with("Content-Type", "application/x-www-form-urlencoded"), Problem(415)),
        ("A20 text", add().with("Content-Type", "text/plain"), Problem(415)),
        ("A20 no type at all", add().with("Content-Type", "json"), Problem(415)),
        ("A20 UTF-16", add().with("Content-Type", "application/json; charset=utf-16"), Problem(415)),
        ("A20 two content types", add().and("Content-Type", "text/plain"), Problem(415)),
        ("A21 an overriding header", get(format!("/{FORM}")).with("X-HTTP-Method-Override", "DELETE"), Fine),
        ("A21 an overriding parameter", get(format!("/{FORM}?_method=DELETE")), Fine),
        ("A22 lower case", ask("get", ""), Problem(405)),
        ("A22 TRACE", ask("TRACE", ""), Problem(405)),
        ("A22 an unknown method", ask("BREW", ""), Problem(405)),
        ("A22 POST without a category", ask("POST", "").body("[]"), Problem(405)),
        ("A22 POST to decline", ask("POST", format!("/{FORM}/decline")).body("{}"), Problem(405)),
        ("A22 GET of accept", get(format!("/{FORM}/accept")), Problem(405)),
        ("A22 PATCH of an item", ask("PATCH", format!("/{FORM}")).body("{}"), Problem(405)),
        ("A22 DELETE of an item", ask("DELETE", format!("/{FORM}")), Problem(405)),
        ("A22 an unknown address", get("/api/v4/nothing"), Problem(404)),
        ("A22 an unknown version", get("/api/v5/leads/unsorted"), Problem(404)),
        ("A23 a forwarded host", get(format!("/{FORM}")).with("X-Forwarded-Host", "evil.example"), Fine),
        ("D no token", get("").without("Authorization"), Problem(401)),
        ("D an unknown token", get("").with("Authorization", "Bearer nobody"), Problem(401)),
        ("D a token without its scheme", get("").with("Authorization", ADMINISTRATOR), Problem(401)),
        ("D another scheme", get("").with("Authorization", format!("Basic {ADMINISTRATOR}")), Problem(401)),
        ("D an empty token", get("").with("Authorization", "Bearer "), Problem(401)),
        ("D two tokens", get("").and("Authorization", format!("Bearer {ADMINISTRATOR}")), Problem(401)),
        (
            "D a token of a megabyte",
            get("").with("Authorization", format!("Bearer {}", "x".repeat(30_000))),
            Problem(401),
        ),
        ("D no token on an add", add().without("Authorization"), Problem(401)),
    ]
}

/// Group B.
fn json_texts() -> Vec<Row> {
    let good = json!([call()]).to_string();
    let in_utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let with_bom = [b"\xef\xbb\xbf".as_slice(), good.as_bytes()].concat();
    let in_name = |bytes: &[u8]| {
        let (before, after) = good.split_once("\"source_name\":\"s\"").unwrap();
        sip([before.as_bytes(), b"\"source_name\":\"", bytes, b"\"", after.as_bytes()].concat())
    };
    let twice = good.replace("\"source_uid\":\"u\"", "\"source_uid\":\"u\",\"source_uid\":\"v\"");
    let twice_in_metadata = good.replace("\"phone\":\"1\"", "\"phone\":\"1\",\"phone\":\"2\"");
    let twice_further = good.replace("\"name\":\"l\"", "\"name\":\"l\",\"x\":1,\"x\":2");
    vec![
        (
            "B25 depth 33",
            sip(nested(33)),
            Invalid("TooDeep", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"),
        ),
        (
            "B25 depth 128",
            sip(nested(128)),
            Invalid("TooDeep", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"),
        ),
        (
            "B25 depth 10^5",
            sip(nested(100_000)),
            Invalid("TooDeep", "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"),
        ),
        (
            "B26 a deep field that nobody reads",
            call_raw("further", &nested(40)),
            Invalid("TooDeep", "further.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"),
        ),
        ("B27 a key twice", sip(twice), Invalid("DuplicateKey", "source_uid")),
        ("B27 a key twice in metadata", sip(twice_in_metadata), Invalid("DuplicateKey", "metadata.phone")),
        ("B27 a further key twice", sip(twice_further), Invalid("DuplicateKey", "_embedded.leads.0.x")),
        ("B28 a list for an item", sip(r#"[["a",1]]"#), Invalid("InvalidType", "")),
        (
            "B28 a list for metadata",
            call_with("metadata", json!(["a", 1])),
            Invalid("InvalidType", "metadata"),
        ),
        (
            "B28 an object for a list",
            call_with("_embedded.leads", json!({"name": "x"})),
            Invalid("InvalidType", "_embedded.leads"),
        ),
        (
            "B28 an object for the batch",
            sip(json!({"data": [call()]}).to_string()),
            Invalid("FieldMissing", "data.source_name"),
        ),
        ("B28 one item for the batch", sip(call().to_string()), Invalid("InvalidType", "")),
        ("B29 nothing", sip(""), Invalid("InvalidJson", "")),
        ("B29 white space", sip(" \r\n\t"), Invalid("InvalidJson", "")),
        ("B29 null", sip("null"), Invalid("InvalidType", "")),
        ("B29 an empty batch", sip("[]"), Invalid("TooFew", "")),
        ("B29 an empty object", sip("{}"), Invalid("InvalidType", "")),
        ("B29 a byte order mark", sip(with_bom), Invalid("InvalidJson", "")),
        ("B29 two documents", sip(format!("{good}{good}")), Invalid("InvalidJson", "")),
        ("B29 a comma at the end", sip(good.replace("\"u\"}]", "\"u\"},]")), Invalid("InvalidJson", "")),
        ("B29 a comment", sip(format!("/* */{good}")), Invalid("InvalidJson", "")),
        ("B29 NaN", call_raw("metadata.duration", "NaN"), Invalid("InvalidJson", "metadata.duration")),
        ("B29 single quotes", sip("[{'source_uid':'u'}]"), Invalid("InvalidJson", "")),
        ("B29 UTF-16", sip(in_utf16), Invalid("InvalidJson", "")),
        ("B29 cut off", sip(&good.as_bytes()[..good.len() - 1]), Invalid("InvalidJson", "")),
        ("B30 invalid UTF-8", in_name(b"\xff"), Invalid("InvalidJson", "source_name")),
        ("B30 overlong UTF-8", in_name(b"\xc0\xaf"), Invalid("InvalidJson", "source_name")),
        ("B30 a surrogate in UTF-8", in_name(b"\xed\xa0\x80"), Invalid("InvalidJson", "source_name")),
        ("B30 a lone surrogate", in_name(br"\ud800"), Invalid("InvalidJson", "source_name")),
        ("B31 NUL", in_name(br"\u0000"), Invalid("InvalidText", "source_name")),
        ("B31 a raw control character", in_name(b"a\x01b"), Invalid("InvalidJson", "source_name")),
        (
            "B32 2^53",
            call_with("metadata.duration", 9_007_199_254_740_992_u64),
            Invalid("OutOfRange", "metadata.duration"),
        ),
        (
            "B32 2^63",
            call_raw("_embedded.leads.0.price", "9223372036854775808"),
            Invalid("OutOfRange", "_embedded.leads.0.price"),
        ),
        ("B32 2^64", call_raw("pipeline_id", "18446744073709551616"), Invalid("InvalidType", "pipeline_id")),
        ("B32 -1", call_with("metadata.duration", -1), Invalid("InvalidType", "metadata.duration")),
        ("B32 a fraction", call_with("metadata.duration", 1.5), Invalid("InvalidType", "metadata.duration")),
        ("B32 1e400", call_raw("metadata.duration", "1e400"), Invalid("InvalidJson", "metadata.duration")),
        (
            "B32 10^5 digits",
            call_raw("metadata.duration", &"9".repeat(100_000)),
            Invalid("InvalidJson", "metadata.duration"),
        ),
        ("B34 a yes for a text", call_with("source_name", true), Invalid("InvalidType", "source_name")),
        (
            "B34 a yes for a number",
            call_with("metadata.duration", true),
            Invalid("InvalidType", "metadata.duration"),
        ),
        (
            "B34 null where something is due",
            call_with("source_uid", Value::Null),
            Invalid("FieldMissing", "source_uid"),
        ),
        (
            "B36 a text of 100 kB",
            call_with("source_name", "x".repeat(100_000)),
            Invalid("TooLong", "source_name"),
        ),
        ("B36 a list of 10^5", sip(json!(vec![0; 100_000]).to_string()), Invalid("TooMany", "")),
        (
            "B35 50,000 keys that nobody knows",
            call_with(
                "_embedded.leads.0",
                (0..50_000).map(|key| (format!("k{key}"), 0.into())).collect::<Map<_, _>>(),
            ),
            Invalid("TooLong", "_embedded.leads.0"),
        ),
        (
            "B36 50,000 items that are wrong",
            sip(json!(vec![json!({"pipeline_id": 0}); 50_000]).to_string()),
            Invalid("TooMany", ""),
        ),
        ("B36 more than a megabyte", sip(vec![b' '; (1 << 20) + 1]), Problem(413)),
    ]
}

/// Group C: query strings.
fn queries() -> Vec<Row> {
    let list = |query: &str| get(format!("?{query}"));
    let summary = |query: &str| get(format!("/summary?{query}"));
    let many: String = (0..400).map(|index| format!("filter[uid][]={index}&")).collect();
    vec![
        ("C41 page 0", list("page=0"), Invalid("OutOfRange", "page")),
        ("C41 page -1", list("page=-1"), Invalid("InvalidType", "page")),
        ("C41 a far page", list("page=9223372036854775808"), Nothing),
        ("C41 a page beyond numbers", list("page=99999999999999999999999"), Nothing),
        ("C41 a word for a page", list("page=abc"), Invalid("InvalidType", "page")),
        ("C41 half a page", list("page=1.5"), Invalid("InvalidType", "page")),
        ("C41 an empty page", list("page="), Invalid("InvalidType", "page")),
        ("C41 two pages", list("page=1&page=2"), Invalid("InvalidType", "page")),
        ("C41 past the end", list("page=2"), Nothing),
        ("C42 limit 0", list("limit=0"), Invalid("OutOfRange", "limit")),
        ("C42 limit -1", list("limit=-1"), Invalid("InvalidType", "limit")),
        ("C42 limit 251", list("limit=251"), Fine),
        ("C42 limit 10^9", list("limit=1000000000"), Fine),
        ("C43 an unknown uid", list("filter[uid]=nothing"), Nothing),
        ("C43 an empty uid", list("filter[uid]="), Nothing),
        ("C43 a nested uid", list("filter[uid][a][b]=1"), Invalid("InvalidType", "filter.uid.a.b")),
        ("C43 a named index", list("filter[uid][a]=1"), Invalid("InvalidType", "filter.uid.a")),
        ("C43 400 uids", list(many.trim_end_matches('&')), Invalid("TooMany", "filter.uid.")),
        ("C43 indices with gaps", list(&format!("filter[uid][3]={FORM}&filter[uid][9]={FORM}")), Fine),
        (
            "C44 an unknown category",
            list("filter[category][]=phone"),
            Invalid("NotSupportedChoice", "filter.category."),
        ),
        (
            "C44 a category of v2",
            list("filter[category][]=form"),
            Invalid("NotSupportedChoice", "filter.category."),
        ),
        (
            "C44 a pipeline that is no number",
            list("filter[pipeline_id]=x"),
            Invalid("InvalidType", "filter.pipeline_id"),
        ),
        ("C44 an unknown pipeline", list("filter[pipeline_id]=1"), Nothing),
        ("C44 an unknown filter", list("filter[name]=x"), Invalid("UnknownField", "filter.name")),
        (
            "C45 from after to",
            summary("filter[created_at][from]=2&filter[created_at][to]=1"),
            Invalid("OutOfRange", "filter.created_at"),
        ),
        (
            "C45 a negative moment",
            summary("filter[created_at]=-1"),
            Invalid("InvalidType", "filter.created_at"),
        ),
        (
            "C45 10^18",
            summary("filter[created_at]=1000000000000000000"),
            Invalid("OutOfRange", "filter.created_at"),
        ),
        ("C45 only to", summary("filter[created_at][to]=1"), Fine),
        (
            "C45 both forms",
            summary("filter[created_at]=1&filter[created_at][to]=2"),
            Invalid("InvalidType", "filter.created_at"),
        ),
        ("C46 upper case", list("order[created_at]=ASC"), Fine),
        (
            "C46 sideways",
            list("order[created_at]=sideways"),
            Invalid("NotSupportedChoice", "order.created_at"),
        ),
        (
            "C46 two orders",
            list("order[created_at]=asc&order[updated_at]=asc"),
            Invalid("InvalidType", "order"),
        ),
        ("C46 an unknown key", list("order[price]=asc"), Invalid("UnknownField", "order.price")),
        ("C47 %ff", list("filter[uid]=%ff"), Invalid("InvalidType", "%ff")),
        ("C47 %00", list("filter[uid]=%00"), Nothing),
        ("C47 %zz", list("filter[uid]=%zz"), Invalid("InvalidType", "%zz")),
        ("C47 a lone %", list("filter[uid]=%"), Invalid("InvalidType", "%")),
        ("C47 encoded twice", list("filter%255Buid%255D=x"), Fine),
        ("C47 semicolons", list("a=b;filter[uid]=x"), Fine),
        ("C49 brackets that do not match", list("filter[uid=x"), Invalid("InvalidType", "filter")),
        ("C49 doubled brackets", list("filter[[uid]]=x"), Invalid("InvalidType", "filter")),
        (
            "C49 3,000 brackets",
            list(&format!("filter{}=x", "[a]".repeat(2500))),
            Invalid("InvalidType", "filter.a.a.a"),
        ),
        ("C49 a huge index", list("filter[uid][4294967295]=x"), Nothing),
        (
            "C49 one value and a list",
            list("filter[uid]=x&filter[uid][]=y"),
            Invalid("InvalidType", "filter.uid."),
        ),
    ]
}

/// Group C: uids in paths. A text that cannot be a uid is the uid of nothing.
fn paths() -> Vec<Row> {
    let long = "a".repeat(5000);
    let mut rows = Vec::new();
    for (name, uid) in [
        ("C47 %00", "%00"),
        ("C48 %2f", "..%2f.."),
        ("C48 dots", "%2e%2e"),
        ("C48 plain dots", ".."),
        ("C48 upper case", &FORM.to_ascii_uppercase()),
        ("C48 5,000 letters", &long),
        ("C48 an unknown uid", "5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b318"),
    ] {
        rows.push((name, get(format!("/{uid}")), Nothing));
        rows.push((name, accept(uid, "{}"), Problem(404)));
        rows.push((name, decline(uid, ""), Problem(404)));
        let target = json!({"link": {"entity_id": 152_464, "entity_type": "leads"}});
        rows.push((name, link(uid, &target), Problem(404)));
    }
    for (name, uid) in [("C47 %zz", "%zz"), ("C47 %ff", "%ff"), ("C47 a lone %", "%")] {
        rows.push((name, get(format!("/{uid}")), Invalid("InvalidType", "")));
        rows.push((name, accept(uid, "{}"), Invalid("InvalidType", "")));
    }
    rows.extend([
        ("C48 an empty uid", accept("", "{}"), Problem(405)),
        ("C48 a slash at the end", get(format!("/{FORM}/")), Fine),
        ("C48 a doubled slash", get(format!("//api/v4//leads/unsorted/{FORM}")), Fine),
        ("C48 summary is no uid", accept("summary", "{}"), Problem(404)),
        ("C48 summary takes no POST", ask("POST", "/summary").body("{}"), Problem(405)),
        ("C48 sip is no uid", get("/sip"), Problem(405)),
        ("C48 forms is no uid", decline("forms", ""), Problem(404)),
        ("C48 the intake is closed", ask("POST", "/chats").body("{}"), Problem(404)),
        ("C48 an id that is none", get("/api/v4/leads/abc"), Problem(404)),
        ("C48 an id too large", get("/api/v4/contacts/99999999999999999999"), Problem(404)),
        ("C48 id 0", get("/api/v4/companies/0"), Problem(404)),
        ("C48 an unknown id", get("/api/v4/customers/1"), Nothing),
        ("C48 an unknown kind of entity", get("/api/v4/tasks/1/notes"), Problem(404)),
    ]);
    rows
}

/// Group D: adds.
fn adds() -> Vec<Row> {
    let numbered = |count: usize| -> Vec<Value> {
        (0..count)
            .map(|index| {
                let mut item = call();
                item["request_id"] = format!("number {index}").into();
                item["metadata"]["phone"] = index.into();
                item
            })
            .collect()
    };
    let one_bad = {
        let mut items = numbered(250);
        items[137]["metadata"]["duration"] = "long".into();
        items
    };
    let one_bad_by_rule = {
        let mut items = numbered(250);
        items[137]["pipeline_id"] = 1.into();
        items
    };
    let twins = { [call(), call()] };
    let waiting = json!([{
        "source_name": "s", "source_uid": "u",
        "metadata": {"from": "onlinePBX", "phone": 14_155_551_234_u64, "called_at": "1510261200", "duration": "54", "service_code": "earlier"},
    }]);
    vec![
        ("D51 twins in one batch", sip(json!(twins).to_string()), Invalid("Duplicate", "metadata")),
        ("D52 a twin of what waits", sip(waiting.to_string()), Invalid("Duplicate", "metadata")),
        ("D53 251 items", sip(json!(numbered(251)).to_string()), Invalid("TooMany", "")),
        (
            "D54 a wrong type among 250",
            sip(json!(one_bad).to_string()),
            Invalid("InvalidType", "metadata.duration"),
        ),
        (
            "D54 an unknown pipeline among 250",
            sip(json!(one_bad_by_rule).to_string()),
            Invalid("NotSupportedChoice", "pipeline_id"),
        ),
        (
            "D55 a request id that is a list",
            call_with("request_id", json!([1])),
            Invalid("InvalidType", "request_id"),
        ),
        (
            "D56 an unknown pipeline",
            call_with("pipeline_id", 1),
            Invalid("NotSupportedChoice", "pipeline_id"),
        ),
        (
            "D56 a pipeline in the archive",
            call_with("pipeline_id", 6_950_555),
            Invalid("NotSupportedChoice", "pipeline_id"),
        ),
        (
            "D56 a pipeline without the stage",
            call_with("pipeline_id", 6_950_559),
            Invalid("NotSupportedChoice", "pipeline_id"),
        ),
        (
            "D56 an unknown tag",
            call_with("_embedded.leads.0._embedded", json!({"tags": [{"id": 1}]})),
            Invalid("NotSupportedChoice", "_embedded.leads.0._embedded.tags.0.id"),
        ),
        (
            "D56 an unknown field",
            call_with(
                "_embedded.leads.0.custom_fields_values",
                json!([{"field_id": 1, "values": [{"value": 1}]}]),
            ),
            Invalid("NotSupportedChoice", "_embedded.leads.0.custom_fields_values.0.field_id"),
        ),
        (
            "D56 an unknown code",
            call_with(
                "_embedded.contacts.0.custom_fields_values",
                json!([{"field_code": "FAX", "values": [{"value": 1}]}]),
            ),
            Invalid("NotSupportedChoice", "_embedded.contacts.0.custom_fields_values.0.field_id"),
        ),
        (
            "D56 an unknown lead",
            call_with("_embedded.leads.0.id", 1),
            Invalid("NotSupportedChoice", "_embedded.leads.0.id"),
        ),
        ("D57 year 10000", call_with("created_at", 253_402_300_800_i64), Invalid("OutOfRange", "created_at")),
        ("D57 before 1970", call_with("created_at", -1), Invalid("InvalidType", "created_at")),
        (
            "D57 milliseconds",
            call_with("created_at", 1_510_261_200_000_i64),
            Invalid("OutOfRange", "created_at"),
        ),
        (
            "D57 a fraction",
            call_with("metadata.called_at", 1.5),
            Invalid("InvalidType", "metadata.called_at"),
        ),
        ("D57 a word", call_with("created_at", "yesterday"), Invalid("InvalidType", "created_at")),
        (
            "D58 two contacts",
            call_with("_embedded.contacts", json!([{"name": "a"}, {"name": "b"}])),
            Invalid("TooMany", "_embedded.contacts"),
        ),
        ("D no source", call_with("source_name", Value::Null), Invalid("FieldMissing", "source_name")),
        ("D no metadata", call_with("metadata", Value::Null), Invalid("FieldMissing", "metadata")),
        ("D form data for a call", forms(r#"[{"source_name":"s"}]"#), Invalid("FieldMissing", "source_uid")),
        (
            "D a source of 10 kB",
            call_with("source_uid", "x".repeat(10_000)),
            Invalid("TooLong", "source_uid"),
        ),
        (
            "D metadata of 20 kB",
            call_with("metadata.link", "x".repeat(20_000)),
            Invalid("TooLong", "metadata.link"),
        ),
    ]
}

/// Group D: accept, decline, link.
fn settlements() -> Vec<Row> {
    let to = |link: Value| json!({ "link": link });
    let lead = json!({"entity_id": 152_464, "entity_type": "leads"});
    vec![
        (
            "D56 an unknown status",
            accept(FORM, r#"{"status_id":1}"#),
            Invalid("NotSupportedChoice", "status_id"),
        ),
        (
            "D56 the status of incoming leads",
            accept(FORM, r#"{"status_id":58141803}"#),
            Invalid("NotSupportedChoice", "status_id"),
        ),
        ("D56 an unknown user", accept(FORM, r#"{"user_id":1}"#), Invalid("NotSupportedChoice", "user_id")),
        (
            "D56 a user who is gone",
            accept(FORM, r#"{"user_id":8375373}"#),
            Invalid("NotSupportedChoice", "user_id"),
        ),
        (
            "D56 an unknown user declines",
            decline(FORM, r#"{"user_id":"1"}"#),
            Invalid("NotSupportedChoice", "user_id"),
        ),
        ("D60 a text", accept(FORM, "\"x\""), Invalid("InvalidType", "")),
        ("D60 a word", accept(FORM, "x"), Invalid("InvalidJson", "")),
        ("D60 a list", accept(FORM, "[1]"), Invalid("InvalidType", "")),
        ("D60 a user that is a word", accept(FORM, r#"{"user_id":"x"}"#), Invalid("InvalidType", "user_id")),
        ("D60 a negative user", decline(FORM, r#"{"user_id":-1}"#), Invalid("InvalidType", "user_id")),
        (
            "D60 a fractional status",
            accept(FORM, r#"{"status_id":1.5}"#),
            Invalid("InvalidType", "status_id"),
        ),
        ("D59 link of a form", link(FORM, &to(lead.clone())), Invalid("NotSupportedChoice", "category")),
        ("D59 link of a call", link(CALL, &to(lead.clone())), Invalid("NotSupportedChoice", "category")),
        (
            "D59 link to its own lead",
            link(CHAT, &to(json!({"entity_id": 236_738, "entity_type": "leads"}))),
            Invalid("NotSupportedChoice", "link.entity_id"),
        ),
        (
            "D59 link to nothing",
            link(CHAT, &to(json!({"entity_id": 1, "entity_type": "leads"}))),
            Invalid("NotSupportedChoice", "link.entity_id"),
        ),
        (
            "D59 link to no customer",
            link(CHAT, &to(json!({"entity_id": 1, "entity_type": "customers"}))),
            Invalid("NotSupportedChoice", "link.entity_id"),
        ),
        (
            "D59 a singular type",
            link(CHAT, &to(json!({"entity_id": 152_464, "entity_type": "lead"}))),
            Invalid("NotSupportedChoice", "link.entity_type"),
        ),
        (
            "D59 a contact as the target",
            link(CHAT, &to(json!({"entity_id": 152_464, "entity_type": "contacts"}))),
            Invalid("NotSupportedChoice", "link.entity_type"),
        ),
        (
            "D59 an unknown contact",
            link(
                CHAT,
                &to(json!({"entity_id": 152_464, "entity_type": "leads", "metadata": {"contact_id": 1}})),
            ),
            Invalid("NotSupportedChoice", "link.metadata.contact_id"),
        ),
        ("D59 no target", link(CHAT, &json!({})), Invalid("FieldMissing", "link")),
        (
            "D59 no id",
            link(CHAT, &to(json!({"entity_type": "leads"}))),
            Invalid("FieldMissing", "link.entity_id"),
        ),
        (
            "D59 no type",
            link(CHAT, &to(json!({"entity_id": 152_464}))),
            Invalid("FieldMissing", "link.entity_type"),
        ),
        ("D59 an empty body", link(CHAT, &json!(null)), Invalid("InvalidType", "")),
    ]
}

fn check(name: &str, answer: Option<Answer>, expected: Expected, faults: &mut Vec<String>) {
    let Some(answer) = answer else {
        faults.push(format!("{name}: no answer"));
        return;
    };
    let told = (answer.status, answer.content_type().to_owned());
    let is = match expected {
        Fine => told == (200, "application/hal+json".to_owned()),
        Nothing => told == (204, String::new()) && answer.body.is_empty(),
        Problem(status) => {
            // What hyper itself refuses has no body.
            let is_problem =
                told == (status, "application/problem+json".to_owned()) && answer.json()["status"] == status;
            is_problem && answer.json().get("validation-errors").is_none()
        }
        Invalid(code, path) => {
            let first = |answer: &Answer| answer.json()["validation-errors"][0]["errors"][0].clone();
            told == (400, "application/problem+json".to_owned())
                && first(&answer)["code"] == code
                && first(&answer)["path"] == path
                && first(&answer)["detail"].as_str().is_some_and(|detail| !detail.is_empty())
        }
    };
    if !is {
        let text = answer.text();
        faults.push(format!(
            "{name}: expected {expected:?}, got {told:?} {}",
            text.get(..200).unwrap_or(&text)
        ));
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
        let answer = raw.answer().await;
        if answer.as_ref().is_some_and(|answer| answer.body.len() > 100_000) {
            faults.push(format!("{name}: an answer far larger than anything that helps"));
        }
        if answer.as_ref().is_some_and(|answer| answer.status == 405 && answer.header("allow").is_none()) {
            faults.push(format!("{name}: 405 without Allow"));
        }
        check(name, answer, expected, &mut faults);
        if world.everything().await != before {
            faults.push(format!("{name}: something has taken effect"));
            break;
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
