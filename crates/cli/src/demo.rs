//! The demo: an account that is built in, and calls that are ready to paste.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use incoming_leads_model::document::{Line, Secret, Token, TokenKind};
use incoming_leads_model::{
    AccountId, Category, Draft, ListFilter, ListQuery, Metadata, Moment, PageRequest, PipelineId, Right, Uid,
    User, UserId,
};
use incoming_leads_port::{Principal, Registry};
use incoming_leads_server::OAuth;

use crate::database::Database;
use crate::seed::Seed;

/// The account of the v4 Kommo document, with what the examples of both v4 documents name.
const SEED: &str = include_str!("../demo/example.seed");

const ACCOUNT: u64 = 31_361_463;
const ADMINISTRATOR: u64 = 8_375_357;
const PIPELINE: u64 = 6_950_551;

/// The integration of the demo.
const CLIENT: &str = "7d6e1b2a-5c3f-4e8d-9a41-0b6c2f9e8d17";
const CLIENT_SECRET: &str = "demo-secret";
const REDIRECT_URI: &str = "https://example.com/oauth";

/// The newest lead that waits has come in so long ago.
const NEWEST_SECS: i64 = 300;

/// The demo's document with the keys to it. What waits has come in during the last hours.
///
/// A token of the operator's own is the administrator's, and then there is no other.
pub(crate) fn open(token: Option<String>, now: Moment) -> Result<(Seed, Keys)> {
    let mut seed = Seed::parse("the demo", SEED)?;
    let newest = seed.drafts_mut().filter_map(|draft| draft.created_at).max().unwrap_or(now);
    for draft in seed.drafts_mut() {
        postpone(draft, now.secs() - NEWEST_SECS - newest.secs())?;
    }
    let is_public = token.is_none();
    if let Some(token) = token {
        let Principal { account_id, user_id } = administrator()?;
        seed.replace_tokens(Token::bearer(account_id, user_id, Secret::Plain(token)));
    }
    let mut users: Vec<&User> = Vec::new();
    let (mut all, mut api_key) = (Vec::new(), None);
    for line in seed.lines() {
        match line {
            Line::Account(layout) => users.extend(&layout.users),
            Line::Token(Token { user_id, kind: TokenKind::Bearer, secret: Secret::Plain(token), .. }) => {
                let user = users.iter().find(|user| user.id == *user_id);
                all.extend(user.map(|user| (token.clone(), (*user).clone())));
            }
            Line::Token(Token { user_id, kind: TokenKind::ApiKey, secret: Secret::Plain(key), .. }) => {
                let user = users.iter().find(|user| user.id == *user_id);
                api_key = user.map(|user| (user.email.clone(), key.clone()));
            }
            _ => {}
        }
    }
    let keys = Keys { all, api_key, is_public };
    Ok((seed, keys))
}

fn postpone(draft: &mut Draft, secs: i64) -> Result<()> {
    let told = match &mut draft.metadata {
        Some(Metadata::Sip(call)) => &mut call.called_at,
        Some(Metadata::Forms(form)) => &mut form.form_sent_at,
        Some(Metadata::Chats(chat)) => &mut chat.received_at,
        Some(Metadata::Mail(mail)) => &mut mail.received_at,
        None => &mut None,
    };
    for moment in [&mut draft.created_at, told].into_iter().flatten() {
        *moment = Moment::from_secs(moment.secs() + secs)?;
    }
    Ok(())
}

fn administrator() -> Result<Principal> {
    Ok(Principal { account_id: AccountId::new(ACCOUNT)?, user_id: UserId::new(ADMINISTRATOR)? })
}

/// The tokens of the demo, the administrator's first.
pub(crate) struct Keys {
    all: Vec<(String, User)>,
    /// The administrator's login and key for v2.
    api_key: Option<(String, String)>,
    /// Whether everybody who has read the source knows them.
    pub(crate) is_public: bool,
}

