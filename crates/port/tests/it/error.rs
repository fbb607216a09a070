//! The error: kinds, outcomes, what it tells people.

use std::error::Error as _;
use std::time::Duration;

use incoming_leads_model::{Fault, FaultCode, Path, Refusal, Right, Uid};
use incoming_leads_port::{Error, ErrorKind, Operation, Outcome};

#[test]
fn refusals_surely_took_no_effect_and_are_not_retried() {
    let fault = Fault::new(FaultCode::NotSupportedChoice, Path::of("status_id"), "5 is no status");
    let cases = [
        (Refusal::Forbidden(Right::Sort), ErrorKind::Forbidden),
        (Refusal::NotFound(Uid::new("x").unwrap()), ErrorKind::NotFound),
        (Refusal::Invalid(vec![fault]), ErrorKind::Invalid),
        (Refusal::Items(Vec::new()), ErrorKind::Invalid),
    ];
    for (refusal, kind) in cases {
        let error = Error::refused(Operation::Accept, refusal.clone());
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotApplied));
        assert_eq!(error.refusal(), Some(&refusal));
        assert!(!error.is_retryable());
    }
}

#[test]
fn a_write_without_an_answer_has_an_unknown_outcome() {
    for kind in [ErrorKind::Timeout, ErrorKind::Unavailable, ErrorKind::Unexpected, ErrorKind::Damaged] {
        for write in
            [Operation::Add, Operation::Accept, Operation::Decline, Operation::Link, Operation::TakeIn]
        {
            let error = Error::new(kind, write);
            assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
            assert!(!error.is_retryable(), "{error:?}");
        }
        for read in
            [Operation::List, Operation::Get, Operation::Summary, Operation::Directory, Operation::History]
        {
            assert_eq!(Error::new(kind, read).outcome(), Outcome::NotApplied);
        }
    }
}

#[test]
fn a_write_that_surely_did_not_arrive_may_be_retried() {
    let error = Error::new(ErrorKind::Unavailable, Operation::Add).with_outcome(Outcome::NotApplied);
    assert!(error.is_retryable());
    assert!(Error::new(ErrorKind::RateLimited, Operation::Add).is_retryable());
}

#[test]
fn display_fits_behind_failed_to_and_does_not_repeat_the_source() {
    let error = Error::new(ErrorKind::Unavailable, Operation::Add)
        .with_source(std::io::Error::other("connection refused"))
        .with_retry_after(Duration::from_secs(3));
    assert_eq!(error.to_string(), "add incoming leads: the other side is not available");
    assert_eq!(error.source().unwrap().to_string(), "connection refused");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
    let error = Error::new(ErrorKind::Unsupported, Operation::Get).with_detail("v2 has no way to get one");
    assert_eq!(error.to_string(), "get an incoming lead: v2 has no way to get one");
    let error = Error::refused(Operation::Link, Refusal::Forbidden(Right::Administrate));
    assert_eq!(error.to_string(), "link an incoming lead: the right to administrate is missing");
}
