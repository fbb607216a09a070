//! Query strings: every form that clients of v4 were seen to send, read strictly and written in one form.
//!
//! Names and values are percent-decoded (`+` is a space), brackets may be raw or encoded. `filter[uid]=x`,
//! `filter[uid][]=x` and `filter[uid][7]=x` mean the same: the index only says that it is a list. Unknown parameters
//! are ignored; unknown keys inside of `filter` and `order`, and forms that contradict each other, are refused.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use incoming_leads_model::id::InvalidId;
use incoming_leads_model::limits::{DEFAULT_PAGE_SIZE, MAX_NAMED_UIDS, MAX_PAGE_SIZE_V4};
use incoming_leads_model::{
    Cards, Category, Direction, ListFilter, ListQuery, Moment, Order, OrderKey, PageRequest, PipelineId,
    SummaryQuery, Uid, Window,
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::document::digits;
use crate::problem::{ValidationError, code};

/// Reads the query string of a list. Default: the first 50, newest first; a `limit` over 250 is cut to it (R13).
///
/// # Errors
/// What is wrong, with a path such as `filter.pipeline_id`.
pub fn read_list(query: &str) -> Result<ListQuery, ValidationError> {
    let mut paging = Paging::default();
    let mut order = Once::default();
    let mut filter = Filter::default();
    for pair in query.split('&') {
        let (name, value) = decode(pair)?;
        match Name::split(&name, &["page", "limit", "filter", "order"])? {
            Name { base: "order", keys } => read_order(&keys, &value, &mut order)?,
            Name { base: "filter", keys } => {
                filter.read(&keys, &value, &["uid", "category", "pipeline_id"])?
            }
            name => paging.read(&name, &value)?,
        }
    }
    let Filter { uids, categories, pipelines, created_at: _ } = filter;
    let filter = ListFilter { uids: uids.values, categories: categories.values, pipelines: pipelines.values };
    Ok(ListQuery {
        filter,
        order: order.value.unwrap_or_default(),
        page: paging.request(),
        cards: Cards::Omit,
    })
}

/// Reads the query string of a summary. Default: everything, of all time.
///
/// # Errors
/// What is wrong, with a path such as `filter.created_at.from`.
pub fn read_summary(query: &str) -> Result<SummaryQuery, ValidationError> {
    let mut filter = Filter::default();
    for pair in query.split('&') {
        let (name, value) = decode(pair)?;
        if let Name { base: "filter", keys } = Name::split(&name, &["filter"])? {
            filter.read(&keys, &value, &["uid", "created_at", "pipeline_id"])?;
        }
    }
    let Filter { uids, categories: _, pipelines, created_at } = filter;
    Ok(SummaryQuery { uids: uids.values, pipelines: pipelines.values, window: created_at.window()? })
}

/// Reads `page` and `limit` of a list of leads, contacts and the like, with the defaults and limits of
/// [`read_list`]; everything else is ignored.
///
/// # Errors
/// What is wrong, with the path `page` or `limit`.
pub fn read_page(query: &str) -> Result<PageRequest, ValidationError> {
    let mut paging = Paging::default();
    for pair in query.split('&') {
        let (name, value) = decode(pair)?;
        paging.read(&Name::split(&name, &["page", "limit"])?, &value)?;
    }
    Ok(paging.request())
}

/// Reads `filter[id]` of a list of leads, contacts and the like, in the forms of [`read_list`]; none when it is not
/// given. Everything else is ignored.
///
/// # Errors
/// What is wrong, with the path `filter.id`.
pub fn read_ids<I>(query: &str) -> Result<Option<Vec<I>>, ValidationError>
where
    I: TryFrom<u64, Error = InvalidId> + Clone + Eq + Hash,
{
    let mut ids = Many::default();
    for pair in query.split('&') {
        let (name, value) = decode(pair)?;
        if name != "filter[id]" && !name.starts_with("filter[id][") {
            continue;
        }
        let name = Name::split(&name, &["filter"])?;
        let path = dotted(name.base, &name.keys);
        let number = digits(&value).ok_or_else(|| {
            ValidationError::new(code::INVALID_TYPE, &path, "an id is due: a whole number from 1")
        })?;
        let id = I::try_from(number)
            .map_err(|error| ValidationError::new(code::OUT_OF_RANGE, &path, error.to_string()))?;
        ids.add(&name.keys[1..], &path, Some(id))?;
    }
    Ok(ids.values)
}

/// Writes the question for at most 250 entities by id. Brackets stay raw, so that 250 ids fit into an address.
#[must_use]
pub fn write_ids(ids: impl IntoIterator<Item = u64>) -> String {
    let mut text = format!("limit={MAX_PAGE_SIZE_V4}");
    for id in ids {
        text.push_str("&filter[id][]=");
        text.push_str(&id.to_string());
    }
    text
}

/// Writes the query string of a list; none when nothing can match, so that nothing is to be asked.
///
/// Pages of v4 hold 250 at most, so a larger one is to be split before.
#[must_use]
pub fn write_list(query: &ListQuery) -> Option<String> {
    let ListQuery { filter: ListFilter { uids, categories, pipelines }, order, page, cards: _ } = query;
    let mut text = Query::default();
    text.page(*page);
    text.some_of("filter[uid]", uids.as_deref())?;
    text.list_of("filter[category]", categories.as_deref())?;
    text.some_of("filter[pipeline_id]", pipelines.as_deref())?;
    let key = match order.key {
        OrderKey::CreatedAt => "order[created_at]",
        OrderKey::UpdatedAt => "order[updated_at]",
    };
    let direction = match order.direction {
        Direction::Ascending => "asc",
        Direction::Descending => "desc",
    };
    text.push(key, direction);
    Some(text.0)
}

/// Writes the query string of a summary; none when nothing can match, so that nothing is to be asked.
#[must_use]
pub fn write_summary(query: &SummaryQuery) -> Option<String> {
    let SummaryQuery { uids, pipelines, window } = query;
    let mut text = Query::default();
    text.some_of("filter[uid]", uids.as_deref())?;
    if *window != Window::ALL {
        text.push("filter[created_at][from]", &window.from().secs().to_string());
    }
    if window.to() != Moment::MAX {
        text.push("filter[created_at][to]", &window.to().secs().to_string());
    }
    text.some_of("filter[pipeline_id]", pipelines.as_deref())?;
    Some(text.0)
}

/// Writes `page` and `limit` of a list of leads, contacts and the like.
#[must_use]
pub fn write_page(page: PageRequest) -> String {
    let mut text = Query::default();
    text.page(page);
    text.0
}

/// Decodes `name=value`.
fn decode(pair: &str) -> Result<(Cow<'_, str>, Cow<'_, str>), ValidationError> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok((unescape(name)?, unescape(value)?))
}

