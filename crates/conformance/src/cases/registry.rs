//! The registry: who may come in, and what integrations were allowed (R11). For stores alone.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use incoming_leads_model::document::{Line, Secret, Token, TokenKind};
use incoming_leads_model::grant::{Due, Grant, Spent};
use incoming_leads_model::{AccountId, Layout, ListQuery, Moment, UserId};
use incoming_leads_port::{AccountKey, Digest, Error, ErrorKind, Operation, Principal};

use crate::act::{add, race};
use crate::case::{Case, case};
use crate::drafts::{call, one};
use crate::failure::{Done, Failure, fails, holds, same, some};
use crate::fixture::{ADMINISTRATOR, CLIENT, INACTIVE, SORTER, START, STRANGER, VIEWER};
use crate::subject::{Instance, Store};

pub(super) const CASES: &[Case] = &[
    case!("registry"::token_is_known_by_its_digest, R11, "A token is told, with all of it, by its digest, until it is forgotten.")
        .with_store(),
    case!("registry"::token_of_nobody_is_refused, R11, "A token or grant of a user whom the account does not have is refused.")
        .with_store(),
    case!("registry"::only_active_users_come_in, R11, "Handles are opened for active users of the account alone.")
        .with_store(),
    case!("registry"::token_lets_its_user_in, R11, "A digest is answered with its token and the handles of the token's user, if that one is active.")
        .with_store(),
    case!("registry"::account_is_found_by_id_and_subdomain, R11, "An account is found by its id and by its sub-domain, in letters of either case.")
        .with_store(),
    case!("registry"::subdomain_is_of_one_account, R11, "No account takes the sub-domain of another; one that changes leaves its old one.")
        .with_store(),
    case!("registry"::grant_is_swapped_if_it_stands, R11, "A grant is put in the place of just the grant that is expected there.")
        .with_store(),
    case!("registry"::one_of_two_swaps_wins, R11, "Of several who spend one token at once, just one does.").with_store(),
    case!("registry"::credentials_are_carried_over, R11, "Tokens, integrations and grants stand in the export, after their account and before all else of it, and are taken over.")
        .with_store(),
    case!("registry"::what_lets_nobody_in_is_refused, R11, "A plain secret, and a grant of an unknown integration, are refused.")
        .with_store(),
    case!("registry"::what_has_expired_is_forgotten, R11, "With each token that is kept, some of those that have expired are forgotten.")
        .with_store()
        .with_clock(),
];

fn store(on: &Instance) -> Result<&Arc<dyn Store>, Failure> {
    some("the store", on.store.as_ref())
}

fn at(secs: i64) -> Moment {
    Moment::from_secs(START.secs() + secs).expect("the moment is in range")
}

/// A digest that no other account's token has: others may be under the same roof.
fn digest(on: &Instance, number: u8) -> Digest {
    let mut bytes = [number; 32];
    bytes[..8].copy_from_slice(&on.account.get().to_be_bytes());
    Digest(bytes)
}

fn token(on: &Instance, number: u8, user_id: UserId) -> Token {
    Token::bearer(on.account, user_id, Secret::Sha256(digest(on, number).to_hex()))
}

fn grant(on: &Instance, number: u8) -> Grant {
    Grant {
        id: format!("grant-of-{}", on.account),
        account_id: on.account,
        user_id: SORTER,
        client_id: CLIENT.to_owned(),
        due: Due::Code,
        secret: Secret::Sha256(digest(on, number).to_hex()),
        expires_at: at(1000),
        spent: None,
    }
}

async fn layout(on: &Instance, id: AccountId) -> Result<Layout, Failure> {
    let layout = store(on)?.account(AccountKey::Id(id)).await?;
    Ok((*some("the account", layout)?).clone())
}

async fn of_subdomain(on: &Instance, subdomain: &str) -> Result<Option<AccountId>, Failure> {
    let layout = store(on)?.account(AccountKey::Subdomain(subdomain)).await?;
    Ok(layout.map(|layout| layout.account.id))
}

fn nowhere() -> AccountId {
    AccountId::new(1).expect("1 is an id")
}

async fn token_is_known_by_its_digest(on: &Instance) -> Done {
    let store = store(on)?;
    let known = digest(on, 1);
    same("a token that nobody enrolled", None, store.token(&known).await?)?;
    store.enrol(&token(on, 1, SORTER)).await?;
    same("the token", Some(token(on, 1, SORTER)), store.token(&known).await?)?;
    let whole = Token {
        kind: TokenKind::ApiKey,
        name: Some("of the website".to_owned()),
        client_id: Some(CLIENT.to_owned()),
        expires_at: Some(at(60)),
        ..token(on, 1, ADMINISTRATOR)
    };
    store.enrol(&whole).await?;
    same("the one in its place", Some(whole), store.token(&known).await?)?;
    same("another token", None, store.token(&digest(on, 2)).await?)?;
    holds("it was there to forget", store.forget(&known).await?)?;
    same("the forgotten one", None, store.token(&known).await?)?;
    holds("it is not there to forget again", !store.forget(&known).await?)
}

