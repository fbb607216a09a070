//! Numbers that are kept beside the rows: tallies of events for summaries, and how many wait for deep pages.

use std::collections::BTreeMap;

use incoming_leads_model::window::{Run, buckets_of, cover, guides_of};
use incoming_leads_model::{AccountId, Category, Moment, OrderKey, PipelineId, SummaryQuery, Tally, Window};
use rusqlite::Connection;

use crate::convert::{all, execute, one};
use crate::error::Fault;
use crate::history;

/// All pipelines of an account, as the tables call them.
const ALL: u64 = 0;

/// What is to be added to the tables, bucket by bucket, in the order of their keys.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// By account, pipeline, level and bucket.
    tallies: BTreeMap<(u64, u64, u8, u64), Tally>,
    /// By account, order, pipeline, level and bucket; of each category.
    guides: BTreeMap<(u64, u8, u64, u8, u64), [i64; 4]>,
}

impl Counts {
    /// Counts an event.
    pub(crate) fn tally(&mut self, account: AccountId, pipeline: PipelineId, moment: Moment, tally: Tally) {
        if tally == Tally::default() {
            return;
        }
        for bucket in buckets_of(moment) {
            for pipeline in [ALL, pipeline.get()] {
                *self.tallies.entry((account.get(), pipeline, bucket.level, bucket.index)).or_default() +=
                    tally;
            }
        }
    }

    /// Counts what comes to wait, or waits no longer.
    pub(crate) fn waiting(
        &mut self,
        account: AccountId,
        key: OrderKey,
        pipeline: PipelineId,
        moment: Moment,
        category: Category,
        by: i64,
    ) {
        for bucket in guides_of(moment) {
            for pipeline in [ALL, pipeline.get()] {
                let key = (account.get(), number(key), pipeline, bucket.level, bucket.index);
                self.guides.entry(key).or_default()[category.index()] += by;
            }
        }
    }

    /// Adds it to the tables.
    pub(crate) fn write(&self, connection: &Connection) -> Result<(), Fault> {
        for ((account, pipeline, level, bucket), tally) in &self.tallies {
            let [sip, forms, chats, mail, accepted, declined, linked, high, low] = tally.to_columns();
            let sql = "INSERT INTO tallies (account_id, pipeline_id, level, bucket, sip, forms, chats, mail, accepted, declined,
                                            linked, sort_high, sort_low)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
                       ON CONFLICT (account_id, pipeline_id, level, bucket) DO UPDATE SET
                           sip = sip + excluded.sip, forms = forms + excluded.forms,
                           chats = chats + excluded.chats, mail = mail + excluded.mail,
                           accepted = accepted + excluded.accepted, declined = declined + excluded.declined,
                           linked = linked + excluded.linked, sort_high = sort_high + excluded.sort_high,
                           sort_low = sort_low + excluded.sort_low";
            let counts = (sip, forms, chats, mail);
            execute(
                connection,
                sql,
                (
                    account, pipeline, level, bucket, counts.0, counts.1, counts.2, counts.3, accepted,
                    declined, linked, high, low,
                ),
            )?;
        }
        for ((account, key, pipeline, level, bucket), counts) in &self.guides {
            let [sip, forms, chats, mail] = counts;
            if counts == &[0; 4] {
                continue;
            }
            let sql = "INSERT INTO guides (account_id, order_key, pipeline_id, level, bucket, sip, forms, chats, mail)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                       ON CONFLICT (account_id, order_key, pipeline_id, level, bucket) DO UPDATE SET
                           sip = sip + excluded.sip, forms = forms + excluded.forms,
                           chats = chats + excluded.chats, mail = mail + excluded.mail";
            execute(connection, sql, (account, key, pipeline, level, bucket, sip, forms, chats, mail))?;
            if counts.iter().any(|count| *count < 0) {
                let sql = "DELETE FROM guides WHERE account_id = ?1 AND order_key = ?2 AND pipeline_id = ?3
                           AND level = ?4 AND bucket = ?5 AND sip = 0 AND forms = 0 AND chats = 0 AND mail = 0";
                execute(connection, sql, (account, key, pipeline, level, bucket))?;
            }
        }
        Ok(())
    }
}

