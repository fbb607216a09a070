//! Grants: what a token of single use buys, and what documents may say of credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use incoming_leads_model::document::{self, Line, Secret, Token};
use incoming_leads_model::grant::{
    Bought, Due, GRACE_SECS, Grant, Next, REFRESH_SECS, Shown, Spent, Stranger, Worthless,
};
use incoming_leads_model::*;

use crate::world::*;

fn hex(digit: &str) -> String {
    digit.repeat(64)
}

fn integration() -> Integration {
    Integration {
        client_id: "c".to_owned(),
        secret: Secret::Sha256(hex("9")),
        redirect_uri: "https://example.com".to_owned(),
        name: "Website".to_owned(),
    }
}

fn code() -> Grant {
    Grant {
        id: "g".to_owned(),
        account_id: id(7),
        user_id: id(SORTER),
        client_id: "c".to_owned(),
        due: Due::Code,
        secret: Secret::Sha256(hex("a")),
        expires_at: at(100),
        spent: None,
    }
}

/// A grant whose code was spent at this moment.
fn spent(secs: i64) -> Grant {
    match spend(&code(), Due::Code, "a", secs) {
        Ok(Bought::Next(grant)) => grant,
        other => panic!("{other:?}"),
    }
}

fn spend(grant: &Grant, kind: Due, digit: &str, secs: i64) -> Result<Bought, Worthless> {
    let shown = Shown { client_id: "c", kind, digest: &hex(digit) };
    let next = Next { digest: hex("b"), nonce: "n".to_owned() };
    grant.spend(shown, next, at(secs), GRACE_SECS)
}

#[test]
fn a_code_buys_a_refresh_token_that_lives_for_three_months() {
    let grant = spent(50);
    let was = Spent { kind: Due::Code, secret: Secret::Sha256(hex("a")), at: at(50), nonce: "n".to_owned() };
    let expected = Grant {
        due: Due::Refresh,
        secret: Secret::Sha256(hex("b")),
        expires_at: at(50 + i64::from(REFRESH_SECS)),
        spent: Some(was),
        ..code()
    };
    assert_eq!(grant, expected);
    assert_eq!(REFRESH_SECS, 7_776_000);
}

#[test]
fn a_token_is_good_until_it_expires() {
    assert!(matches!(spend(&code(), Due::Code, "a", 99), Ok(Bought::Next(_))));
    assert_eq!(spend(&code(), Due::Code, "a", 100), Err(Worthless::Expired));
    let end = 50 + i64::from(REFRESH_SECS);
    assert!(matches!(spend(&spent(50), Due::Refresh, "b", end - 1), Ok(Bought::Next(_))));
    assert_eq!(spend(&spent(50), Due::Refresh, "b", end), Err(Worthless::Expired));
}

#[test]
fn a_spent_token_buys_the_same_again_for_a_short_while() {
    let grant = spent(50);
    assert_eq!(spend(&grant, Due::Code, "a", 109), Ok(Bought::Again(grant.spent.clone().unwrap())));
    assert_eq!(spend(&grant, Due::Code, "a", 110), Err(Worthless::Reused));
    let shown = Shown { client_id: "c", kind: Due::Code, digest: &hex("a") };
    let next = Next { digest: hex("d"), nonce: "m".to_owned() };
    assert_eq!(grant.spend(shown, next, at(50), 0), Err(Worthless::Reused), "without a grace");
}

#[test]
fn a_token_is_taken_for_what_it_is_and_from_whom_it_was_given_to() {
    assert_eq!(spend(&code(), Due::Refresh, "a", 1), Err(Worthless::Unknown));
    assert_eq!(spend(&code(), Due::Code, "b", 1), Err(Worthless::Unknown));
    assert_eq!(spend(&spent(50), Due::Refresh, "a", 51), Err(Worthless::Unknown));
    assert_eq!(spend(&spent(50), Due::Code, "b", 51), Err(Worthless::Unknown));
    assert!(spend(&code(), Due::Code, "A", 1).is_ok(), "hex digits of either case");
    let next = || Next { digest: hex("b"), nonce: "n".to_owned() };
    let shown = Shown { client_id: "d", kind: Due::Code, digest: &hex("a") };
    assert_eq!(code().spend(shown, next(), at(1), 0), Err(Worthless::Foreign));
    let plain = Grant { secret: Secret::Plain(hex("a")), ..code() };
    assert_eq!(spend(&plain, Due::Code, "a", 1), Err(Worthless::Unknown));
}

#[test]
fn the_token_that_is_due_is_told_from_others() {
    assert!(code().awaits(Due::Code, &hex("a"), at(99)));
    assert!(!code().awaits(Due::Code, &hex("a"), at(100)), "too late");
    assert!(!code().awaits(Due::Code, &hex("b"), at(99)));
    assert!(!code().awaits(Due::Refresh, &hex("a"), at(99)));
    assert!(!spent(50).awaits(Due::Code, &hex("a"), at(51)), "spent");
}

#[test]
fn a_token_begins_with_the_id_of_its_grant() {
    assert_eq!(Grant::id_of("g.1.2"), Some("g"));
    assert_eq!(Grant::id_of("g"), None);
}

#[test]
fn a_token_lets_in_until_it_expires() {
    let token = Token::bearer(id(7), id(SORTER), Secret::Sha256(hex("a")));
    assert!(token.is_live(Moment::MAX));
    let token = Token { expires_at: Some(at(10)), ..token };
    assert!(token.is_live(at(9)) && !token.is_live(at(10)));
}