async fn token_lets_its_user_in(on: &Instance) -> Done {
    let store = store(on)?;
    same("nobody's token", None, store.enter(&digest(on, 1)).await?.map(|(token, _)| token))?;
    store.enrol(&token(on, 1, VIEWER)).await?;
    let (told, ports) = some("the token", store.enter(&digest(on, 1)).await?)?;
    same("the token", token(on, 1, VIEWER), told)?;
    let seen = ports.incoming.list(&ListQuery::default()).await?;
    same("what its user sees", on.viewer.incoming.list(&ListQuery::default()).await?, seen)?;
    fails(ErrorKind::Forbidden, ports.incoming.add(&one(call(1))).await)?;
    // What is told of the account is as of the call or later.
    add(&on.sorter, call(2)).await?;
    let (_, ports) = some("the token", store.enter(&digest(on, 1)).await?)?;
    let now = some("versions", on.viewer.versioned.as_ref())?.revision().await?;
    same("the revision", now, some("versions", ports.versioned.as_ref())?.revision().await?)?;
    let later = add(&on.sorter, call(3)).await?;
    let seen = ports.incoming.list(&ListQuery::default()).await?;
    holds("what came later is seen", seen.items.iter().any(|item| item.uid == later.uid))?;
    store.enrol(&token(on, 2, INACTIVE)).await?;
    let refused = store.enter(&digest(on, 2)).await;
    fails(ErrorKind::Unauthorized, refused.map(|entry| entry.map(|(token, _)| token)))?;
    Ok(())
}

async fn token_of_nobody_is_refused(on: &Instance) -> Done {
    let store = store(on)?;
    let elsewhere = Token { account_id: on.foreign_account, ..token(on, 1, SORTER) };
    let nowhere = Token { account_id: nowhere(), ..token(on, 1, SORTER) };
    let plain = Token { secret: Secret::Plain("hush".to_owned()), ..token(on, 1, SORTER) };
    for wrong in [token(on, 1, STRANGER), elsewhere, nowhere, plain] {
        fails(ErrorKind::Invalid, store.enrol(&wrong).await)?;
    }
    same("the token", None, store.token(&digest(on, 1)).await?)?;
    let wrong = Grant { user_id: STRANGER, ..grant(on, 1) };
    let id = &wrong.id;
    fails(ErrorKind::Invalid, store.swap(id, None, Some(&wrong)).await)?;
    fails(ErrorKind::Invalid, store.swap("another", None, Some(&grant(on, 1))).await)?;
    same("the grant", None, store.grant(id).await?)
}

async fn only_active_users_come_in(on: &Instance) -> Done {
    let store = store(on)?;
    for (account_id, user_id) in
        [(on.account, INACTIVE), (on.account, STRANGER), (on.foreign_account, SORTER)]
    {
        fails(ErrorKind::Unauthorized, store.open(Principal { account_id, user_id }).await)?;
    }
    store.open(Principal { account_id: on.account, user_id: SORTER }).await?;
    Ok(())
}

async fn account_is_found_by_id_and_subdomain(on: &Instance) -> Done {
    same("the id", on.account, layout(on, on.account).await?.account.id)?;
    let nobody = AccountKey::Id(nowhere());
    holds("there is no account 1", store(on)?.account(nobody).await?.is_none())?;
    let name = layout(on, on.account).await?.account.subdomain;
    same("by sub-domain", Some(on.account), of_subdomain(on, &name).await?)?;
    same("by sub-domain", Some(on.account), of_subdomain(on, &name.to_uppercase()).await?)?;
    same("by another", None, of_subdomain(on, "nowhere").await?)?;
    let all: Vec<_> = store(on)?.accounts().await?.iter().map(|layout| layout.account.id).collect();
    holds("accounts are told by id", all.is_sorted())?;
    holds("both are told", all.contains(&on.account) && all.contains(&on.foreign_account))
}

async fn subdomain_is_of_one_account(on: &Instance) -> Done {
    let taken = layout(on, on.account).await?.account.subdomain;
    let mut changed = layout(on, on.foreign_account).await?;
    let before = changed.account.subdomain.clone();
    changed.account.subdomain = taken.to_uppercase();
    let imported = store(on)?.import(vec![Line::Account(Box::new(changed.clone()))]).await;
    fails(ErrorKind::Invalid, imported)?;
    same("whose it is", Some(on.account), of_subdomain(on, &taken).await?)?;
    let moved = format!("moved-{before}");
    changed.account.subdomain.clone_from(&moved);
    store(on)?.import(vec![Line::Account(Box::new(changed))]).await?;
    same("the new one", Some(on.foreign_account), of_subdomain(on, &moved).await?)?;
    same("the old one", None, of_subdomain(on, &before).await?)
}

