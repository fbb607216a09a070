//! The answers to add, accept, decline and link.

use http::Response;
use incoming_leads_model::{Category, Receipt, Uid};

use crate::convert::{id_or_zero, moment, required};
use crate::document::{Text, Whole, document};
use crate::item::{EmbeddedStubs, UidText, stub_ids, write_entity_link, write_stub};
use crate::message::{Failure, ok, read_receipt};
use crate::problem::ValidationError;
use crate::write::{Origin, Writer};

document! {
    /// The answer to a command; each operation fills some of it.
    pub(crate) struct ReceiptDocument {
        "uid" => uid: UidText,
        "account_id" => account_id: Whole,
        "request_id" => request_id: Text,
        "category" => category: Text,
        "pipeline_id" => pipeline_id: Whole,
        "created_at" => created_at: Whole,
        "_embedded" => embedded: EmbeddedStubs,
    }
}

impl TryFrom<ReceiptDocument> for Receipt {
    type Error = ValidationError;

    /// A category that nobody knows is one that is not told.
    fn try_from(document: ReceiptDocument) -> Result<Self, ValidationError> {
        let ReceiptDocument { uid, account_id, request_id: _, category, pipeline_id, created_at, embedded } =
            document;
        let EmbeddedStubs { leads, contacts, companies, customers } = embedded.unwrap_or_default();
        Ok(Self {
            uid: required("uid", uid)?.0,
            account_id: id_or_zero("account_id", account_id)?,
            category: category.and_then(|Text(name)| Category::from_name(&name)),
            pipeline_id: id_or_zero("pipeline_id", pipeline_id)?,
            created_at: moment("created_at", created_at)?,
            leads: stub_ids(leads),
            contacts: stub_ids(contacts),
            companies: stub_ids(companies),
            customers: stub_ids(customers),
        })
    }
}

/// Reads the answer to an accept, a decline or a link.
pub(crate) fn read<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Receipt, Failure> {
    let document: ReceiptDocument = read_receipt(response)?;
    Ok(document.try_into()?)
}

/// The answer to an accept or a decline. Source: v4 Kommo document's examples, whose contacts carry two flags more
/// than the v4 amoCRM document's; `companies` is in both tables. The flags are those of the example, always.
pub(crate) fn decided(receipt: &Receipt, origin: &Origin) -> Response<Vec<u8>> {
    let Receipt {
        uid,
        account_id: _,
        category,
        pipeline_id,
        created_at,
        leads,
        contacts,
        companies,
        customers: _,
    } = receipt;
    ok(origin, |w| {
        w.object(|w| {
            w.field("uid", uid.as_str());
            w.field("pipeline_id", pipeline_id.map(|id| id.get()));
            w.field("category", category.map(Category::as_str));
            w.field("created_at", *created_at);
            w.key("_embedded");
            w.object(|w| {
                w.key("leads");
                w.list(leads.iter().flatten().copied(), write_stub);
                w.key("contacts");
                w.list(contacts.iter().flatten().copied(), |w, contact| {
                    w.object(|w| {
                        w.field("id", contact.get());
                        w.field("is_deleted", false);
                        w.field("is_unsorted", false);
                        write_entity_link(w, contact);
                    });
                });
                w.key("companies");
                w.list(companies.iter().flatten().copied(), write_stub);
            });
        });
    })
}

/// One item of the answer to an add.
pub(crate) fn write_added(w: &mut Writer<'_>, receipt: &Receipt, request_id: &str) {
    let Receipt {
        uid,
        account_id,
        category: _,
        pipeline_id: _,
        created_at: _,
        leads,
        contacts,
        companies,
        customers: _,
    } = receipt;
    w.object(|w| {
        w.field("uid", uid.as_str());
        w.field("account_id", account_id.map(|id| id.get()));
        w.field("request_id", request_id);
        w.self_link(|out| crate::item::push_uid_path(out, uid));
        w.key("_embedded");
        w.object(|w| {
            w.key("contacts");
            w.list(contacts.iter().flatten().copied(), write_stub);
            w.key("leads");
            w.list(leads.iter().flatten().copied(), write_stub);
            w.key("companies");
            w.list(companies.iter().flatten().copied(), write_stub);
        });
    });
}

/// The answer to a link. Source: v4 Kommo document: leads, contacts and customers in its example, companies in its table.
pub(crate) fn linked(receipt: &Receipt, origin: &Origin) -> Response<Vec<u8>> {
    let Receipt {
        uid,
        account_id: _,
        category: _,
        pipeline_id: _,
        created_at: _,
        leads,
        contacts,
        companies,
        customers,
    } = receipt;
    ok(origin, |w| {
        w.object(|w| {
            w.field("uid", uid.as_str());
            w.key("_embedded");
            w.object(|w| {
                w.key("leads");
                w.list(leads.iter().flatten().copied(), write_stub);
                w.key("contacts");
                w.list(contacts.iter().flatten().copied(), write_stub);
                w.key("companies");
                w.list(companies.iter().flatten().copied(), write_stub);
                w.key("customers");
                w.list(customers.iter().flatten().copied(), write_stub);
            });
        });
    })
}

/// The problem of a command on a uid that nothing has.
#[must_use]
pub fn unknown_uid(uid: &Uid) -> crate::problem::Problem {
    crate::problem::Problem::refusal(&incoming_leads_model::Refusal::NotFound(uid.clone()), &[])
}
