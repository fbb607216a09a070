//! The page for people is read by a person before it is accepted.

use incoming_leads_model::lifecycle::table;

#[test]
fn page_of_the_lifecycle() {
    insta::assert_snapshot!(table::markdown());
}
