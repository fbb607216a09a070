//! A database, stores on it, and an account.

use std::sync::atomic::{AtomicU64, Ordering};

use incoming_leads_conformance::{Fixture, Named, fixture};
use incoming_leads_model::{Add, Draft, FormsMetadata, Metadata, Moment, Receipt};
use incoming_leads_port::{IncomingLeads, Ports, Principal, Provision, Registry};
use incoming_leads_postgres::{Options, Postgres};
use incoming_leads_testbed::{Database, database};
use tokio_postgres::{Client, NoTls};

/// A database of its own; none on a machine without PostgreSQL.
pub(crate) struct World {
    pub(crate) database: Database,
}

impl World {
    pub(crate) fn new() -> Option<Self> {
        Some(Self { database: database()? })
    }

    /// One more process's store.
    pub(crate) async fn store(&self) -> Postgres {
        Options::default().open(&self.database.url()).await.unwrap()
    }

    /// A connection beside the store.
    pub(crate) async fn client(&self) -> Client {
        connect(&self.database.url()).await
    }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Brings the fixture's accounts in.
pub(crate) async fn furnish(store: &Postgres) -> Fixture {
    let fixture = Named::Standard.fixture();
    store.import(fixture.lines.clone()).await.unwrap();
    fixture
}

/// The handles of the administrator.
pub(crate) async fn administrator(store: &Postgres) -> Ports {
    let principal = Principal { account_id: fixture::ACCOUNT, user_id: fixture::ADMINISTRATOR };
    store.open(principal).await.unwrap()
}

/// A form that nobody has sent before.
pub(crate) fn form() -> Draft {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    form_of(&format!("form-{number}"))
}

pub(crate) fn form_of(form_id: &str) -> Draft {
    let form = FormsMetadata {
        form_id: Some(form_id.to_owned()),
        form_name: Some("Contact".to_owned()),
        form_page: Some("https://example.com".to_owned()),
        form_sent_at: Some(Moment::from_secs(1_700_000_000).unwrap()),
        ..FormsMetadata::default()
    };
    Draft {
        source_name: Some("Site".to_owned()),
        source_uid: Some("site".to_owned()),
        metadata: Some(Metadata::Forms(form)),
        ..Draft::default()
    }
}

pub(crate) async fn add(leads: &dyn IncomingLeads) -> Receipt {
    leads.add(&Add::forms(vec![form()])).await.unwrap().remove(0)
}
