//! What an operator may set up.

use incoming_leads_model::document::Secret;
use incoming_leads_model::setup::{Unfit, check};
use incoming_leads_model::*;

use crate::world::*;

/// What is told of a change of the account.
pub(crate) fn changed(change: impl FnOnce(&mut Layout)) -> Result<(), Unfit> {
    let old = layout();
    let mut new = old.clone();
    change(&mut new);
    check(&new, Some(&old))
}

pub(crate) fn integration(redirect_uri: &str) -> impl FnOnce(&mut Layout) {
    let redirect_uri = redirect_uri.to_owned();
    let secret = Secret::Sha256("0".repeat(64));
    move |layout| {
        let name = "Site".to_owned();
        layout.integrations.push(Integration { client_id: "c".to_owned(), secret, redirect_uri, name });
    }
}

#[test]
fn a_sub_domain_is_a_label_that_is_no_number() {
    let renamed = |text: &str| changed(|layout| layout.account.subdomain = text.to_owned());
    for text in ["a", "acme", "acme-2", "2-b", "4ever"] {
        assert_eq!(renamed(text), Ok(()), "{text}");
    }
    for text in ["", " ", "a b", "A.B", "ACME", "a.b", "-x", "x-", "a\nb", "1", "1-2", "ä"] {
        assert_eq!(renamed(text), Err(Unfit::Subdomain), "{text:?}");
    }
}

#[test]
fn a_name_can_be_shown() {
    for text in ["Müller & Söhne", " a ", "李"] {
        assert_eq!(changed(|layout| layout.account.name = text.to_owned()), Ok(()), "{text}");
    }
    for text in ["", " ", "a\u{1b}[31m", "a\nb", "\u{9b}31m"] {
        let unfit = |what| Err(Unfit::Name(what));
        assert_eq!(changed(|layout| layout.account.name = text.to_owned()), unfit("an account"), "{text:?}");
        assert_eq!(changed(|layout| layout.users[0].name = text.to_owned()), unfit("a user"), "{text:?}");
        let added = changed(|layout| {
            integration("https://example.com")(layout);
            layout.integrations[0].name = text.to_owned();
        });
        assert_eq!(added, unfit("an integration"), "{text:?}");
    }
}

#[test]
fn an_e_mail_address_is_one_and_of_one_user() {
    let renamed = |text: &str| changed(|layout| layout.users[0].email = text.to_owned());
    for text in ["ann@example.com", "Ann.O'Hara+x@localhost", "李@例え.jp"] {
        assert_eq!(renamed(text), Ok(()), "{text}");
    }
    for text in ["", "@", "ann", "ann@", "@example.com", "a@b@c", "a b@c", "a@b\n", "a@\u{7f}"] {
        assert_eq!(renamed(text), Err(Unfit::Email), "{text:?}");
    }
    assert_eq!(renamed("A@Example.com"), Err(Unfit::EmailTaken("A@Example.com".to_owned())));
}

#[test]
fn what_was_there_before_is_left_as_it_is() {
    // All users have one address here, as a document may bring them.
    let switched = changed(|layout| layout.users.iter_mut().for_each(|user| user.is_active = false));
    assert_eq!(switched, Ok(()));
    assert!(check(&layout(), None).is_err());
}

#[test]
fn users_are_sent_back_over_tls_or_to_their_own_machine() {
    for uri in [
        "https://example.com",
        "https://example.com:8443/back?from=leads",
        "http://localhost:8080/back",
        "http://127.0.0.1",
        "http://[::1]:1/",
    ] {
        assert_eq!(changed(integration(uri)), Ok(()), "{uri}");
    }
    for uri in [
        "",
        "javascript:alert(1)",
        "javascript://localhost/%0aalert(1)",
        "example.com",
        "https://",
        "https:///back",
        "https://:443/",
        "https://example.com/#back",
        "https://example.com/a b",
        "http://example.com",
        "http://localhost.example.com",
        "http://localhost@example.com",
        "http://[::1]@example.com",
        "http://[::2]",
        "http://127.0.0.1\\@example.com",
    ] {
        assert_eq!(changed(integration(uri)), Err(Unfit::RedirectUri), "{uri}");
    }
}

#[test]
fn ids_leave_room() {
    let moved = |id: u64| changed(|layout| layout.account.id = AccountId::new(id).unwrap());
    assert_eq!(moved(Floor::HIGHEST), Ok(()));
    assert_eq!(moved(Floor::HIGHEST + 1), Err(Unfit::Id));
    let added = changed(|layout| {
        let id = UserId::new(Floor::HIGHEST + 1).unwrap();
        layout.users.push(User { id, email: "b@example.com".to_owned(), ..layout.users[0].clone() });
    });
    assert_eq!(added, Err(Unfit::Id));
}