const fn number(key: OrderKey) -> u8 {
    match key {
        OrderKey::CreatedAt => 0,
        OrderKey::UpdatedAt => 1,
    }
}

/// How many of these categories and pipelines wait in each bucket of a run.
pub(crate) fn waiting(
    connection: &Connection,
    account: AccountId,
    key: OrderKey,
    categories: &[Category],
    pipelines: Option<&[PipelineId]>,
    run: Run,
) -> Result<BTreeMap<u64, u64>, Fault> {
    let sql = "SELECT bucket, sip, forms, chats, mail FROM guides WHERE account_id = ?1 AND order_key = ?2
               AND pipeline_id = ?3 AND level = ?4 AND bucket BETWEEN ?5 AND ?6";
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for pipeline in numbers(pipelines) {
        let params = (account.get(), number(key), pipeline, run.level, run.first, run.last);
        let found = all(connection, "guides", sql, params, |row| {
            let columns: [u64; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            let count = categories.iter().map(|category| columns[category.index()]).sum::<u64>();
            Ok((row.get::<_, u64>(0)?, count))
        })?;
        found.into_iter().for_each(|(bucket, count)| *counts.entry(bucket).or_default() += count);
    }
    Ok(counts)
}

fn numbers(pipelines: Option<&[PipelineId]>) -> Vec<u64> {
    let Some(pipelines) = pipelines else { return vec![ALL] };
    let mut numbers: Vec<u64> = pipelines.iter().map(|pipeline| pipeline.get()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// The tally of what happened in the query's window (R12).
pub(crate) fn tally(
    connection: &Connection,
    account: AccountId,
    query: &SummaryQuery,
) -> Result<Tally, Fault> {
    let SummaryQuery { uids, pipelines, window } = query;
    let Some(uids) = uids else {
        return of_window(connection, account, pipelines.as_deref(), *window);
    };
    let mut uids: Vec<_> = uids.iter().collect();
    uids.sort_unstable();
    uids.dedup();
    let mut tally = Tally::default();
    for uid in uids {
        let events = history::of_uid(connection, account, uid)?;
        let counted = events.iter().filter(|event| {
            window.contains(event.moment())
                && pipelines.as_ref().is_none_or(|pipelines| pipelines.contains(&event.pipeline_id))
        });
        tally += counted.map(Tally::of).sum();
    }
    Ok(tally)
}

fn of_window(
    connection: &Connection,
    account: AccountId,
    pipelines: Option<&[PipelineId]>,
    window: Window,
) -> Result<Tally, Fault> {
    let sql = "SELECT COALESCE(SUM(sip), 0), COALESCE(SUM(forms), 0), COALESCE(SUM(chats), 0),
                      COALESCE(SUM(mail), 0), COALESCE(SUM(accepted), 0), COALESCE(SUM(declined), 0),
                      COALESCE(SUM(linked), 0), COALESCE(SUM(sort_high), 0), COALESCE(SUM(sort_low), 0)
               FROM tallies WHERE account_id = ?1 AND pipeline_id = ?2 AND level = ?3 AND bucket BETWEEN ?4 AND ?5";
    let mut tally = Tally::default();
    for pipeline in numbers(pipelines) {
        for Run { level, first, last } in cover(window) {
            let found =
                one(connection, "tallies", sql, (account.get(), pipeline, level, first, last), |row| {
                    let mut columns = [0; 9];
                    for (index, column) in columns.iter_mut().enumerate() {
                        *column = row.get(index)?;
                    }
                    let damaged = || Fault::damaged("tallies", format!("{level}/{first}"), "it is negative");
                    Tally::from_columns(columns).ok_or_else(damaged)
                })?;
            tally += found.unwrap_or_default();
        }
    }
    Ok(tally)
}
