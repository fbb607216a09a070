//! Setting accounts up, and carrying them from one store to another.

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use incoming_leads_model::AccountId;
use incoming_leads_model::document::Line;
use incoming_leads_port::{Operation, Provision, Result};

use crate::store::Sqlite;
use crate::{export, import};

#[async_trait]
impl Provision for Sqlite {
    async fn import(&self, lines: Vec<Line>) -> Result<()> {
        let clock = self.clock.clone();
        self.shared
            .write(Operation::Provision, move |writing| import::import(writing, clock.now(), &lines))
            .await
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        export::export(self.shared.readers.clone(), self.shared.layouts.clone(), account)
    }
}
