//! Each rule by name: R1 to R6, R15 and R16 in `coming`, R7 to R11 in `deciding`, R12 to R14 in `asking`.

mod asking;
mod coming;
mod deciding;

use incoming_leads_model::{Fault, Refusal};

/// Paths and codes.
fn places(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{}: {}", fault.path, fault.code.as_str())).collect()
}

#[track_caller]
fn check(refusal: &Refusal, expected: &[&str]) {
    match refusal {
        Refusal::Invalid(faults) => assert_eq!(places(faults), expected),
        other => panic!("{other:?}"),
    }
}
