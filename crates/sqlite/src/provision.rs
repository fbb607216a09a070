//! Setting accounts up, and carrying them from one store to another.

use std::sync::Arc;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use incoming_leads_model::document::Line;
use incoming_leads_model::{AccountId, Layout};
use incoming_leads_port::{Operation, Provision, Result};

use crate::connection::TURN;
use crate::store::Sqlite;
use crate::writing::Writing;
use crate::{export, import};

#[async_trait]
impl Provision for Sqlite {
    async fn import(&self, lines: Vec<Line>) -> Result<()> {
        let clock = self.clock.clone();
        let import = move |writing: &mut Writing<'_>| import::import(writing, clock.now(), &lines);
        self.shared.write(Operation::Provision, import).await?;
        // A server that has the file too is not to wait for all the pieces that may follow.
        tokio::time::sleep(TURN).await;
        Ok(())
    }

    async fn import_if(
        &self,
        expected: &[(AccountId, Option<Arc<Layout>>)],
        lines: Vec<Line>,
    ) -> Result<bool> {
        let (clock, expected) = (self.clock.clone(), expected.to_vec());
        let import = move |writing: &mut Writing<'_>| {
            for (id, layout) in &expected {
                if writing.layout(*id)? != *layout {
                    return Ok(false);
                }
            }
            import::import(writing, clock.now(), &lines).map(|()| true)
        };
        self.shared.write(Operation::Provision, import).await
    }

    fn export(&self, account: Option<AccountId>) -> BoxStream<'_, Result<Line>> {
        export::export(self.shared.readers.clone(), self.shared.layouts.clone(), account)
    }
}
