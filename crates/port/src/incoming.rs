//! The port itself.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_model::{
    Accept, Add, Decline, IncomingLead, Link, ListQuery, Page, Receipt, Summary, SummaryQuery, Uid,
};

use crate::capabilities::Capabilities;
use crate::error::Result;

/// Incoming leads of one account, as one user sees and sorts them.
///
/// A handle is bound to its account and user, so no method takes credentials. Every method may fail with
/// [`Unauthorized`](crate::ErrorKind::Unauthorized), [`Forbidden`](crate::ErrorKind::Forbidden) when the user lacks
/// the right, and the kinds that say that a transport could not be used. Dropping a future cancels nothing that was
/// sent. What a transport cannot do it refuses as [`Unsupported`](crate::ErrorKind::Unsupported), never ignores.
#[async_trait]
pub trait IncomingLeads: fmt::Debug + Send + Sync + 'static {
    /// What this transport can do and tell. Never changes during the life of a handle.
    fn capabilities(&self) -> Capabilities;

    /// A page of the leads that wait, in the asked order, ties by uid (R13).
    ///
    /// A list ends with a page of which [`Page::more`] says no, or that is empty. Leads that come or go between two
    /// pages shift what follows.
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a filter or order that the transport lacks.
    async fn list(&self, query: &ListQuery) -> Result<Page>;

    /// The lead with this uid, with the ids of its entities; `None` when nothing with the uid waits: unknown, of
    /// another account, or decided (R7).
    ///
    /// # Errors
    /// See the trait.
    async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>>;

    /// Adds calls or forms, all or none; receipts stand in the order of the items (R5).
    ///
    /// Adding the same again is refused or tagged as a duplicate while the first waits (R6).
    ///
    /// # Errors
    /// [`Invalid`](crate::ErrorKind::Invalid) with the faults of every item, by index.
    async fn add(&self, add: &Add) -> Result<Vec<Receipt>>;

    /// Accepts. Of all accepts, declines and links of one uid exactly one succeeds (R7).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when nothing with the uid waits;
    /// [`Invalid`](crate::ErrorKind::Invalid) for a user or status that cannot be chosen.
    async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt>;

    /// Declines. Of all accepts, declines and links of one uid exactly one succeeds (R7).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when nothing with the uid waits;
    /// [`Invalid`](crate::ErrorKind::Invalid) for a user that cannot be chosen.
    async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt>;

    /// Links to a lead or customer. Of all accepts, declines and links of one uid exactly one succeeds (R7, R10).
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when nothing with the uid waits;
    /// [`Invalid`](crate::ErrorKind::Invalid) when the category cannot be linked or the target, contact or user
    /// cannot be chosen.
    async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt>;

    /// Counts of events in a window (R12).
    ///
    /// # Errors
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a filter that the transport lacks.
    async fn summary(&self, query: &SummaryQuery) -> Result<Summary>;
}

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: IncomingLeads + ?Sized> IncomingLeads for $pointer<T> {
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }

            async fn list(&self, query: &ListQuery) -> Result<Page> {
                (**self).list(query).await
            }

            async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
                (**self).get(uid).await
            }

            async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
                (**self).add(add).await
            }

            async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
                (**self).accept(uid, accept).await
            }

            async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
                (**self).decline(uid, decline).await
            }

            async fn link(&self, uid: &Uid, link: &Link) -> Result<Receipt> {
                (**self).link(uid, link).await
            }

            async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
                (**self).summary(query).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);
