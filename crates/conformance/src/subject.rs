//! What is put through the kit: a subject hands out fresh instances of a fixture.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use incoming_leads_port::{Error, ManualClock, Ports, Principal, Provision, Registry};

use crate::fixture::{ACCOUNT, ADMINISTRATOR, FOREIGN_ACCOUNT, Fixture, SORTER, STRANGER, VIEWER};

/// An adapter, as its author hands it to the kit.
#[async_trait]
pub trait Subject: fmt::Debug + Send + Sync + 'static {
    /// A store of its own that holds just what the fixture's lines say. Instances know nothing of each other and may
    /// be used at the same time; whatever is under a common roof takes unique names and wipes nothing.
    ///
    /// An adapter that has a clock injected starts it at [`START`](crate::fixture::START) before it takes the lines.
    ///
    /// # Errors
    /// [`Skip`] when there cannot be one. Whatever should have worked and did not is a panic.
    async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip>;
}

/// Why there is no instance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a runner handles both")]
pub enum Skip {
    /// What the adapter stands on is not here: a database, a server. Ignored, but a failure where `CI` is set.
    Absent(String),
    /// The adapter cannot be brought into this state: say, an account whose policies nobody can set. Ignored.
    NotOffered(String),
}

/// A fresh instance: the handles of four users, and what must live as long as they do.
#[non_exhaustive]
pub struct Instance {
    /// Of [`ADMINISTRATOR`](crate::fixture::ADMINISTRATOR), who may everything.
    pub administrator: Ports,
    /// Of [`SORTER`](crate::fixture::SORTER), who may view, add and sort.
    pub sorter: Ports,
    /// Of [`VIEWER`](crate::fixture::VIEWER), who may view.
    pub viewer: Ports,
    /// Of [`STRANGER`](crate::fixture::STRANGER), the administrator of another account.
    pub stranger: Ports,
    /// The clock of the store, where it can be set.
    pub clock: Option<Arc<ManualClock>>,
    /// What must live as long: a server, a folder.
    guard: Box<dyn Any + Send + Sync>,
}

impl Instance {
    /// An instance with nothing to keep alive and no clock that can be set.
    #[must_use]
    pub fn new(administrator: Ports, sorter: Ports, viewer: Ports, stranger: Ports) -> Self {
        Self { administrator, sorter, viewer, stranger, clock: None, guard: Box::new(()) }
    }

    /// An instance of a store that is empty: takes the fixture's lines over and opens the four handles.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of_store<S: Provision + Registry>(store: &S, fixture: &Fixture) -> Result<Self, Error> {
        store.import(fixture.lines.clone()).await?;
        let open = |account_id, user_id| store.open(Principal { account_id, user_id });
        Ok(Self::new(
            open(ACCOUNT, ADMINISTRATOR).await?,
            open(ACCOUNT, SORTER).await?,
            open(ACCOUNT, VIEWER).await?,
            open(FOREIGN_ACCOUNT, STRANGER).await?,
        ))
    }

    /// With the clock of the store, which then stands still but for the cases that set it.
    #[must_use]
    pub fn with_clock(self, clock: Arc<ManualClock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// With something that is dropped with the instance.
    #[must_use]
    pub fn with_guard(self, guard: impl Any + Send + Sync) -> Self {
        Self { guard: Box::new(guard), ..self }
    }

    /// The same with other handles: what a wrapper hands out. The order is that of the fields.
    #[must_use]
    pub fn map(self, mut wrap: impl FnMut(Ports) -> Ports) -> Self {
        let Self { administrator, sorter, viewer, stranger, clock, guard } = self;
        let (administrator, sorter) = (wrap(administrator), wrap(sorter));
        let (viewer, stranger) = (wrap(viewer), wrap(stranger));
        Self { administrator, sorter, viewer, stranger, clock, guard }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { administrator, sorter, viewer, stranger, clock, guard: _ } = self;
        let mut shown = f.debug_struct("Instance");
        shown.field("administrator", administrator).field("sorter", sorter).field("viewer", viewer);
        shown.field("stranger", stranger).field("clock", clock).finish_non_exhaustive()
    }
}
