//! What every adapter of the port must do: a table of cases, a state machine against a naive oracle, and a runner.
//!
//! An adapter is put through the kit by its author, who implements [`Subject`]: it hands out a fresh [`Instance`] of a
//! [`Fixture`], with handles for an administrator, a sorter, a viewer and a stranger from another account. The rest is
//! [`Kit::main`] in a test program with `harness = false`. The cases are listed in `docs/conformance.md`.
//!
//! - [`cases`] is the table: each [`Case`] has an id, the [`Rule`] that it proves, a sentence, and a few calls. What an
//!   adapter cannot do ([`Capabilities`](incoming_leads_port::Capabilities)) it must refuse as `Unsupported`, and what
//!   it does not tell is not compared.
//! - [`script`] makes scripts at random, plays them and judges every answer by an oracle that restates the rules on a
//!   plain list. It shares no code with the model's decisions, so a wrong rule of the model is seen too.
//!
//! - [`survey`] asks what somebody else runs which of our decisions it shares: also an account that people work in.
//!
//! # A store that lasts
//! A database for each instance would be slow. A store keeps its accounts apart, so one database holds all instances,
//! each in a pair of accounts of its own: [`Fixture::pair`] numbers them. In short, for a store whose handles have
//! their clock with them and share the database:
//! ```
//! # use std::sync::Arc;
//! # use std::sync::atomic::{AtomicU64, Ordering};
//! # use async_trait::async_trait;
//! # use incoming_leads_conformance::{Fixture, Instance, Skip, Subject, fixture};
//! # use incoming_leads_memory::Memory;
//! # use incoming_leads_port::{Error, ManualClock};
//! # #[derive(Debug, Default)]
//! # struct Database(Memory, Memory);
//! # impl Database {
//! #     async fn store(&self, _: Arc<ManualClock>) -> Result<Memory, Error> { Ok(self.0.clone()) }
//! # }
//! #[derive(Debug, Default)]
//! struct Durable {
//!     database: Database,
//!     /// For what is exported from the other.
//!     copies: Arc<Database>,
//!     pairs: AtomicU64,
//! }
//!
//! #[async_trait]
//! impl Subject for Durable {
//!     async fn fresh(&self, fixture: &Fixture) -> Result<Instance, Skip> {
//!         let clock = Arc::new(ManualClock::new(fixture::START));
//!         let store = self.database.store(clock.clone()).await;
//!         let store = store.map_err(|error| Skip::Absent(error.to_string()))?;
//!         let fixture = fixture.pair(self.pairs.fetch_add(1, Ordering::Relaxed));
//!         let instance = Instance::of_store(&store, &fixture).await.expect("it takes every fixture");
//!         let (copies, same) = (self.copies.clone(), clock.clone());
//!         let another = move || {
//!             let (copies, clock) = (copies.clone(), same.clone());
//!             async move { copies.store(clock).await }
//!         };
//!         Ok(instance.with_clock(clock).with_another(another))
//!     }
//! }
//! ```
//! A database that outlives the test program begins where no earlier run has been, say at the second in which it
//! starts, times a million. Scripts take an instance each: how many are played is said by the environment
//! ([`script::SEQUENCES`]), so that a slow store is not given more than its time.
//!
//! # Examples
//! An adapter of somebody else: it passes calls on to a store behind it, and cannot link.
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use incoming_leads_conformance::{Fixture, Instance, Kit, Outcome, Skip, Subject, cases};
//! use incoming_leads_memory::Memory;
//! use incoming_leads_model::{
//!     Accept, Add, Decline, IncomingLead, Link, ListQuery, Page, Receipt, Summary, SummaryQuery, Uid,
//! };
//! use incoming_leads_port::{Capabilities, Error, ErrorKind, IncomingLeads, Operation, Ports, Result};
//!
//! #[derive(Debug)]
//! struct Tunnel(Arc<dyn IncomingLeads>);
//!
//! #[async_trait]
//! impl IncomingLeads for Tunnel {
//!     fn capabilities(&self) -> Capabilities {
//!         let mut able = self.0.capabilities();
//!         able.link = false;
//!         able
//!     }
//!     async fn list(&self, query: &ListQuery) -> Result<Page> {
//!         self.0.list(query).await
//!     }
//!     async fn get(&self, uid: &Uid) -> Result<Option<IncomingLead>> {
//!         self.0.get(uid).await
//!     }
//!     async fn add(&self, add: &Add) -> Result<Vec<Receipt>> {
//!         self.0.add(add).await
//!     }
//!     async fn accept(&self, uid: &Uid, accept: &Accept) -> Result<Receipt> {
//!         self.0.accept(uid, accept).await
//!     }
//!     async fn decline(&self, uid: &Uid, decline: &Decline) -> Result<Receipt> {
//!         self.0.decline(uid, decline).await
//!     }
//!     async fn link(&self, _: &Uid, _: &Link) -> Result<Receipt> {
//!         Err(Error::new(ErrorKind::Unsupported, Operation::Link))
//!     }
//!     async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
//!         self.0.summary(query).await
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct Tunnelled;
//!
//! #[async_trait]
//! impl Subject for Tunnelled {
//!     async fn fresh(&self, fixture: &Fixture) -> std::result::Result<Instance, Skip> {
//!         let store = Instance::of_store(&Memory::default(), fixture).await.expect("the store takes it");
//!         Ok(store.map(|ports| Ports::new(Arc::new(Tunnel(ports.incoming)))))
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
//! # runtime.block_on(async {
//! // In `tests/conformance.rs` this is `Kit::new(Tunnelled).main()`, with a line for each case.
//! let kit = Kit::new(Tunnelled);
//! for case in cases() {
//!     match kit.run(case).await {
//!         Outcome::Passed => assert_ne!(case.id, "link::joins_a_lead", "it cannot link"),
//!         Outcome::Inapplicable(_) => assert_ne!(case.id, "link::unsupported", "it has to say so"),
//!         Outcome::Absent(what) | Outcome::Failed(what) => panic!("{}: {what}", case.id),
//!     }
//! }
//! # });
//! ```

mod act;
mod case;
mod cases;
mod drafts;
mod failure;
pub mod fixture;
mod page;
mod rule;
mod runner;
pub mod script;
mod subject;
pub mod survey;

pub use case::{Case, Needs};
pub use cases::cases;
pub use failure::{Done, Failure};
pub use fixture::{Fixture, Named};
pub use page::markdown;
pub use rule::Rule;
pub use runner::{Kit, Outcome};
pub use subject::{Instance, Skip, Store, Subject};
