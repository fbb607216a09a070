//! What is put through the kit: a subject hands out fresh instances of a fixture.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use incoming_leads_model::AccountId;
use incoming_leads_port::{Error, ManualClock, Ports, Principal, Provision, Registry};

use crate::fixture::{ADMINISTRATOR, Fixture, SORTER, STRANGER, VIEWER};

/// An adapter, as its author hands it to the kit.
#[async_trait]
pub trait Subject: fmt::Debug + Send + Sync + 'static {
    /// A pair of accounts of its own that holds just what the fixture's lines say. Instances know nothing of each
    /// other and may be used at the same time; those under a common roof take [`Fixture::pair`]s and wipe nothing.
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
    /// The account of the first three.
    pub account: AccountId,
    /// The account of the stranger.
    pub foreign_account: AccountId,
    /// The clock of the store, where it can be set.
    pub clock: Option<Arc<ManualClock>>,
    /// The store itself, where it can be asked for more than its users can: to import, export, enrol.
    pub store: Option<Arc<dyn Store>>,
    /// Makes another store of the same kind that does not have these accounts.
    another: Option<Another>,
    /// What must live as long: a server, a folder.
    _guard: Box<dyn Any + Send + Sync>,
}

/// What a store can do beside what its users can.
pub trait Store: Provision + Registry {}

impl<T: Provision + Registry + ?Sized> Store for T {}

type Another = Box<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Store>, Error>> + Send + Sync>;

impl Instance {
    /// An instance of this fixture: handles of [`ADMINISTRATOR`], [`SORTER`], [`VIEWER`] and [`STRANGER`], in this
    /// order. There is nothing to keep alive, no clock that can be set, and no store to be asked.
    #[must_use]
    pub fn new(fixture: &Fixture, handles: [Ports; 4]) -> Self {
        let [administrator, sorter, viewer, stranger] = handles;
        Self {
            administrator,
            sorter,
            viewer,
            stranger,
            account: fixture.account,
            foreign_account: fixture.foreign_account,
            clock: None,
            store: None,
            another: None,
            _guard: Box::new(()),
        }
    }

    /// An instance of a store that does not have the fixture's accounts: takes the lines over and opens the four
    /// handles.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of_store<S: Provision + Registry + Clone>(
        store: &S,
        fixture: &Fixture,
    ) -> Result<Self, Error> {
        store.import(fixture.lines.clone()).await?;
        let open = |account_id, user_id| store.open(Principal { account_id, user_id });
        let handles = [
            open(fixture.account, ADMINISTRATOR).await?,
            open(fixture.account, SORTER).await?,
            open(fixture.account, VIEWER).await?,
            open(fixture.foreign_account, STRANGER).await?,
        ];
        Ok(Self { store: Some(Arc::new(store.clone())), ..Self::new(fixture, handles) })
    }

    /// With a way to another store of the same kind that does not have the fixture's accounts: what was exported from
    /// one is imported there. It may be the same one each time the instance is a pair of its own.
    #[must_use]
    pub fn with_another<S, F>(self, make: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        S: Provision + Registry,
        F: Future<Output = Result<S, Error>> + Send + 'static,
    {
        let another = move || make().map(|made| Ok(Arc::new(made?) as Arc<dyn Store>)).boxed();
        Self { another: Some(Box::new(another)), ..self }
    }

    /// Whether there is a way to another store.
    #[must_use]
    pub const fn has_another(&self) -> bool {
        self.another.is_some()
    }

    /// Another store, where there is a way to one.
    pub(crate) async fn another(&self) -> Result<Option<Arc<dyn Store>>, Error> {
        match &self.another {
            Some(make) => make().await.map(Some),
            None => Ok(None),
        }
    }

    /// With the clock of the store, which then stands still but for the cases that set it.
    #[must_use]
    pub fn with_clock(self, clock: Arc<ManualClock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// With something that is dropped with the instance.
    #[must_use]
    pub fn with_guard(self, guard: impl Any + Send + Sync) -> Self {
        Self { _guard: Box::new(guard), ..self }
    }

    /// The same with other handles: what a wrapper hands out. The order is that of the fields. The store behind a
    /// wrapper is not the wrapper's, so it is not asked any more.
    #[must_use]
    pub fn map(self, mut wrap: impl FnMut(Ports) -> Ports) -> Self {
        let Self { administrator, sorter, viewer, stranger, .. } = self;
        let (administrator, sorter) = (wrap(administrator), wrap(sorter));
        let (viewer, stranger) = (wrap(viewer), wrap(stranger));
        Self { administrator, sorter, viewer, stranger, store: None, another: None, ..self }
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Instance");
        shown.field("administrator", &self.administrator).field("sorter", &self.sorter);
        shown.field("viewer", &self.viewer).field("stranger", &self.stranger);
        shown.field("clock", &self.clock).field("store", &self.store).finish_non_exhaustive()
    }
}
