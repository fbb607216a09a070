//! A document of any length, as `export` would write it, made line by line.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// The demo's account without what came in there.
const ACCOUNT: u64 = 31_361_463;
const USER: u64 = 8_375_357;
const PIPELINES: [(u64, u64, u64); 2] =
    [(6_950_551, 58_141_803, 58_141_807), (2_194_576, 30_846_277, 30_846_280)];
/// The first came in then (UTC), each other one a minute later.
const BEGIN: u64 = 1_700_000_000;
const APART: u64 = 60;
/// Its decision came so much later.
const THINKING: u64 = 1_830;

/// Writes a document that begins so and has this many leads more: calls, forms, chats and mails, of which half wait, a
/// quarter was accepted and a quarter declined. Each brings this text along.
pub(crate) fn write(path: &Path, begin: &str, leads: u64, text: &str) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "{begin}")?;
    // Events first, oldest first, as in an export: a decision comes among the adds of its own moment.
    let delay = THINKING.div_ceil(APART);
    for step in 0..leads + delay {
        if let Some(number) = step.checked_sub(delay) {
            Lead { number, text }.decision(&mut file)?;
        }
        if step < leads {
            Lead { number: step, text }.addition(&mut file)?;
        }
    }
    for number in 0..leads {
        Lead { number, text }.rows(&mut file)?;
    }
    file.flush()
}

/// What the demo's seed begins with: the header, the account and its tokens.
pub(crate) fn account(seed: &str) -> &str {
    let end = seed.find("\n{\"tag\"").expect("the seed has tags behind its tokens");
    &seed[..end]
}

#[derive(Clone, Copy)]
struct Lead<'a> {
    number: u64,
    text: &'a str,
}