async fn grant_is_swapped_if_it_stands(on: &Instance) -> Done {
    let (store, id) = (store(on)?, &grant(on, 0).id);
    let spent = Spent { kind: Due::Code, secret: grant(on, 1).secret, at: at(1), nonce: "n".to_owned() };
    let (first, second) = (grant(on, 1), Grant { due: Due::Refresh, spent: Some(spent), ..grant(on, 2) });
    same("a grant that nobody gave", None, store.grant(id).await?)?;
    holds("nothing is there to end", !store.swap(id, Some(&first), None).await?)?;
    holds("nothing stood there", store.swap(id, None, Some(&first)).await?)?;
    same("the grant", Some(first.clone()), store.grant(id).await?)?;
    holds("something stands there", !store.swap(id, None, Some(&second)).await?)?;
    holds("another stands there", !store.swap(id, Some(&second), Some(&second)).await?)?;
    holds("it stands there", store.swap(id, Some(&first), Some(&second)).await?)?;
    same("the next", Some(second.clone()), store.grant(id).await?)?;
    holds("it is gone", !store.swap(id, Some(&first), Some(&second)).await?)?;
    holds("the next stands there", store.swap(id, Some(&second), None).await?)?;
    same("the ended grant", None, store.grant(id).await?)
}

async fn one_of_two_swaps_wins(on: &Instance) -> Done {
    let (store, first) = (store(on)?, grant(on, 0));
    holds("nothing stood there", store.swap(&first.id, None, Some(&first)).await?)?;
    let contender = |number| {
        let (store, first, next) = (Arc::clone(store), first.clone(), grant(on, number));
        async move {
            match store.swap(&first.id, Some(&first), Some(&next)).await? {
                true => Ok(()),
                false => Err(Error::new(ErrorKind::NotFound, Operation::Registry)),
            }
        }
    };
    let won = race(ErrorKind::NotFound, (1..=4).map(contender).collect()).await?;
    same("how many won", 1, won)?;
    let stands = store.grant(&first.id).await?;
    holds("the winner's stands there", (1..=4).any(|number| stands == Some(grant(on, number))))
}

async fn credentials_are_carried_over(on: &Instance) -> Done {
    let (store, given) = (store(on)?, grant(on, 7));
    let kept = Token { expires_at: Some(at(60)), name: Some("kept".to_owned()), ..token(on, 1, SORTER) };
    store.enrol(&kept).await?;
    store.swap(&given.id, None, Some(&given)).await?;
    let head: Vec<_> = store.export(Some(on.account)).take(4).try_collect().await?;
    let account = Line::Account(Box::new(layout(on, on.account).await?));
    let header = some("the header", head.first().cloned())?;
    same(
        "the beginning",
        vec![header, account, Line::Token(kept.clone()), Line::Grant(given.clone())],
        head.clone(),
    )?;
    same("the integration", 1, layout(on, on.account).await?.integrations.len())?;
    store.forget(&digest(on, 1)).await?;
    store.swap(&given.id, Some(&given), Some(&grant(on, 8))).await?;
    store.import(head).await?;
    same("the token again", Some(kept), store.token(&digest(on, 1)).await?)?;
    same("the grant again", Some(given.clone()), store.grant(&given.id).await?)
}

async fn what_lets_nobody_in_is_refused(on: &Instance) -> Done {
    let plain = || Secret::Plain("hush".to_owned());
    let mut account = layout(on, on.account).await?;
    account.integrations[0].secret = plain();
    for wrong in [
        Line::Token(Token { secret: plain(), ..token(on, 1, SORTER) }),
        Line::Token(token(on, 1, STRANGER)),
        Line::Grant(Grant { secret: plain(), ..grant(on, 1) }),
        Line::Grant(Grant { user_id: STRANGER, ..grant(on, 1) }),
        Line::Grant(Grant { client_id: "nobody".to_owned(), ..grant(on, 1) }),
        Line::Account(Box::new(account)),
    ] {
        fails(ErrorKind::Invalid, store(on)?.import(vec![wrong]).await)?;
    }
    same("the token", None, store(on)?.token(&digest(on, 1)).await?)
}

async fn what_has_expired_is_forgotten(on: &Instance) -> Done {
    let store = store(on)?;
    let clock = some("the clock", on.clock.as_ref())?;
    for number in 1..=6 {
        let expires_at = Some(at(10 + i64::from(number)));
        store.enrol(&Token { expires_at, ..token(on, number, SORTER) }).await?;
    }
    store.enrol(&Token { expires_at: Some(at(1000)), ..token(on, 7, SORTER) }).await?;
    store.enrol(&token(on, 8, SORTER)).await?;
    clock.set(at(100));
    for number in 10..=12 {
        store.enrol(&Token { expires_at: Some(at(1000)), ..token(on, number, SORTER) }).await?;
    }
    let mut known = Vec::new();
    for number in 1..=12 {
        if store.token(&digest(on, number)).await?.is_some() {
            known.push(number);
        }
    }
    same("those that are kept", vec![7, 8, 10, 11, 12], known)
}
