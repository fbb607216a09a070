//! Small steps from what a document holds to what the model holds, each naming the key that does not fit.

use incoming_leads_model::Moment;
use incoming_leads_model::id::InvalidId;

use crate::document::{Few, Text, Whole};
use crate::problem::{ValidationError, code};

pub(crate) fn text(text: Option<Text>) -> Option<String> {
    text.map(|Text(text)| text)
}

/// A moment in Unix seconds, UTC.
pub(crate) fn moment(key: &str, secs: Option<Whole>) -> Result<Option<Moment>, ValidationError> {
    let Some(Whole(secs)) = secs else { return Ok(None) };
    let secs = i64::try_from(secs).unwrap_or(i64::MAX);
    Moment::from_secs(secs)
        .map(Some)
        .map_err(|error| ValidationError::new(code::OUT_OF_RANGE, key, error.to_string()))
}

/// An id.
pub(crate) fn id<I: TryFrom<u64, Error = InvalidId>>(
    key: &str,
    number: Option<Whole>,
) -> Result<Option<I>, ValidationError> {
    let id = number.map(|Whole(number)| I::try_from(number)).transpose();
    id.map_err(|error| ValidationError::new(code::OUT_OF_RANGE, key, error.to_string()))
}

/// An id, where 0 stands for nobody.
pub(crate) fn id_or_zero<I: TryFrom<u64, Error = InvalidId>>(
    key: &str,
    number: Option<Whole>,
) -> Result<Option<I>, ValidationError> {
    id(key, number.filter(|number| *number != Whole(0)))
}

/// Something that has to be there.
pub(crate) fn required<T>(key: &str, value: Option<T>) -> Result<T, ValidationError> {
    value.ok_or_else(|| ValidationError::new(code::FIELD_MISSING, key, "This field is missing."))
}

/// The members of a list, each converted; an error names the member's place.
pub(crate) fn each<D, T>(
    key: &str,
    documents: Option<Vec<D>>,
    convert: impl Fn(D) -> Result<T, ValidationError>,
) -> Result<Vec<T>, ValidationError> {
    let documents = documents.unwrap_or_default().into_iter().enumerate();
    documents
        .map(|(place, document)| convert(document).map_err(|e| e.within(&format!("{key}.{place}"))))
        .collect()
}

/// The members of a bounded list, each converted.
pub(crate) fn few<D, T>(
    key: &str,
    documents: Option<Few<D>>,
    convert: impl Fn(D) -> Result<T, ValidationError>,
) -> Result<Vec<T>, ValidationError> {
    each(key, documents.map(|Few { kept, total: _ }| kept), convert)
}