fn unescape(text: &str) -> Result<Cow<'_, str>, ValidationError> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let decoded = match spaced {
        Cow::Borrowed(text) => decode_percent(text),
        Cow::Owned(text) => decode_percent(&text).map(|text| Cow::Owned(text.into_owned())),
    };
    decoded.ok_or_else(|| {
        let detail =
            "the query string holds a % that is not followed by two hex digits, or bytes that are not UTF-8";
        ValidationError::new(code::INVALID_TYPE, shown(text), detail)
    })
}

/// Decodes percent escapes; none when one is malformed or the bytes are not UTF-8.
pub(crate) fn decode_percent(text: &str) -> Option<Cow<'_, str>> {
    let hex = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
    let sound = text.bytes().enumerate().all(|(at, byte)| byte != b'%' || hex(at + 1) && hex(at + 2));
    if sound { percent_decode_str(text).decode_utf8().ok() } else { None }
}

/// The beginning of something that was sent, as much as belongs into an error.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(64)]
}

/// A parameter's name: `filter[uid][]` has the base `filter` and the keys `uid` and the empty one.
struct Name<'a> {
    base: &'a str,
    keys: Vec<&'a str>,
}

impl<'a> Name<'a> {
    /// `filter[created_at][from]` has two keys; with a third, nothing here means anything.
    const MOST_KEYS: usize = 2;

    /// Takes a name apart whose base has a meaning; the keys of any other do not matter.
    fn split(name: &'a str, known: &[&str]) -> Result<Self, ValidationError> {
        let (base, rest) = name.find('[').map_or((name, ""), |at| name.split_at(at));
        let mut keys = Vec::new();
        if !known.contains(&base) || rest.is_empty() {
            return Ok(Self { base, keys });
        }
        let mut rest = rest;
        while !rest.is_empty() {
            let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let Some((key, after)) = inner.filter(|(key, _)| !key.contains('[')) else {
                let detail = "the brackets do not match; write them as in filter[uid][]=...";
                return Err(ValidationError::new(code::INVALID_TYPE, dotted(base, &keys), detail));
            };
            keys.push(key);
            if keys.len() > Self::MOST_KEYS {
                let detail = "no parameter has so many keys in brackets";
                return Err(ValidationError::new(code::INVALID_TYPE, dotted(base, &keys), detail));
            }
            rest = after;
        }
        Ok(Self { base, keys })
    }
}

fn dotted(base: &str, keys: &[&str]) -> String {
    let mut path = base.to_owned();
    for key in keys {
        path.push('.');
        path.push_str(shown(key));
    }
    path
}

/// A parameter that may be given once.
struct Once<T> {
    value: Option<T>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { value: None }
    }
}