#[test]
fn kinds_of_tokens_are_named_as_the_document_names_them() {
    use document::TokenKind::{ApiKey, Bearer, Session};
    for kind in [Bearer, ApiKey, Session] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        let token = Token { kind, ..Token::bearer(id(7), id(SORTER), Secret::Sha256(hex("a"))) };
        assert_eq!(serde_json::to_string(&token).unwrap().contains("kind"), kind != Bearer);
    }
}

#[test]
fn later_moments_end_with_the_last_one() {
    assert_eq!(at(1).plus_secs(2), at(3));
    assert_eq!(Moment::MAX.plus_secs(0), Moment::MAX);
    assert_eq!(Moment::MAX.plus_secs(1), Moment::MAX);
}

fn with_integration() -> Line {
    Line::Account(Box::new(Layout { integrations: vec![integration()], ..layout() }))
}

#[track_caller]
fn check(lines: &[Line], expected: Result<(), (usize, &str)>) {
    let checked = document::check(lines, &BTreeMap::new());
    let checked = checked.map_err(|misfit| (misfit.line, misfit.to_string()));
    assert_eq!(checked, expected.map_err(|(line, what)| (line, what.to_owned())));
}

#[test]
fn credentials_of_a_document_are_digests_of_those_who_are_there() {
    let token = Token::bearer(id(7), id(SORTER), Secret::Sha256(hex("a")));
    let fitting = [with_integration(), Line::Token(token.clone()), Line::Grant(spent(1))];
    check(&fitting, Ok(()));
    let wrong = |line: Line, what: &str| check(&[with_integration(), line], Err((1, what)));
    let plain = || Secret::Plain("hush".to_owned());
    let short = || Secret::Sha256("a".repeat(63));
    let odd = || Secret::Sha256("g".repeat(64));
    wrong(
        Line::Token(Token { user_id: id(77), ..token.clone() }),
        "a token is of user 77, whom account 7 does not have",
    );
    wrong(
        Line::Token(Token { secret: plain(), ..token.clone() }),
        "a token is plain; whoever reads the document hashes it",
    );
    wrong(
        Line::Token(Token { secret: short(), ..token.clone() }),
        "a token has a digest that is not 64 hex digits",
    );
    wrong(Line::Token(Token { secret: odd(), ..token }), "a token has a digest that is not 64 hex digits");
    wrong(
        Line::Grant(Grant { user_id: id(77), ..code() }),
        "a grant is of user 77, whom account 7 does not have",
    );
    wrong(
        Line::Grant(Grant { client_id: "d".to_owned(), ..code() }),
        "a grant is of integration d, which account 7 does not have",
    );
    wrong(
        Line::Grant(Grant { secret: plain(), ..code() }),
        "a grant is plain; whoever reads the document hashes it",
    );
    let grant = spent(1);
    let spent = grant.spent.clone().map(|spent| Spent { secret: odd(), ..spent });
    wrong(Line::Grant(Grant { spent, ..grant }), "a grant has a digest that is not 64 hex digits");
}

#[test]
fn integrations_of_a_document_are_told_once_and_hashed() {
    let account = |integrations| vec![Line::Account(Box::new(Layout { integrations, ..layout() }))];
    check(&account(vec![integration(), integration()]), Err((0, "integration c is told twice")));
    let plain = Integration { secret: Secret::Plain("hush".to_owned()), ..integration() };
    let what = "the secret of integration c is plain; whoever reads the document hashes it";
    check(&account(vec![plain]), Err((0, what)));
    let other = Integration { client_id: "d".to_owned(), ..integration() };
    check(&account(vec![integration(), other]), Ok(()));
}

#[test]
fn lines_are_of_accounts_that_are_told_or_known() {
    let tag = Line::Tag(document::Of { account_id: id(7), row: Tag { id: id(1), name: "t".to_owned() } });
    let header = |version| Line::Header { version, ids: None };
    check(&[header(2)], Err((0, "the document is of version 2, 1 is read")));
    check(&[header(1), tag.clone()], Err((1, "a line is of account 7, of which no line told before")));
    check(&[header(1), with_integration(), tag.clone()], Ok(()));
    assert_eq!(document::accounts(&[header(1), tag.clone()]), [id(7)].into());
    let known = BTreeMap::from([(id(7), Arc::new(layout()))]);
    assert_eq!(document::check(std::slice::from_ref(&tag), &known), Ok(()));
    let grant = Line::Grant(code());
    assert!(document::check(std::slice::from_ref(&grant), &known).is_err(), "known without the integration");
    assert!(document::check(&[with_integration(), grant], &known).is_ok(), "what is told counts");
}

#[test]
fn every_line_but_the_header_is_of_an_account() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..200 {
        let line = crate::arbitrary::line().new_tree(&mut runner).unwrap().current();
        let told = line.account_id().map(|account| format!("{account}"));
        let text = serde_json::to_string(&line).unwrap();
        match told {
            None => assert!(matches!(line, Line::Header { .. })),
            Some(account) => assert!(text.contains(&account), "{text}"),
        }
    }
}

#[test]
fn an_integration_is_known_by_its_secret_and_acts_for_active_users() {
    let layout = Layout { integrations: vec![integration()], ..layout() };
    let admit = |client: &str, digit: &str, uri| code().admit(&layout, client, &hex(digit), uri);
    assert_eq!(admit("c", "9", None), Ok(()));
    assert_eq!(admit("c", "9", Some("https://example.com")), Ok(()));
    assert_eq!(admit("d", "9", None), Err(Stranger::Integration));
    assert_eq!(admit("c", "8", None), Err(Stranger::Secret));
    assert_eq!(admit("c", "9", Some("https://example.com/")), Err(Stranger::RedirectUri));
    for user_id in [LEFT, 77] {
        let grant = Grant { user_id: id(user_id), ..code() };
        assert_eq!(grant.admit(&layout, "c", &hex("9"), None), Err(Stranger::User));
    }
}
