//! One request and its answer.

use std::sync::Arc;

use http::Request;
use incoming_leads_port::{Operation, Result};
use incoming_leads_transport::{Response, RouteName, Transport};
use incoming_leads_wire_v4::{Failure, Origin};
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
        mut request: Request<Vec<u8>>,
        read: impl FnOnce(&Response) -> std::result::Result<T, Failure> + Send,
    ) -> Result<T> {
        let route = route_name(request.uri().path());
        let span = tracing::debug_span!("v4", ?operation, method = %request.method(), route);
        request.extensions_mut().insert(RouteName(route.into()));
        let response = self.transport.send(request).instrument(span.clone()).await;
        let response = response.map_err(|error| error::not_answered(operation, error))?;
        error::read(operation, sent, &response, read).inspect_err(|error| {
            let status = response.status().as_u16();
            tracing::debug!(parent: &span, status, %error, "refused or not understood");
        })
    }
}

/// The path without uids and ids.
fn route_name(path: &str) -> String {
    let is_word = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-".contains(&byte));
    let mut name = String::with_capacity(path.len());
    let mut before = "";
    for part in path.split('/').skip(1) {
        let is_uid = before == "unsorted" && !["sip", "forms", "chats", "mail", "summary"].contains(&part);
        name.push('/');
        name.push_str(if part != "v4" && (is_uid || !is_word(part)) { "{id}" } else { part });
        before = part;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::route_name;

    #[test]
    fn a_route_has_no_ids() {
        for (path, route) in [
            ("/api/v4/leads/unsorted", "/api/v4/leads/unsorted"),
            ("/api/v4/leads/unsorted/sip", "/api/v4/leads/unsorted/sip"),
            ("/api/v4/leads/unsorted/abcdef/accept", "/api/v4/leads/unsorted/{id}/accept"),
            ("/api/v4/leads/unsorted/0a%2f", "/api/v4/leads/unsorted/{id}"),
            ("/api/v4/leads/12/notes", "/api/v4/leads/{id}/notes"),
        ] {
            assert_eq!(route_name(path), route);
        }
    }
}
