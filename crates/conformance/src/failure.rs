//! What a case says when an adapter does not do what the rule says.

use std::collections::BTreeSet;
use std::fmt;

use incoming_leads_model::{Fault, FaultCode, Refusal};
use incoming_leads_port::{Error, ErrorKind, Outcome};

/// How a case ends.
pub type Done = Result<(), Failure>;

/// What was expected, and what came instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What was looked at.
    pub what: String,
    /// What the rule says.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl Failure {
    /// A failure.
    pub fn new(what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), got: got.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, expected, got } = self;
        write!(f, "{what}\n  expected  {expected}\n  got       {got}")
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    /// A call that had to succeed did not.
    fn from(error: Error) -> Self {
        Self::new("a call that the rules allow", "success", format!("{:?}: {error}", error.kind()))
    }
}

/// The two are equal.
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, expected: T, got: T) -> Done {
    if expected == got {
        return Ok(());
    }
    Err(Failure::new(what, format!("{expected:?}"), format!("{got:?}")))
}

/// What was told equals what is expected; what was not told is no failure.
pub(crate) fn told<T: PartialEq + fmt::Debug>(what: &str, expected: T, got: Option<T>) -> Done {
    got.map_or(Ok(()), |got| same(what, expected, got))
}

/// What has to be there.
pub(crate) fn some<T>(what: &str, got: Option<T>) -> Result<T, Failure> {
    got.ok_or_else(|| Failure::new(what, "something", "nothing"))
}

/// It holds.
pub(crate) fn holds(what: &str, it: bool) -> Done {
    if it { Ok(()) } else { Err(Failure::new(what, "yes", "no")) }
}

/// The call fails with this kind of error, and surely without effect.
pub(crate) fn fails<T: fmt::Debug>(kind: ErrorKind, got: Result<T, Error>) -> Result<Error, Failure> {
    let error = match got {
        Ok(answer) => {
            return Err(Failure::new(
                "a call that the rules refuse",
                format!("{kind:?}"),
                format!("{answer:?}"),
            ));
        }
        Err(error) => error,
    };
    same("the kind of error", kind, error.kind())?;
    same("whether the refused call took effect", Outcome::NotApplied, error.outcome())?;
    Ok(error)
}

/// A fault of a command, or with a number of an item, as it is compared: what a sentence says is not.
pub(crate) type Place = (Option<usize>, FaultCode, String);

/// The faults of a refusal, where it is told.
pub(crate) fn places(error: &Error) -> Option<BTreeSet<Place>> {
    let place = |index, fault: &Fault| (index, fault.code, fault.path.to_string());
    match error.refusal()? {
        Refusal::Invalid(faults) => Some(faults.iter().map(|fault| place(None, fault)).collect()),
        Refusal::Items(items) => {
            let faults = items.iter().flat_map(|item| item.faults.iter().map(|fault| (item.index, fault)));
            Some(faults.map(|(index, fault)| place(Some(index), fault)).collect())
        }
        Refusal::Forbidden(_) | Refusal::NotFound(_) => None,
    }
}

/// The call is refused as invalid for exactly these faults of the command; where a transport tells none, for any.
pub(crate) fn faulty<T: fmt::Debug>(expected: &[(FaultCode, &str)], got: Result<T, Error>) -> Done {
    let expected = expected.iter().map(|(code, path)| (None, *code, (*path).to_owned())).collect();
    faulty_at(expected, got).map(drop)
}

/// The add is refused as invalid for exactly these faults of its items.
pub(crate) fn faulty_items<T: fmt::Debug>(
    expected: &[(usize, FaultCode, &str)],
    got: Result<T, Error>,
) -> Result<Error, Failure> {
    let expected = expected.iter().map(|(index, code, path)| (Some(*index), *code, (*path).to_owned()));
    faulty_at(expected.collect(), got)
}

fn faulty_at<T: fmt::Debug>(expected: BTreeSet<Place>, got: Result<T, Error>) -> Result<Error, Failure> {
    let error = fails(ErrorKind::Invalid, got)?;
    told("the faults", expected, places(&error))?;
    Ok(error)
}
