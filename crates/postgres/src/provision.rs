//! Setting accounts up, and carrying them from one store to another.

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use incoming_leads_model::AccountId;
use incoming_leads_model::document::Line;
use incoming_leads_port::{Operation, Provision, Result};

use crate::store::Postgres;
use crate::{export, import};

#[async_trait]
impl Provision for Postgres {
    async fn import(&self, lines: Vec<Line>) -> Result<()> {
        import::import(&self.core, self.clock.now(), &lines)
            .await
            .map_err(|fault| fault.told(Operation::Provision))
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        export::export(self.core.clone(), account)
    }
}