impl Keys {
    /// Tokens, and a call for each operation that succeeds as it is printed: alone, and in any order.
    ///
    /// `program` is how this program is called, `url` where its server listens.
    pub(crate) async fn invitation(
        &self,
        registry: &dyn Registry,
        oauth: &OAuth,
        program: &str,
        url: &str,
        database: &Database,
        now: Moment,
    ) -> Result<String> {
        let waiting = Waiting::look_up(registry).await?;
        let (token, _) = self.all.first().context("the demo has a token")?;
        let code = oauth.give_code(administrator()?, CLIENT).await?;
        let over_v2 = self.api_key.as_ref().map(|(login, key)| over_v2(url, login, key, now));
        let integration = over_v2.unwrap_or_default() + &integration(url, &code);
        Ok(text(&self.all, &Shell { program, url, token }, &waiting, database, &integration, now))
    }
}

/// What waits: another lead for each call, so that none takes away another's. A demo that lasts runs out of them.
struct Waiting {
    to_get: Option<Uid>,
    to_accept: Option<Uid>,
    to_decline: Option<Uid>,
    to_link: Option<Uid>,
}

impl Waiting {
    async fn look_up(registry: &dyn Registry) -> Result<Self> {
        let incoming = registry.open(administrator()?).await?.incoming;
        let newest = async |category| {
            let pipelines = Some(vec![PipelineId::new(PIPELINE)?]);
            let filter = ListFilter { categories: Some(vec![category]), pipelines, ..ListFilter::default() };
            let query = ListQuery { filter, page: PageRequest::new(1, 1)?, ..ListQuery::default() };
            anyhow::Ok(incoming.list(&query).await?.items.into_iter().next().map(|lead| lead.uid))
        };
        Ok(Self {
            to_get: newest(Category::Mail).await?,
            to_accept: newest(Category::Forms).await?,
            to_decline: newest(Category::Sip).await?,
            to_link: newest(Category::Chats).await?,
        })
    }
}

/// Writes commands for a shell. Tokens, addresses and uids of ours hold nothing that it would read as its own.
struct Shell<'a> {
    program: &'a str,
    url: &'a str,
    token: &'a str,
}

impl Shell<'_> {
    /// A call of the eight; without a body it is a GET.
    fn call(&self, method: &str, target: &str, body: &str) -> String {
        let Self { url, token, .. } = self;
        let target = format!("'{url}/api/v4/leads/unsorted{target}'");
        let curl = format!("curl -sSg -w '\\n' -H 'Authorization: Bearer {token}'");
        match body {
            "" => format!("{curl} {target}"),
            body => {
                format!("{curl} -X {method} -H 'Content-Type: application/json' {target} -d {}", quoted(body))
            }
        }
    }

    fn intake(&self) -> String {
        let Self { program, url, token } = self;
        let program = quoted(program);
        format!(
            "INCOMING_LEADS_TOKEN='{token}' {program} intake chat --url '{url}' --chat-id demo-1 --from 'Maya' --text 'Are you open today?'"
        )
    }
}

