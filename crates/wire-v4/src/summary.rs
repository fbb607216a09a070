//! `GET /api/v4/leads/unsorted/summary`: counts of a window of time.

use std::fmt;

use http::{Request, Response};
use incoming_leads_model::{Category, Summary, SummaryQuery};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::convert::required;
use crate::document::{Whole, document};
use crate::message::{Failure, TooLongToAsk, ok, question, success};
use crate::problem::Problem;
use crate::query;
use crate::write::Origin;

pub(crate) const PATH: &str = "/api/v4/leads/unsorted/summary";

/// Server: reads the question.
///
/// # Errors
/// 400 with the parameter that is wrong.
pub fn read_request<B>(request: &Request<B>) -> Result<SummaryQuery, Problem> {
    Ok(query::read_summary(request.uri().query().unwrap_or_default())?)
}

/// Client: asks. None when nothing can match, so that nothing is to be asked.
///
/// # Errors
/// [`TooLongToAsk`] when so many uids are named that the address would be too long.
pub fn request(query: &SummaryQuery, origin: &Origin) -> Result<Option<Request<Vec<u8>>>, TooLongToAsk> {
    query::write_summary(query).map(|query| question(origin, PATH, &query)).transpose()
}

/// Server: answers, with all four categories. What is not told is 0: a client fails on null.
#[must_use]
pub fn response(summary: &Summary, origin: &Origin) -> Response<Vec<u8>> {
    let Summary { total, categories, accepted, declined, linked: _, average_sort_time_secs } = summary;
    ok(origin, |w| {
        w.object(|w| {
            w.field("total", *total);
            w.field("accepted", *accepted);
            w.field("declined", declined.unwrap_or(0));
            w.field("average_sort_time", *average_sort_time_secs);
            w.key("categories");
            w.object(|w| {
                for category in [Category::Sip, Category::Mail, Category::Forms, Category::Chats] {
                    w.key(category.as_str());
                    w.object(|w| w.field("total", categories[category.index()]));
                }
            });
        });
    })
}

document! {
    struct SummaryDocument {
        "total" => total: Whole,
        "accepted" => accepted: Whole,
        "declined" => declined: Whole,
        "average_sort_time" => average_sort_time: Whole,
        "categories" => categories: CategoriesDocument,
    }
}

document! {
    struct CategoriesDocument {
        "sip" => sip: CountDocument,
        "forms" => forms: CountDocument,
        "chats" => chats: CountDocument,
        "mail" => mail: CountDocument,
    }
}

document! {
    struct TotalDocument {
        "total" => total: Whole,
    }
}

/// `{"total":7}`, or 7 alone.
#[derive(Clone, Copy, Debug, Default)]
struct CountDocument(u64);

impl<'de> Deserialize<'de> for CountDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = CountDocument;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a total, or a whole number")
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<CountDocument, E> {
                Ok(CountDocument(count))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<CountDocument, A::Error> {
                crate::json::empty_list(list)
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, object: A) -> Result<CountDocument, A::Error> {
                let TotalDocument { total } =
                    TotalDocument::deserialize(serde::de::value::MapAccessDeserializer::new(object))?;
                Ok(CountDocument(total.map_or(0, |Whole(total)| total)))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// Client: reads the answer. A category that is absent has none; links are not told.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_response<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Summary, Failure> {
    let body = success(response)?.ok_or_else(|| Failure::Status(response.status()))?;
    let SummaryDocument { total, accepted, declined, average_sort_time, categories } =
        crate::json::decode(body)?;
    let CategoriesDocument { sip, forms, chats, mail } = categories.unwrap_or_default();
    let mut counts = [0; 4];
    for (category, count) in
        [(Category::Sip, sip), (Category::Forms, forms), (Category::Chats, chats), (Category::Mail, mail)]
    {
        counts[category.index()] = count.unwrap_or_default().0;
    }
    Ok(Summary {
        total: required("total", total)?.0,
        categories: counts,
        accepted: required("accepted", accepted)?.0,
        declined: declined.map(|Whole(count)| count),
        linked: None,
        average_sort_time_secs: average_sort_time.map_or(0, |Whole(secs)| secs),
    })
}
