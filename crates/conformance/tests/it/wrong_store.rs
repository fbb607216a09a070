//! Stores that break what is promised of exports and imports, each caught by the case that names it.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, future};
use incoming_leads_conformance::{Fixture, Instance, Kit, Outcome, Skip, Store, Subject, fixture};
use incoming_leads_memory::Memory;
use incoming_leads_model::document::{Line, Token};
use incoming_leads_model::grant::Grant;
use incoming_leads_model::{AccountId, Layout};
use incoming_leads_port::{AccountKey, Digest, ErrorKind, Ports, Principal, Provision, Registry, Result};

use crate::{case, in_memory, runtime};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    EventsForgotten,
    ItemsForgotten,
    IdsForgotten,
    TokensForgotten,
    AllAccountsTold,
    NothingRefused,
    RefusedInTheMiddle,
    AccountsKept,
    EndsIgnored,
    NothingForgotten,
    SwappedBlindly,
    ExpectedBlindly,
    CaseMatters,
    EnteredAsAnother,
    DecisionsForgotten,
}

const CAUGHT: &[(Plant, &str)] = &[
    (Plant::EventsForgotten, "transfer::a_copy_answers_the_same"),
    (Plant::ItemsForgotten, "transfer::a_copy_goes_on"),
    (Plant::IdsForgotten, "transfer::what_comes_between_two_pieces_stays"),
    (Plant::TokensForgotten, "transfer::credentials_come_along"),
    (Plant::AllAccountsTold, "transfer::an_account_is_told_alone"),
    (Plant::AllAccountsTold, "transfer::an_unknown_account_is_refused"),
    (Plant::NothingRefused, "transfer::documents_that_make_no_sense_are_refused"),
    (Plant::NothingRefused, "transfer::drafts_follow_the_rules"),
    (Plant::RefusedInTheMiddle, "transfer::all_lines_or_none"),
    (Plant::AccountsKept, "transfer::an_account_told_again_is_replaced"),
    (Plant::TokensForgotten, "registry::credentials_are_carried_over"),
    (Plant::NothingRefused, "registry::subdomain_is_of_one_account"),
    (Plant::NothingRefused, "registry::what_lets_nobody_in_is_refused"),
    (Plant::EndsIgnored, "registry::token_is_known_by_its_digest"),
    (Plant::EndsIgnored, "registry::what_has_expired_is_forgotten"),
    (Plant::NothingForgotten, "registry::token_is_known_by_its_digest"),
    (Plant::SwappedBlindly, "registry::grant_is_swapped_if_it_stands"),
    (Plant::SwappedBlindly, "registry::one_of_two_swaps_wins"),
    (Plant::ExpectedBlindly, "transfer::lines_wait_for_what_is_expected"),
    (Plant::ExpectedBlindly, "transfer::one_of_several_changes_holds"),
    (Plant::ExpectedBlindly, "transfer::one_of_several_accounts_is_added"),
    (Plant::DecisionsForgotten, "transfer::what_was_decided_elsewhere_waits_no_longer"),
    (Plant::EnteredAsAnother, "registry::token_lets_its_user_in"),
    (Plant::CaseMatters, "registry::account_is_found_by_id_and_subdomain"),
];

#[test]
fn what_a_store_breaks_is_caught_by_the_case_that_names_it() {
    let runtime = runtime();
    for (plant, id) in CAUGHT {
        let run = |plant| runtime.block_on(Kit::new(WrongStores(plant)).run(case(id)));
        assert_eq!(run(Plant::Nothing), Outcome::Passed, "{id}");
        let outcome = run(*plant);
        assert!(matches!(outcome, Outcome::Failed(_)), "{plant:?} is not caught by {id}: {outcome:?}");
    }
}

#[derive(Debug)]
struct WrongStores(Plant);

#[async_trait]
impl Subject for WrongStores {
    async fn fresh(&self, fixture: &Fixture) -> std::result::Result<Instance, Skip> {
        let mut instance = in_memory(fixture).await;
        let right = instance.store.take().unwrap();
        let plant = self.0;
        instance.store = Some(Arc::new(Wrong { plant, right }));
        Ok(instance.with_another(move || {
            std::future::ready(Ok(Wrong { plant, right: Arc::new(Memory::default()) }))
        }))
    }
}