/// A word for a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn text(
    keys: &[(String, User)],
    shell: &Shell<'_>,
    waiting: &Waiting,
    database: &Database,
    integration: &str,
    now: Moment,
) -> String {
    let lasting = match database {
        Database::Memory => "It lives in memory: each start begins afresh.",
        Database::Sqlite(_) | Database::Postgres(_) => {
            "It lasts: each start goes on where the last one ended."
        }
    };
    let Waiting { to_get, to_accept, to_decline, to_link } = waiting;
    let (call, form) =
        (CALL.replace("NOW", &now.secs().to_string()), FORM.replace("NOW", &now.secs().to_string()));
    let (accept, decline) = (r#"{"user_id":8375357,"status_id":58141807}"#, r#"{"user_id":8375357}"#);
    let link = r#"{"link":{"entity_id":152464,"entity_type":"leads"}}"#;
    let of = |uid: &Option<Uid>, method, what: &str, body| {
        uid.as_ref().map(|uid| shell.call(method, &format!("/{uid}{what}"), body))
    };
    let summary = shell.call("GET", &format!("/summary?filter[pipeline_id]={PIPELINE}"), "");
    let calls = [
        ("List what waits", Some(shell.call("GET", "?limit=3&order[created_at]=desc", ""))),
        ("Get one", of(to_get, "GET", "", "")),
        ("Add a call", Some(shell.call("POST", "/sip", &call))),
        ("Add a form", Some(shell.call("POST", "/forms", &form))),
        ("Accept a form", of(to_accept, "POST", "/accept", accept)),
        ("Decline a call", of(to_decline, "DELETE", "/decline", decline)),
        ("Link a chat to a lead", of(to_link, "POST", "/link", link)),
        ("Sum up", Some(summary)),
        ("Take a chat in, as a built-in integration would", Some(shell.intake())),
    ];
    let mut text = format!("\nThe demo is account {ACCOUNT}. {lasting}\n\nTokens:\n");
    let (claims, plain): (Vec<_>, Vec<_>) = keys.iter().partition(|(token, _)| is_jwt(token));
    let width = plain.iter().map(|(token, _)| token.len()).max().unwrap_or_default();
    // Writing to a String cannot fail.
    for (token, user) in plain {
        let _ = writeln!(text, "  {token:width$}  {}, user {}: {}", user.name, user.id, rights(user));
    }
    for (token, user) in claims {
        let _ =
            writeln!(text, "\nFor clients that read the claims of a token, one of {}:\n  {token}", user.name);
    }
    text += integration;
    let _ = writeln!(text, "\nReady to paste into another shell, in any order:");
    for (what, call) in calls.into_iter().filter_map(|(what, call)| Some((what, call?))) {
        let _ = writeln!(text, "\n{what}:\n{call}");
    }
    text
}

/// What a client of v2 needs.
fn over_v2(url: &str, login: &str, key: &str, now: Moment) -> String {
    let call = |target: &str, body: &str| {
        let mark = if target.contains('?') { '&' } else { '?' };
        let target = format!("'{url}/api/v2/incoming_leads{target}{mark}login={login}&api_key={key}'");
        match body {
            "" => format!("curl -sSg -w '\\n' {target}"),
            body => format!("curl -sSg -w '\\n' -X POST {target} -d {}", quoted(body)),
        }
    };
    let list = call("?page_size=3", "");
    let add = call("/sip", &V2_CALL.replace("NOW", &now.secs().to_string()));
    format!(
        "\nFor clients that speak v2:\n  login    {login}\n  api_key  {key}\n\n\
         List what waits, over v2:\n{list}\n\nAdd a call, over v2:\n{add}\n"
    )
}

/// What a client of OAuth needs.
fn integration(url: &str, code: &str) -> String {
    let asked = format!(
        r#"{{"client_id":"{CLIENT}","client_secret":"{CLIENT_SECRET}","redirect_uri":"{REDIRECT_URI}","grant_type":"authorization_code","code":"{code}"}}"#
    );
    format!(
        "\nFor integrations (OAuth 2.0), which get a token for a day and renew it:\n  \
         client_id      {CLIENT}\n  client_secret  {CLIENT_SECRET}\n  redirect_uri   {REDIRECT_URI}\n  \
         code           {code}\n\nOnce, within 20 minutes, get the first tokens:\n\
         curl -sSg -w '\\n' -X POST -H 'Content-Type: application/json' '{url}/oauth2/access_token' -d {}\n",
        quoted(&asked)
    )
}

/// Whether a client that takes a token for a JWT finds claims in it. Source: several clients read `exp` of every token.
fn is_jwt(token: &str) -> bool {
    token.starts_with("ey") && token.split('.').count() == 3
}

fn rights(user: &User) -> String {
    let all = [
        (Right::View, "view"),
        (Right::Add, "add"),
        (Right::Sort, "accept and decline"),
        (Right::Administrate, "link"),
    ];
    let held: Vec<_> = all.into_iter().filter(|(right, _)| user.rights.permit(*right)).collect();
    format!("may {}", held.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", "))
}

/// A call as the v4 Kommo document has it; a moment of its own makes it like no other.
const CALL: &str = r#"[{"request_id":"123","source_name":"Acme Co.","source_uid":"a1fee7c0fc436088e64ba2e8822ba2b3","pipeline_id":6950551,"created_at":NOW,"_embedded":{"leads":[{"name":"Tech maintenance","price":5000,"custom_fields_values":[{"field_id":184994,"values":[{"value":true}]}],"_embedded":{"tags":[{"id":2164}]}}],"contacts":[{"name":"Example contact"}],"companies":[{"name":"Acme Co."}]},"metadata":{"is_call_event_needed":true,"uniq":"a1fe231cc88e64ba2e8822ba2b3ewrw","duration":54,"service_code":"CkAvbEwPam6sad","link":"https://example.com","phone":14155551234,"called_at":NOW,"from":"onlinePBX"}}]"#;