impl<T> Once<T> {
    fn set(&mut self, path: &str, value: T) -> Result<(), ValidationError> {
        if self.value.replace(value).is_some() {
            return Err(ValidationError::new(code::INVALID_TYPE, path, "given more than once; give it once"));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Paging {
    page: Once<u64>,
    limit: Once<u64>,
}

impl Paging {
    fn read(&mut self, name: &Name<'_>, value: &str) -> Result<(), ValidationError> {
        let slot = match name.base {
            "page" => &mut self.page,
            "limit" => &mut self.limit,
            _ => return Ok(()),
        };
        if !name.keys.is_empty() {
            let path = dotted(name.base, &name.keys);
            return Err(ValidationError::new(code::INVALID_TYPE, path, "one number is due, not a list"));
        }
        slot.set(name.base, count(name.base, value)?)
    }

    fn request(&self) -> PageRequest {
        let size = self.limit.value.unwrap_or(u64::from(DEFAULT_PAGE_SIZE)).min(u64::from(MAX_PAGE_SIZE_V4));
        let size = u32::try_from(size).expect("250 at most");
        PageRequest::new(self.page.value.unwrap_or(1), size).expect("neither is 0")
    }
}

/// A whole number from 1; more than 64 bits hold is as far past every end as what they hold.
fn count(path: &str, value: &str) -> Result<u64, ValidationError> {
    let whole = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse().unwrap_or(u64::MAX) {
        0 if whole => {
            Err(ValidationError::new(code::OUT_OF_RANGE, path, "a whole number from 1 is due, not 0"))
        }
        number if whole => Ok(number),
        _ => Err(ValidationError::new(code::INVALID_TYPE, path, "a whole number from 1 is due")),
    }
}

/// Reads `order[created_at]=asc`. A bare `order=asc`, which one client sends, orders by `created_at`; an empty
/// `order=` asks for nothing.
fn read_order(keys: &[&str], value: &str, order: &mut Once<Order>) -> Result<(), ValidationError> {
    let key = match keys {
        [] if value.is_empty() => return Ok(()),
        [] | ["created_at"] => OrderKey::CreatedAt,
        ["updated_at"] => OrderKey::UpdatedAt,
        _ => {
            let detail = "a list can be ordered by order[created_at] or order[updated_at]";
            return Err(ValidationError::new(code::UNKNOWN_FIELD, dotted("order", keys), detail));
        }
    };
    let direction = if value.eq_ignore_ascii_case("asc") {
        Direction::Ascending
    } else if value.eq_ignore_ascii_case("desc") {
        Direction::Descending
    } else {
        let detail = "asc or desc is due";
        return Err(ValidationError::new(code::NOT_SUPPORTED_CHOICE, dotted("order", keys), detail));
    };
    order.set("order", Order { key, direction })
}

/// The parameters inside of `filter`.
#[derive(Default)]
struct Filter {
    uids: Many<Uid>,
    categories: Many<Category>,
    pipelines: Many<PipelineId>,
    created_at: CreatedAt,
}

impl Filter {
    fn read(&mut self, keys: &[&str], value: &str, known: &[&str]) -> Result<(), ValidationError> {
        let Some((key, rest)) = keys.split_first() else {
            if value.is_empty() {
                return Ok(());
            }
            let detail = format!("a filter has a key in brackets: {}", bracketed(known));
            return Err(ValidationError::new(code::INVALID_TYPE, "filter", detail));
        };
        let path = dotted("filter", keys);
        match *key {
            // A text that cannot be a uid is the uid of nothing.
            "uid" if known.contains(key) => self.uids.add(rest, &path, Uid::new(value).ok()),
            "category" if known.contains(key) => {
                self.categories.add(rest, &path, Some(category(&path, value)?))
            }
            "pipeline_id" if known.contains(key) => {
                self.pipelines.add(rest, &path, Some(pipeline(&path, value)?))
            }
            "created_at" if known.contains(key) => self.created_at.set(rest, &path, moment(&path, value)?),
            _ => {
                let detail = format!("there is no such filter; there are {}", bracketed(known));
                Err(ValidationError::new(code::UNKNOWN_FIELD, path, detail))
            }
        }
    }
}

fn bracketed(known: &[&str]) -> String {
    known.iter().map(|key| format!("filter[{key}]")).collect::<Vec<_>>().join(", ")
}

fn category(path: &str, value: &str) -> Result<Category, ValidationError> {
    Category::from_name(value).ok_or_else(|| {
        let detail = "one of sip, forms, chats, mail is due";
        ValidationError::new(code::NOT_SUPPORTED_CHOICE, path, detail)
    })
}

fn pipeline(path: &str, value: &str) -> Result<PipelineId, ValidationError> {
    let number = digits(value).ok_or_else(|| {
        ValidationError::new(code::INVALID_TYPE, path, "the id of a pipeline is due: a whole number")
    })?;
    PipelineId::new(number).map_err(|error| ValidationError::new(code::OUT_OF_RANGE, path, error.to_string()))
}

fn moment(path: &str, value: &str) -> Result<Moment, ValidationError> {
    let detail = "a moment in Unix seconds is due: a whole number from 0";
    let secs = digits(value).ok_or_else(|| ValidationError::new(code::INVALID_TYPE, path, detail))?;
    Moment::from_secs(i64::try_from(secs).unwrap_or(i64::MAX))
        .map_err(|error| ValidationError::new(code::OUT_OF_RANGE, path, error.to_string()))
}

/// A filter that takes one value or a list of them.
struct Many<T> {
    /// None until the filter is given; empty when nothing that was given can exist.
    values: Option<Vec<T>>,
    seen: HashSet<T>,
    is_list: bool,
}

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self { values: None, seen: HashSet::new(), is_list: false }
    }
}

impl<T: Clone + Eq + Hash> Many<T> {
    fn add(&mut self, index: &[&str], path: &str, value: Option<T>) -> Result<(), ValidationError> {
        let is_list = match index {
            [] => false,
            [index] if index.bytes().all(|byte| byte.is_ascii_digit()) => true,
            _ => {
                let detail = "a list is written with [], or with [0], [1] and so on";
                return Err(ValidationError::new(code::INVALID_TYPE, path, detail));
            }
        };
        if self.values.is_some() && !(is_list && self.is_list) {
            let detail = "given more than once; write a list with []";
            return Err(ValidationError::new(code::INVALID_TYPE, path, detail));
        }
        self.is_list = is_list;
        let values = self.values.get_or_insert_default();
        if let Some(value) = value.filter(|value| self.seen.insert(value.clone())) {
            if values.len() == MAX_NAMED_UIDS {
                let detail = format!("at most {MAX_NAMED_UIDS} different ones can be asked for at once");
                return Err(ValidationError::new(code::TOO_MANY, path, detail));
            }
            values.push(value);
        }
        Ok(())
    }
}

/// `filter[created_at]=ts`, or `[from]` and `[to]`.
#[derive(Default)]
struct CreatedAt {
    since: Once<Moment>,
    from: Once<Moment>,
    to: Once<Moment>,
}

impl CreatedAt {
    fn set(&mut self, keys: &[&str], path: &str, moment: Moment) -> Result<(), ValidationError> {
        match keys {
            [] => self.since.set(path, moment),
            ["from"] => self.from.set(path, moment),
            ["to"] => self.to.set(path, moment),
            _ => {
                let detail =
                    "there are filter[created_at], or filter[created_at][from] and filter[created_at][to]";
                Err(ValidationError::new(code::UNKNOWN_FIELD, path, detail))
            }
        }
    }

