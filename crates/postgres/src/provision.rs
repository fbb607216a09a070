//! Setting accounts up, and carrying them from one store to another.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use incoming_leads_model::document::Line;
use incoming_leads_model::{AccountId, Layout};
use incoming_leads_port::{Operation, Provision, Result};

use crate::store::Postgres;
use crate::{connection, export, import};

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

impl Postgres {
    /// What tells this store apart from every other, by whatever address it is reached.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.core.store_id
    }
}

/// The hosts and the database of an address, for people: without users, passwords and settings.
#[must_use]
pub fn place(address: &str) -> String {
    connection::place(address).unwrap_or_else(|| "postgres://...".to_owned())
}