/// A call as a v2 client in PHP sends it; a moment of its own makes it like no other.
const V2_CALL: &str = "add[0][source_name]=Acme+Co.&add[0][source_uid]=a1fee7c0fc436088e64ba2e8822ba2b3&add[0][created_at]=NOW&add[0][incoming_lead_info][to]=41565&add[0][incoming_lead_info][from]=%2B19456153101&add[0][incoming_lead_info][date_call]=NOW&add[0][incoming_lead_info][duration]=56&add[0][incoming_lead_info][link]=https://example.com&add[0][incoming_lead_info][service_code]=CkKwPam6&add[0][incoming_lead_info][uniq]=a1fee7c0&add[0][incoming_lead_info][add_note]=Call+back&add[0][incoming_entities][leads][0][name]=Chain+saws&add[0][incoming_entities][leads][0][price]=1000&add[0][incoming_entities][leads][0][tags]=MT,+services&add[0][incoming_entities][contacts][0][name]=Jason+Nash&add[0][incoming_entities][companies][0][name]=Company+LLC";

/// A form as the v4 Kommo document has it; a moment of its own makes it like no other.
const FORM: &str = r#"[{"request_id":"456","source_name":"Asme Co.","source_uid":"a1fee7c0fc436088e64ba2e8822ba2b3","pipeline_id":6950551,"created_at":NOW,"_embedded":{"leads":[{"name":"Tech maintenance","price":5500,"custom_fields_values":[{"field_id":184994,"values":[{"value":true}]}],"_embedded":{"tags":[{"id":2164}]}}],"contacts":[{"name":"Example 2 contact"}],"companies":[{"name":"Atme Co."}]},"metadata":{"ip":"123.222.2.22","form_id":"a1fee7c0fc436088e64ba2e8822ba2b3ewrw","form_sent_at":NOW,"form_name":"Application form","form_page":"https://example.com","referer":"https://www.google.com"}}]"#;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use incoming_leads_model::Summary;
    use incoming_leads_port::{Clock, SystemClock};

    use super::*;
    use crate::seed::plant;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn an_own_token_is_the_only_one() {
        let (seed, keys) = open(Some("mine".to_owned()), SystemClock.now()).expect("the demo is sound");
        let tokens: Vec<_> = seed.lines().filter(|line| matches!(line, Line::Token(_))).collect();
        assert_eq!(
            (tokens.len(), keys.all.len(), keys.all[0].0.as_str(), keys.is_public),
            (1, 1, "mine", false)
        );
        let (_, keys) = open(None, SystemClock.now()).expect("the demo is sound");
        assert!(keys.all.len() > 2 && keys.all[0].1.rights.administrate && keys.is_public);
    }

    #[test]
    fn one_token_is_a_jwt_and_is_told_apart() {
        let (_, keys) = open(None, SystemClock.now()).expect("the demo is sound");
        let claims: Vec<_> = keys.all.iter().filter(|(token, _)| is_jwt(token)).collect();
        assert!(claims.len() == 1 && claims[0].1.rights.administrate);
        assert!(!is_jwt("demo") && !is_jwt("ey.x"));
    }

    #[tokio::test]
    async fn all_categories_wait_and_the_summary_counts_them() {
        let (seed, _) = open(None, SystemClock.now()).expect("the demo is sound");
        let memory = incoming_leads_memory::Memory::default();
        plant(seed.checked().await.expect("the demo is sound"), &memory).await.expect("the demo is sound");
        let incoming = memory.open(administrator().expect("ids")).await.expect("the administrator").incoming;
        let page = incoming.list(&ListQuery::default()).await.expect("a page");
        let mut counts = BTreeMap::new();
        for lead in &page.items {
            *counts.entry(lead.category()).or_insert(0) += 1;
        }
        let newest = SystemClock.now().secs_since(page.items[0].created_at);
        assert!((300..400).contains(&newest), "the newest came in {newest} s ago");
        assert!(counts[&Category::Chats] >= 8 && counts[&Category::Mail] >= 4, "{counts:?}");
        let Summary { total, categories, .. } =
            incoming.summary(&Default::default()).await.expect("a summary");
        assert_eq!(total, page.items.len() as u64);
        for category in Category::ALL {
            assert_eq!(categories[category.index()], counts[&category], "{category}");
        }
    }
}
