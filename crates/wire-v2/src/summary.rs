//! `GET /api/v2/incoming_leads/summary`: counts of a window of time.

use http::{Request, Response};
use incoming_leads_model::{Category, Moment, Summary, SummaryQuery, Window};
use serde_json::Value;

use crate::call::Call;
use crate::form;
use crate::message::{Failure, answered, question};
use crate::origin::Origin;
use crate::problem::{Fault, Problem, code};
use crate::read::Object;
use crate::route::FOLDER;
use crate::write::{Fields, secs};

/// Server: reads the question: `data[filter][date][from]` and `…[to]`, the same without `data`, and a moment alone,
/// which is "from". Default: all of all time.
///
/// # Errors
/// 400 with the parameter that is wrong; unknown ones are ignored, but not inside of the filter.
pub fn read_request<B>(request: &Request<B>) -> Result<SummaryQuery, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let mut query = Object::root(form::read(query.as_bytes(), &["data", "filter"])?);
    let in_data = query.object(&["data"])?.map(|mut data| data.object(&["filter"])).transpose()?.flatten();
    let filter = match (in_data, query.object(&["filter"])?) {
        (Some(_), Some(_)) => {
            return Err(Fault::new(code::INVALID_TYPE, "filter", "one filter is due, not two").into());
        }
        (in_data, plain) => in_data.or(plain),
    };
    let mut window = Window::ALL;
    if let Some(mut filter) = filter {
        if let Some((path, date)) = filter.take(&["date"]) {
            window = read_date(path, date)?;
        }
        nothing_else(filter, "there is no such filter; there is date")?;
    }
    Ok(SummaryQuery { uids: None, pipelines: None, window })
}

fn read_date(path: String, date: Value) -> Result<Window, Fault> {
    if !matches!(date, Value::Object(_) | Value::Array(_)) {
        let mut alone = Object::root([("date".to_owned(), date)].into_iter().collect());
        let from = alone.moment(&["date"]).map_err(|fault| Fault { path, ..fault })?;
        return Ok(Window::since(from.unwrap_or(Moment::MIN)));
    }
    let mut date = Object::at(path.clone(), date)?;
    let from = date.moment(&["from"])?.unwrap_or(Moment::MIN);
    let to = date.moment(&["to"])?.unwrap_or(Moment::MAX);
    nothing_else(date, "a date has from and to")?;
    Window::new(from, to).map_err(|error| Fault::new(code::OUT_OF_RANGE, path, error.to_string()))
}

fn nothing_else(object: Object, detail: &str) -> Result<(), Fault> {
    let path = object.path().to_owned();
    match object.rest().keys().next() {
        Some(key) => {
            let path = format!("{path}.{}", &key[..key.floor_char_boundary(64)]);
            Err(Fault::new(code::UNKNOWN_FIELD, path, detail))
        }
        None => Ok(()),
    }
}

/// Client: asks for a window. v2 has no filter by uid or pipeline.
#[must_use]
pub fn request(window: Window, origin: &Origin) -> Request<Vec<u8>> {
    let mut date = Fields::new();
    if window.from() != Moment::MIN {
        date.put("from", secs(window.from()));
    }
    if window.to() != Moment::MAX {
        date.put("to", secs(window.to()));
    }
    let (mut filter, mut data, mut fields) = (Fields::new(), Fields::new(), Fields::new());
    filter.put("date", date);
    data.put("filter", filter);
    fields.put("data", data);
    question(origin, &format!("{FOLDER}/summary"), fields).expect("two moments fit into an address")
}

/// Server: answers. `avg_time` is in seconds. How many were declined has no key.
#[must_use]
pub fn response(summary: &Summary, call: &Call) -> Response<Vec<u8>> {
    let Summary { total, categories, accepted, declined: _, linked: _, average_sort_time_secs } = summary;
    let mut fields = Fields::new();
    for category in Category::ALL {
        fields.put(crate::metadata::category_name(category), categories[category.index()]);
    }
    fields.put("total", *total);
    fields.put("avg_time", *average_sort_time_secs);
    fields.put("accepted", *accepted);
    call.answer(fields)
}

/// Client: reads the answer. A category that is absent has none; how many were declined or linked is not told.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Summary, Failure> {
    let mut answer = answered(response)?;
    let mut categories = [0; 4];
    for category in Category::ALL {
        let names = [crate::metadata::category_name(category), category.as_str()];
        categories[category.index()] = answer.whole(&names)?.unwrap_or(0);
    }
    Ok(Summary {
        total: answer.whole(&["total"])?.ok_or_else(|| Fault::missing("total"))?,
        categories,
        accepted: answer.whole(&["accepted"])?.ok_or_else(|| Fault::missing("accepted"))?,
        declined: None,
        linked: None,
        average_sort_time_secs: answer.whole(&["avg_time"])?.unwrap_or(0),
    })
}