impl Lead<'_> {
    fn addition(self, to: &mut impl Write) -> Result<()> {
        let (lead, contact, item) = (self.lead(false), self.contact(false), self.item());
        self.event(
            to,
            self.created_at(),
            &format!(r#"{{"added":{{"item":{item},"lead":{lead},"contact":{contact}}}}}"#),
        )
    }

    fn decision(self, to: &mut impl Write) -> Result<()> {
        let (_, _, first) = self.pipeline();
        let links = self.links();
        let kind = match self.number / 4 % 4 {
            2 => format!(r#"{{"accepted":{{"status_id":{first},"links":{links}}}}}"#),
            3 => format!(r#"{{"declined":{{"links":{links}}}}}"#),
            _ => return Ok(()),
        };
        self.event(to, self.created_at() + THINKING, &kind)
    }

    fn event(self, to: &mut impl Write, recorded_at: u64, kind: &str) -> Result<()> {
        let (uid, (category, _), (pipeline, ..)) = (self.uid(), self.metadata(), self.pipeline());
        let created_at = self.created_at();
        writeln!(
            to,
            r#"{{"event":{{"account_id":{ACCOUNT},"uid":"{uid}","category":"{category}","pipeline_id":{pipeline},"created_at":{created_at},"recorded_at":{recorded_at},"by":{USER},"on_behalf_of":{USER},"kind":{kind}}}}}"#
        )
    }

    /// What is there of it at the end.
    fn rows(self, to: &mut impl Write) -> Result<()> {
        let of = |kind: &str, row: &str| format!(r#"{{"{kind}":{{"account_id":{ACCOUNT},"row":{row}}}}}"#);
        writeln!(to, "{}", of("lead", &self.lead(true)))?;
        writeln!(to, "{}", of("contact", &self.contact(true)))?;
        if self.number / 4 % 4 < 2 {
            writeln!(to, "{}", of("item", &self.item()))?;
        }
        Ok(())
    }

    fn item(self) -> String {
        let (uid, (category, metadata), (pipeline, ..)) = (self.uid(), self.metadata(), self.pipeline());
        let (created_at, links) = (self.created_at(), self.links());
        format!(
            r#"{{"uid":"{uid}","source_name":"Telephone system","source_uid":"pbx-main","pipeline_id":{pipeline},"created_at":{created_at},"updated_at":{created_at},"version":1,"metadata":{{"{category}":{metadata}}},"links":{links}}}"#
        )
    }

    /// As it came in, or as it is at the end.
    fn lead(self, is_settled: bool) -> String {
        let (pipeline, unsorted, first) = self.pipeline();
        let (number, id, contact) = (self.number, self.lead_id(), self.contact_id());
        let (status, rest) = self.fate(is_settled);
        let status = if status { first } else { unsorted };
        format!(
            r#"{{"id":{id},"pipeline_id":{pipeline},"status_id":{status},"price":{number},"card":{{"name":"Heating out in flat {number}"}},"contacts":[{contact}],{rest}}}"#
        )
    }

    fn contact(self, is_settled: bool) -> String {
        let (number, id, (_, rest)) = (self.number, self.contact_id(), self.fate(is_settled));
        format!(
            r#"{{"id":{id},"card":{{"name":"Tenant {number}","custom_fields":[{{"field":{{"code":"PHONE"}},"values":[{{"value":"+1415{number:07}","choice":{{"code":"MOB"}}}}]}}]}},{rest}}}"#
        )
    }

    /// Whether it was accepted, and the end of its rows.
    fn fate(self, is_settled: bool) -> (bool, String) {
        let created_at = self.created_at();
        let (flag, updated_at, bin) = match self.number / 4 % 4 {
            2 if is_settled => ("", created_at + THINKING, ""),
            3 if is_settled => (r#""is_unsorted":true,"#, created_at + THINKING, r#","is_deleted":true"#),
            _ => (r#""is_unsorted":true,"#, created_at, ""),
        };
        let stamp = format!(
            r#"{flag}"stamp":{{"created_by":{USER},"updated_by":{USER},"created_at":{created_at},"updated_at":{updated_at}{bin}}}"#
        );
        (flag.is_empty(), stamp)
    }

    fn metadata(self) -> (&'static str, String) {
        let (number, at, text) = (self.number, self.created_at(), self.text);
        match number % 4 {
            0 => (
                "sip",
                format!(
                    r#"{{"from":"14155550141","phone":"{number}","called_at":{at},"duration":184,"link":"https://pbx.example.com/recordings/{number}{text}","service_code":"pbx"}}"#
                ),
            ),
            1 => (
                "forms",
                format!(
                    r#"{{"form_id":"{number}","form_name":"Offer","form_page":"https://example.com/offer{text}","ip":"203.0.113.7","form_sent_at":{at},"referer":"https://example.com/"}}"#
                ),
            ),
            2 => (
                "chats",
                format!(
                    r#"{{"from":"Ann","received_at":{at},"service":"livechat","client":{{"name":"Ann"}},"origin":{{"chat_id":"chat-{number}"}},"last_message_text":"Do you also repair heat pumps? {text}"}}"#
                ),
            ),
            _ => (
                "mail",
                format!(
                    r#"{{"from":{{"email":"jo@example.com","name":"Jo"}},"received_at":{at},"subject":"An offer, please","thread_id":"{number}","message_id":"{number}","content_summary":"The heating is out in two flats. {text}"}}"#
                ),
            ),
        }
    }

    fn links(self) -> String {
        format!(r#"{{"lead":{{"made":{}}},"contact":{{"made":{}}}}}"#, self.lead_id(), self.contact_id())
    }

    fn pipeline(self) -> (u64, u64, u64) {
        PIPELINES[usize::from(self.number.is_multiple_of(5))]
    }

    /// As uids are made: they grow with time.
    fn uid(self) -> String {
        format!("{:060x}", u128::from(self.number + 1) << 64)
    }

    const fn lead_id(self) -> u64 {
        1_000_000 + self.number
    }

    const fn contact_id(self) -> u64 {
        2_000_000_000 + self.number
    }

    const fn created_at(self) -> u64 {
        BEGIN + self.number * APART
    }
}
