//! What a server does to its clients on purpose, so that they can be tested: limits, faults, and the route that sets them.

use std::num::NonZeroU32;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use incoming_leads_server::{Config, FaultProfile, RateLimit, digest};

use crate::{Failure, token};

/// The variable that holds the token of the control route.
const VARIABLE: &str = "INCOMING_LEADS_CONTROL_TOKEN";

/// Entries that the journal keeps when the control route is open and nothing else is said.
const JOURNAL: usize = 10_000;

/// Trouble on purpose, for tests of clients.
#[derive(Args)]
#[command(next_help_heading = "Trouble for tests of clients")]
pub(crate) struct TroubleArgs {
    /// Limit the rate as the vendor's service does: 7 requests a second of an integration, 50 of an account, then 429 as
    /// HTML, then 403
    #[arg(long)]
    rate_limit: bool,

    /// Requests a second of one integration
    #[arg(long, value_name = "COUNT", requires = "rate_limit")]
    rate_integration: Option<NonZeroU32>,

    /// Requests a second of one account
    #[arg(long, value_name = "COUNT", requires = "rate_limit")]
    rate_account: Option<NonZeroU32>,

    /// Do to requests what this fault profile says (docs/faults.md)
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,

    /// Open the control route, at which faults are set and the journal is read; INCOMING_LEADS_CONTROL_TOKEN has its token
    #[arg(long)]
    control: bool,

    /// How many of the last requests the journal keeps; default: 10000 with --control, else none
    #[arg(long, value_name = "COUNT")]
    journal: Option<usize>,
}

impl TroubleArgs {
    /// Sets up what was asked for.
    pub(crate) fn set_up(&self, config: &mut Config) -> Result<(), Failure> {
        let usual = RateLimit::default();
        config.rate_limit = self.rate_limit.then_some(RateLimit {
            integration_per_second: self.rate_integration.unwrap_or(usual.integration_per_second),
            account_per_second: self.rate_account.unwrap_or(usual.account_per_second),
            ..usual
        });
        config.faults = self.profile()?;
        if self.control {
            let key = std::env::var(VARIABLE).ok().filter(|key| token::is_sendable(key));
            let due =
                || Failure::Usage(format!("--control: {VARIABLE} has to hold a token: {}", token::FORM));
            config.control = Some(digest(&key.ok_or_else(due)?));
        }
        config.journal = self.journal.unwrap_or(if self.control { JOURNAL } else { 0 });
        Ok(())
    }

    fn profile(&self) -> Result<Option<FaultProfile>, Failure> {
        let Some(path) = &self.faults else { return Ok(None) };
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let wrong = |error| Failure::Usage(format!("{shown}: {error}"));
        text.parse().map(Some).map_err(wrong)
    }
}
