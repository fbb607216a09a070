//! Setting accounts up, and carrying them from one store to another.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use incoming_leads_model::document::Line;
use incoming_leads_model::{AccountId, Layout};
use incoming_leads_port::{Operation, Provision, Result};

use crate::store::Postgres;
use crate::{export, import};

#[async_trait]
impl Provision for Postgres {
    async fn import(&self, lines: Vec<Line>) -> Result<()> {
        self.import_if(&[], lines).await.map(drop)
    }

    async fn import_if(
        &self,
        expected: &[(AccountId, Option<Arc<Layout>>)],
        lines: Vec<Line>,
    ) -> Result<bool> {
        import::import(&self.core, self.clock.now(), expected, &lines)
            .await
            .map_err(|fault| fault.told(Operation::Provision))
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        export::export(self.core.clone(), account)
    }
}
