//! One request and its answer.

use std::sync::Arc;

use http::Request;
use incoming_leads_port::{Operation, Result};
use incoming_leads_transport::{Response, Transport};
use incoming_leads_wire_v2::{Failure, Origin};
use tracing::Instrument as _;

use crate::error::{self, Sent};

/// Who sends, and to whom.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) origin: Origin,
}

impl Exchange {
    /// Sends, and reads what comes back.
    pub(crate) async fn ask<T>(
        &self,
        operation: Operation,
        sent: Sent<'_>,
        request: Request<Vec<u8>>,
        read: impl FnOnce(&Response) -> std::result::Result<T, Failure> + Send,
    ) -> Result<T> {
        let span =
            tracing::debug_span!("v2", ?operation, method = %request.method(), path = request.uri().path());
        let response = self.transport.send(request).instrument(span.clone()).await;
        let response = response.map_err(|error| error::not_answered(operation, error))?;
        error::read(operation, sent, &response, read).inspect_err(|error| {
            let status = response.status().as_u16();
            tracing::debug!(parent: &span, status, %error, "refused or not understood");
        })
    }
}