#[derive(Debug)]
struct Wrong {
    plant: Plant,
    right: Arc<dyn Store>,
}

#[async_trait]
impl Provision for Wrong {
    async fn import(&self, mut lines: Vec<Line>) -> Result<()> {
        if self.plant == Plant::AccountsKept {
            lines.retain(|line| !matches!(line, Line::Account(_)));
        }
        if self.plant == Plant::DecisionsForgotten {
            lines.retain(|line| !matches!(line, Line::Event(event) if event.settles()));
        }
        if self.plant == Plant::RefusedInTheMiddle {
            for line in lines {
                self.right.import(vec![line]).await?;
            }
            return Ok(());
        }
        match self.right.import(lines).await {
            Err(error) if self.plant == Plant::NothingRefused && error.kind() == ErrorKind::Invalid => Ok(()),
            imported => imported,
        }
    }

    async fn import_if(
        &self,
        expected: &[(AccountId, Option<Arc<Layout>>)],
        lines: Vec<Line>,
    ) -> Result<bool> {
        if self.plant != Plant::ExpectedBlindly {
            return self.right.import_if(expected, lines).await;
        }
        self.right.import(lines).await.map(|()| true)
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        let plant = self.plant;
        let account = account.filter(|_| plant != Plant::AllAccountsTold);
        let is_told = move |line: &Result<Line>| match line {
            Ok(Line::Event(_)) => plant != Plant::EventsForgotten,
            Ok(Line::Item(_)) => plant != Plant::ItemsForgotten,
            Ok(Line::Token(_)) => plant != Plant::TokensForgotten,
            _ => true,
        };
        let told = self.right.export(account).filter(move |line| future::ready(is_told(line)));
        let without_ids = move |line| match line {
            Ok(Line::Header { version, .. }) if plant == Plant::IdsForgotten => {
                Ok(Line::Header { version, ids: None })
            }
            line => line,
        };
        told.map(without_ids).boxed()
    }
}

#[async_trait]
impl Registry for Wrong {
    async fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        self.right.token(digest).await
    }

    async fn enrol(&self, token: &Token) -> Result<()> {
        if self.plant == Plant::EndsIgnored {
            return self.right.enrol(&Token { expires_at: None, ..token.clone() }).await;
        }
        self.right.enrol(token).await
    }

    async fn forget(&self, digest: &Digest) -> Result<bool> {
        if self.plant == Plant::NothingForgotten { Ok(true) } else { self.right.forget(digest).await }
    }

    async fn grant(&self, id: &str) -> Result<Option<Grant>> {
        self.right.grant(id).await
    }

    async fn swap(&self, id: &str, expected: Option<&Grant>, new: Option<&Grant>) -> Result<bool> {
        if self.plant != Plant::SwappedBlindly {
            return self.right.swap(id, expected, new).await;
        }
        let stands = self.right.grant(id).await?;
        self.right.swap(id, stands.as_ref(), new).await
    }

    async fn account(&self, key: AccountKey<'_>) -> Result<Option<Arc<Layout>>> {
        match (self.plant, key) {
            (Plant::CaseMatters, AccountKey::Subdomain(name)) if name != name.to_lowercase() => Ok(None),
            _ => self.right.account(key).await,
        }
    }

    async fn accounts(&self) -> Result<Vec<Arc<Layout>>> {
        self.right.accounts().await
    }

    async fn open(&self, principal: Principal) -> Result<Ports> {
        self.right.open(principal).await
    }

    async fn enter(&self, digest: &Digest) -> Result<Option<(Token, Ports)>> {
        let Some((token, ports)) = self.right.enter(digest).await? else { return Ok(None) };
        if self.plant != Plant::EnteredAsAnother {
            return Ok(Some((token, ports)));
        }
        let principal = Principal { account_id: token.account_id, user_id: fixture::ADMINISTRATOR };
        Ok(Some((token, self.right.open(principal).await?)))
    }
}
