//! Conveniences over the port: users call them, nobody implements them.

use std::collections::HashSet;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use incoming_leads_model::{Add, Draft, IncomingLead, ListQuery, More, PageRequest, Receipt, Refusal, Uid};

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::incoming::IncomingLeads;

/// What every [`IncomingLeads`] can do on top of its own methods.
#[async_trait]
pub trait IncomingLeadsExt: IncomingLeads {
    /// All leads that the query asks for, from its page on, page by page.
    ///
    /// The stream ends where the list ends, and with an error of the kind
    /// [`Unexpected`](crate::ErrorKind::Unexpected) when a page brings only leads that the page before it brought.
    fn stream(&self, query: ListQuery) -> BoxStream<'_, Result<IncomingLead>> {
        let start = Some((query, HashSet::new()));
        stream::try_unfold(start, async |next| {
            let Some((query, before)) = next else { return Ok(None) };
            let page = self.list(&query).await?;
            let uids: HashSet<Uid> = page.items.iter().map(|lead| lead.uid.clone()).collect();
            if !uids.is_empty() && uids.is_subset(&before) {
                let detail = format!("page {} repeats the one before it", query.page.number());
                return Err(Error::new(ErrorKind::Unexpected, Operation::List).with_detail(detail));
            }
            let follows = page.more != More::No && !page.items.is_empty();
            let next = follows
                .then(|| query.page.next())
                .flatten()
                .map(|page: PageRequest| (ListQuery { page, ..query }, uids));
            Ok(Some((stream::iter(page.items.into_iter().map(Ok)), next)))
        })
        .try_flatten()
        .boxed()
    }

    /// The lead with this uid.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) when nothing with the uid waits.
    async fn get_or_not_found(&self, uid: &Uid) -> Result<IncomingLead> {
        self.get(uid).await?.ok_or_else(|| Error::refused(Operation::Get, Refusal::NotFound(uid.clone())))
    }

    /// Adds one call.
    ///
    /// # Errors
    /// See [`IncomingLeads::add`].
    async fn add_call(&self, draft: Draft) -> Result<Receipt> {
        only(self.add(&Add::calls(vec![draft])).await?)
    }

    /// Adds one form.
    ///
    /// # Errors
    /// See [`IncomingLeads::add`].
    async fn add_form(&self, draft: Draft) -> Result<Receipt> {
        only(self.add(&Add::forms(vec![draft])).await?)
    }
}

impl<T: IncomingLeads + ?Sized> IncomingLeadsExt for T {}

fn only(receipts: Vec<Receipt>) -> Result<Receipt> {
    let count = receipts.len();
    let mut receipts = receipts.into_iter();
    match (receipts.next(), receipts.next()) {
        (Some(receipt), None) => Ok(receipt),
        _ => Err(Error::new(ErrorKind::Unexpected, Operation::Add)
            .with_detail(format!("one item was added and {count} receipts came"))),
    }
}
