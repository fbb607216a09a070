//! A case: one sentence about every adapter, and the few calls that prove it.

use std::fmt;

use futures_util::future::BoxFuture;
use incoming_leads_port::Capabilities;

use crate::failure::Done;
use crate::fixture::Named;
use crate::rule::Rule;
use crate::subject::Instance;

/// One case of the table.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Case {
    /// Area and name: `accept::default_status`.
    pub id: &'static str,
    /// The rule that it proves.
    pub rule: Rule,
    /// What an adapter does.
    pub sentence: &'static str,
    /// The document that it starts from.
    pub fixture: Named,
    /// What the instance must have beside the port.
    pub needs: Needs,
    /// Whether it applies to an adapter that can do this.
    pub applies: fn(&Capabilities) -> bool,
    /// Puts a fresh instance through it. Runs on tokio.
    pub run: for<'a> fn(&'a Instance) -> BoxFuture<'a, Done>,
}

/// What a case needs beside the port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needs {
    /// A clock that stands still until it is set.
    pub clock: bool,
    /// The directory.
    pub directory: bool,
    /// Intake of chats and mails.
    pub intake: bool,
    /// The history.
    pub history: bool,
    /// Versions.
    pub versioned: bool,
    /// The store itself.
    pub store: bool,
    /// Another store.
    pub another: bool,
}

impl Case {
    pub(crate) const fn new(
        id: &'static str,
        rule: Rule,
        sentence: &'static str,
        run: for<'a> fn(&'a Instance) -> BoxFuture<'a, Done>,
    ) -> Self {
        let needs = Needs {
            clock: false,
            directory: false,
            intake: false,
            history: false,
            versioned: false,
            store: false,
            another: false,
        };
        Self { id, rule, sentence, fixture: Named::Standard, needs, applies: |_| true, run }
    }

    pub(crate) const fn over(self, fixture: Named) -> Self {
        Self { fixture, ..self }
    }

    pub(crate) const fn where_able(self, applies: fn(&Capabilities) -> bool) -> Self {
        Self { applies, ..self }
    }

    pub(crate) const fn with_clock(self) -> Self {
        Self { needs: Needs { clock: true, ..self.needs }, ..self }
    }

    pub(crate) const fn with_directory(self) -> Self {
        Self { needs: Needs { directory: true, ..self.needs }, ..self }
    }

    pub(crate) const fn with_intake(self) -> Self {
        Self { needs: Needs { intake: true, ..self.needs }, ..self }
    }

    pub(crate) const fn with_history(self) -> Self {
        Self { needs: Needs { history: true, ..self.needs }, ..self }
    }

    pub(crate) const fn with_versioned(self) -> Self {
        Self { needs: Needs { versioned: true, ..self.needs }, ..self }
    }

    pub(crate) const fn with_store(self) -> Self {
        Self { needs: Needs { store: true, ..self.needs }, ..self }
    }

    pub(crate) const fn with_another(self) -> Self {
        Self { needs: Needs { another: true, ..self.needs }, ..self }
    }

    /// The area: what stands before the name.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.id.split("::").next().unwrap_or(self.id)
    }

    /// Why it does not apply to this instance, if it does not.
    #[must_use]
    pub fn inapplicable(&self, on: &Instance) -> Option<&'static str> {
        let ports = &on.administrator;
        if !(self.applies)(&ports.incoming.capabilities()) {
            return Some("not for an adapter of these capabilities");
        }
        let Needs { clock, directory, intake, history, versioned, store, another } = self.needs;
        [
            (clock && on.clock.is_none(), "the instance has no clock that can be set"),
            (directory && ports.directory.is_none(), "the instance has no directory"),
            (intake && ports.intake.is_none(), "the instance has no intake"),
            (history && ports.history.is_none(), "the instance has no history"),
            (versioned && ports.versioned.is_none(), "the instance has no versions"),
            (store && on.store.is_none(), "the instance has no store to be asked"),
            (another && !on.has_another(), "the instance has no way to another store"),
        ]
        .into_iter()
        .find_map(|(lacks, why)| lacks.then_some(why))
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("id", &self.id).field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// A row of the table: the name of the function is the name of the case.
macro_rules! case {
    ($area:literal :: $name:ident, $rule:ident, $sentence:literal) => {
        $crate::case::Case::new(
            concat!($area, "::", stringify!($name)),
            $crate::rule::Rule::$rule,
            $sentence,
            |on| Box::pin($name(on)),
        )
    };
}
pub(crate) use case;
