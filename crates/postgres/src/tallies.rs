//! Summaries: sums of tallies over buckets of time, or of the events of some uids.

use std::collections::BTreeSet;

use incoming_leads_model::window::cover;
use incoming_leads_model::{SummaryQuery, Tally};
use tokio_postgres::Row;

use crate::connection::Lease;
use crate::convert::{Account, number};
use crate::error::{Fault, Result};
use crate::history;
use crate::writing::ALL_PIPELINES;

/// One sub-query for each run of buckets: each is a stretch of the key.
const SUM: &str = "SELECT coalesce(sum(t.sip), 0)::bigint, coalesce(sum(t.forms), 0)::bigint, \
    coalesce(sum(t.chats), 0)::bigint, coalesce(sum(t.mail), 0)::bigint, coalesce(sum(t.accepted), 0)::bigint, \
    coalesce(sum(t.declined), 0)::bigint, coalesce(sum(t.linked), 0)::bigint, \
    coalesce(sum(t.sort_high), 0)::bigint, coalesce(sum(t.sort_low), 0)::bigint \
    FROM unnest($2::bigint[]) AS p (pipeline_id) \
    CROSS JOIN unnest($3::smallint[], $4::bigint[], $5::bigint[]) AS r (level, first, last) \
    CROSS JOIN LATERAL (SELECT sip, forms, chats, mail, accepted, declined, linked, sort_high, sort_low FROM tallies \
    WHERE account_id = $1 AND pipeline_id = p.pipeline_id AND level = r.level \
    AND bucket BETWEEN r.first AND r.last OFFSET 0) AS t";

/// The tally of what happened in the query's window.
pub(crate) async fn sum(lease: &Lease, account: Account, query: &SummaryQuery) -> Result<Tally> {
    let SummaryQuery { uids, pipelines, window } = query;
    if let Some(uids) = uids {
        let uids: Vec<&str> =
            uids.iter().map(|uid| uid.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
        let mut tally = Tally::default();
        for event in history::of_uids(lease, account, &uids).await? {
            let is_in_pipelines = pipelines.as_ref().is_none_or(|ids| ids.contains(&event.pipeline_id));
            if is_in_pipelines && window.contains(event.moment()) {
                tally += Tally::of(&event);
            }
        }
        return Ok(tally);
    }
    let pipelines: Vec<i64> = match pipelines {
        None => vec![ALL_PIPELINES],
        Some(ids) => ids.iter().map(|id| number(*id)).collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let (mut levels, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    for run in cover(*window) {
        levels.push(i16::from(run.level));
        firsts.push(run.first.cast_signed());
        lasts.push(run.last.cast_signed());
    }
    let row = lease.query_opt(SUM, &[&account, &pipelines, &levels, &firsts, &lasts]).await?;
    row.map_or(Ok(Tally::default()), |row| tally(account, &row))
}

fn tally(account: Account, row: &Row) -> Result<Tally> {
    let columns = std::array::from_fn(|column| row.get(column));
    Tally::from_columns(columns).ok_or_else(|| Fault::damaged("tallies", account, "a sum is negative"))
}