    fn window(self) -> Result<Window, ValidationError> {
        let path = "filter.created_at";
        match (self.since.value, self.from.value, self.to.value) {
            (None, from, to) => Window::new(from.unwrap_or(Moment::MIN), to.unwrap_or(Moment::MAX))
                .map_err(|error| ValidationError::new(code::OUT_OF_RANGE, path, error.to_string())),
            (Some(since), None, None) => Ok(Window::since(since)),
            _ => {
                let detail = "given both as one moment and as from and to; give one of them";
                Err(ValidationError::new(code::INVALID_TYPE, path, detail))
            }
        }
    }
}

/// A query string that is being written; nothing in it needs an escape in JSON.
#[derive(Default)]
struct Query(String);

impl Query {
    fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        for (end, text) in [("=", name), ("", value)] {
            self.0.extend(utf8_percent_encode(text, &PLAIN));
            self.0.push_str(end);
        }
    }

    fn page(&mut self, page: PageRequest) {
        self.push("page", &page.number().to_string());
        self.push("limit", &page.size().to_string());
    }

    /// One value as a scalar, more as a list; none when it is to match nothing.
    fn some_of(&mut self, name: &str, values: Option<&[impl fmt::Display]>) -> Option<()> {
        match values {
            Some([one]) => {
                self.push(name, &one.to_string());
                Some(())
            }
            values => self.list_of(name, values),
        }
    }

    /// A list; none when it is to match nothing.
    fn list_of(&mut self, name: &str, values: Option<&[impl fmt::Display]>) -> Option<()> {
        let Some(values) = values else { return Some(()) };
        for (index, value) in values.iter().enumerate() {
            self.push(&format!("{name}[{index}]"), &value.to_string());
        }
        (!values.is_empty()).then_some(())
    }
}

/// Everything but letters, digits, `_`, `-` and `.` is escaped.
const PLAIN: percent_encoding::AsciiSet = NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');
