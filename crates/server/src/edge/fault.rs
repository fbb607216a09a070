//! What can be done to a request on purpose.

use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is done to a request or to its answer.
///
/// In JSON the faults without fields are their names (`"reset"`), the others an object with the name as its one key
/// (`{"answer": {"status": 503}}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fault {
    /// Another answer than the routes': an HTML page that names the status, as proxies send, or `body`.
    Answer {
        /// 200 to 599.
        #[serde(with = "status")]
        status: StatusCode,
        /// The body. Default: a small HTML page; none where the status has none (204, 304).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The content type. Default: `text/html`.
        #[serde(default, deserialize_with = "header_value", skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
        /// `Retry-After`, in seconds. Default: none, as the vendor's service sends none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after_secs: Option<u32>,
    },
    /// The routes' answer, so many milliseconds later: the request waits before it is carried out. At most ten minutes.
    Delay {
        /// How long.
        #[serde(deserialize_with = "millis")]
        millis: u64,
    },
    /// The routes' answer, of which only half of the body comes before the connection ends.
    Cut,
    /// The connection is reset without an answer.
    Reset,
    /// The connection ends without a byte of an answer.
    Drop,
    /// A body of blanks that never ends, behind a good head.
    Endless,
    /// A body of so many blanks behind a good head.
    Huge {
        /// How many.
        bytes: u64,
    },
    /// The routes' answer with another content type.
    Retype {
        /// The other content type.
        #[serde(deserialize_with = "required_header_value")]
        content_type: String,
    },
    /// A redirect.
    Redirect {
        /// Where to.
        #[serde(deserialize_with = "required_header_value")]
        to: String,
        /// 300 to 399. Default: 302.
        #[serde(default = "found", with = "redirection")]
        status: StatusCode,
    },
}

impl Fault {
    /// The name, as JSON has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answer { .. } => "answer",
            Self::Delay { .. } => "delay",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::Drop => "drop",
            Self::Endless => "endless",
            Self::Huge { .. } => "huge",
            Self::Retype { .. } => "retype",
            Self::Redirect { .. } => "redirect",
        }
    }

    /// Whether there is no fault without the routes' own answer.
    pub(super) const fn is_of_the_answer(&self) -> bool {
        matches!(self, Self::Delay { .. } | Self::Cut | Self::Retype { .. })
    }
}

/// A fault that strikes a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Struck {
    pub(super) fault: Fault,
    /// Whether the request is carried out all the same.
    pub(super) carry_out: bool,
}

/// The longest delay.
const LONGEST_MILLIS: u64 = 600_000;

fn millis<'de, D: Deserializer<'de>>(input: D) -> Result<u64, D::Error> {
    let millis = u64::deserialize(input)?;
    let is_bearable = millis <= LONGEST_MILLIS;
    is_bearable.then_some(millis).ok_or_else(|| refused("a delay is 0 to 600000 milliseconds"))
}

fn header_value<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    required_header_value(input).map(Some)
}

fn required_header_value<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let text = String::deserialize(input)?;
    match HeaderValue::from_str(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(refused("this goes into a header: visible characters of ASCII are due")),
    }
}

const fn found() -> StatusCode {
    StatusCode::FOUND
}

fn within<'de, D: Deserializer<'de>>(input: D, least: u16, most: u16) -> Result<StatusCode, D::Error> {
    let number = u16::deserialize(input)?;
    let status = StatusCode::from_u16(number).ok().filter(|_| (least..=most).contains(&number));
    status.ok_or_else(|| refused(format_args!("a status of {least} to {most} is due")))
}

fn refused<E: serde::de::Error>(what: impl std::fmt::Display) -> E {
    E::custom(what)
}

mod status {
    use super::{Deserializer, Serializer, StatusCode, within};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    pub(super) fn serialize<S: Serializer>(status: &StatusCode, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<StatusCode, D::Error> {
        within(input, 200, 599)
    }
}

mod redirection {
    pub(super) use super::status::serialize;
    use super::{Deserializer, StatusCode, within};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<StatusCode, D::Error> {
        within(input, 300, 399)
    }
}
