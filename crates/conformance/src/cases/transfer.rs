//! Exporting and importing: what a store holds goes over into another, and answers the same there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use incoming_leads_model::document::{Incoming, Line, Of, Secret, Token, VERSION};
use incoming_leads_model::grant::{Due, Grant};
use incoming_leads_model::limits::MAX_NAME_CHARS;
use incoming_leads_model::{
    Accept, AccountId, Add, Cards, Contact, ContactId, Decline, Direction, Draft, EntityRef, IncomingLead,
    Item, Layout, Lead, LeadId, Link, LinkTarget, ListFilter, ListQuery, Metadata, Moment, Order, OrderKey,
    PageRequest, Receipt, SummaryQuery, Tag, TagId, TagRef, Uid, UserId, Window,
};
use incoming_leads_port::{
    AccountKey, Digest, EntityQuery, Error, ErrorKind, Floor, Operation, Ports, Principal,
};

use crate::act::{a_chat, add, contact, power, race, take_in, uids, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::{at, call, chat, form, one};
use crate::failure::{Done, Failure, fails, holds, same, some};
use crate::fixture::{ADMINISTRATOR, CLIENT, CONTACT, MAIN, SORTER, START, TARGET_LEAD, VIEWER};
use crate::subject::{Instance, Store};

pub(super) const CASES: &[Case] = &[
    case!("transfer"::a_copy_answers_the_same, R4, "What was exported answers every question the same where it is imported.")
        .with_store()
        .with_another(),
    case!("transfer"::a_copy_goes_on, R7, "What waits in a copy can be decided there, and its identities are taken there.")
        .with_store()
        .with_another(),
    case!("transfer"::a_document_counts_once, R12, "A document that is taken over twice counts once.")
        .with_store()
        .with_another(),
    case!("transfer"::what_comes_between_two_pieces_stays, R15, "What is added between two pieces of a document has ids that no later piece brings.")
        .with_store()
        .with_another()
        .with_directory(),
    case!("transfer"::what_was_decided_stays_decided, R7, "What was decided since a document was taken over does not wait again when it is taken over once more.")
        .with_store()
        .with_another()
        .with_directory(),
    case!("transfer"::what_was_decided_stays_decided_when_it_changes_elsewhere, R7, "A chat that was decided in a copy does not wait there again when a later document brings a message that came before that was known.")
        .with_store()
        .with_another()
        .with_intake(),
    case!("transfer"::what_was_decided_elsewhere_waits_no_longer, R7, "What waits in a copy and was decided where a later document comes from waits no longer once that is taken over.")
        .with_store()
        .with_another()
        .with_directory(),
    case!("transfer"::what_an_import_changes_has_another_version, R13, "An import that puts another item in the place of one of the same version gives it a later one; the same document once more changes nothing.")
        .with_store()
        .with_another()
        .with_versioned()
        .with_intake(),
    case!("transfer"::a_life_may_be_told_at_once, R7, "Lines of one call may tell what came in, that it waits and how it was decided: it does not wait, whether it waited before or not.")
        .with_store()
        .with_another()
        .with_intake(),
    case!("transfer"::credentials_come_along, R11, "Who may come in may come in to the copy; no secret is told.")
        .with_store()
        .with_another(),
    case!("transfer"::an_account_is_told_alone, R11, "The export of an account tells of that one only, its account first.")
        .with_store(),
    case!("transfer"::an_unknown_account_is_refused, R11, "The export of an account that does not exist is refused.")
        .with_store(),
    case!("transfer"::all_lines_or_none, R5, "A document with a draft that is refused leaves nothing behind.")
        .with_store()
        .with_directory(),
    case!("transfer"::drafts_follow_the_rules, R6, "Drafts of a document come in by the rules: twins and unknown users are refused.")
        .with_store(),
    case!("transfer"::documents_that_make_no_sense_are_refused, R15, "Another version, an account that was not told, a plain secret or an id without room above it is refused.")
        .with_store(),
    case!("transfer"::what_no_store_can_hold_is_refused, R15, "A tag, sub-domain or grant whose text is too long or has a NUL, two tags of one name and a version out of range are refused, with the path.")
        .with_store(),
    case!("transfer"::another_account_of_the_same_id_is_refused, R11, "An account that was made at another moment is another one: its id does not put it in the place of the one that is here.")
        .with_store(),
    case!("transfer"::an_account_told_again_is_replaced, R3, "An account that is told again has the new layout, and its leads wait on.")
        .with_store(),
    case!("transfer"::lines_wait_for_what_is_expected, R11, "Lines that expect accounts to be of some layout, or not to be there, are taken over if that is so, else none of them.")
        .with_store(),
    case!("transfer"::one_of_several_changes_holds, R11, "Of several who change what they have read of an account at once, one does, and the others are told.")
        .with_store(),
    case!("transfer"::one_of_several_accounts_is_added, R11, "Of several who add one account at once, with what comes in to it, one does, and the others are told.")
        .with_store()
        .with_another(),
];

fn store(on: &Instance) -> Result<&Arc<dyn Store>, Failure> {
    some("the store", on.store.as_ref())
}

async fn exported(store: &dyn Store, account: AccountId) -> Result<Vec<Line>, Failure> {
    Ok(store.export(Some(account)).try_collect().await?)
}

/// The same account in another store, and the handles of its administrator.
async fn copied(on: &Instance) -> Result<(Arc<dyn Store>, Ports), Failure> {
    let copy = some("another store", on.another().await?)?;
    copy.import(exported(&**store(on)?, on.account).await?).await?;
    let principal = Principal { account_id: on.account, user_id: ADMINISTRATOR };
    let ports = copy.open(principal).await?;
    Ok((copy, ports))
}

/// Some of everything: leads that wait, with tags and notes, and decided ones; a chat that was updated and linked.
async fn live(on: &Instance) -> Done {
    let tagged = |mut draft: Draft| {
        draft.leads.iter_mut().for_each(|lead| lead.card.tags = vec![TagRef::by_name("new")]);
        draft
    };
    let early = Moment::from_secs(START.secs() - 100_000).expect("a moment a day earlier");
    let batch = Add::calls(vec![call(1), tagged(call(2)), at(call(3), early), call(4)]);
    let uids: Vec<_> = on.sorter.incoming.add(&batch).await?.into_iter().map(|receipt| receipt.uid).collect();
    add(&on.sorter, tagged(form(1))).await?;
    let [first, second, ..] = &uids[..] else { return holds("four calls were added", false) };
    on.sorter.incoming.accept(first, &Accept { user_id: Some(VIEWER), status_id: None }).await?;
    on.sorter.incoming.decline(second, &Decline::default()).await?;
    if on.sorter.intake.is_some() {
        for text in ["Hello?", "Hello!", "Hello!"] {
            take_in(&on.sorter, chat("chat-9", text)).await?;
        }
    }
    if on.administrator.incoming.capabilities().link {
        let link = Link { target: LinkTarget::Lead(TARGET_LEAD), contact_id: Some(CONTACT), user_id: None };
        on.administrator.incoming.link(&a_chat(on).await?, &link).await?;
    }
    Ok(())
}

/// All that can be asked for, as text.
async fn answers(ports: &Ports) -> Result<Vec<(String, String)>, Failure> {
    let mut answers = Vec::new();
    let mut put = |what: &str, answer: &dyn Debug| answers.push((what.to_owned(), format!("{answer:#?}")));
    let page = PageRequest::new(1, 500).expect("500 is the largest page");
    let mut uids = Vec::new();
    for key in [OrderKey::CreatedAt, OrderKey::UpdatedAt] {
        let mut query = ListQuery { page, cards: Cards::Include, ..ListQuery::default() };
        query.order.key = key;
        if key == OrderKey::UpdatedAt && !ports.incoming.capabilities().order_by_updated_at {
            continue;
        }
        let listed = ports.incoming.list(&query).await?;
        put("the list", &listed);
        uids = listed.items.into_iter().map(|lead| lead.uid).collect();
        if let Some(versioned) = &ports.versioned {
            put("the versions", &versioned.versions(&query).await?);
        }
    }
    put("the summary", &ports.incoming.summary(&SummaryQuery::default()).await?);
    let since = SummaryQuery { window: Window::since(START), ..SummaryQuery::default() };
    put("the summary from the start on", &ports.incoming.summary(&since).await?);
    if ports.incoming.capabilities().summary_by_uid {
        let of_some = SummaryQuery { uids: Some(uids), ..SummaryQuery::default() };
        put("the summary of what waits", &ports.incoming.summary(&of_some).await?);
    }
    if let Some(history) = &ports.history {
        put("the history", &history.events(None, 1000).await?.events);
    }
    let Some(directory) = &ports.directory else { return Ok(answers) };
    put("the layout", &directory.layout().await?);
    let leads = directory.leads(&EntityQuery::listed(page)).await?;
    put("the leads", &leads);
    put("the contacts", &directory.contacts(&EntityQuery::listed(page)).await?);
    put("the companies", &directory.companies(&EntityQuery::listed(page)).await?);
    put("the customers", &directory.customers(&EntityQuery::listed(page)).await?);
    for Lead { id, contacts, company, .. } in leads.items {
        put("the notes of a lead", &directory.notes(EntityRef::Lead(id), page).await?);
        put("the contacts of a lead", &directory.contacts(&EntityQuery::with_ids(contacts)).await?);
        let company = company.into_iter().collect();
        put("the company of a lead", &directory.companies(&EntityQuery::with_ids(company)).await?);
    }
    Ok(answers)
}

/// The same question is answered by the same text; told is the first line that differs.
async fn same_answers(expected: &Ports, got: &Ports) -> Done {
    let (expected, got) = (answers(expected).await?, answers(got).await?);
    same("the number of answers", expected.len(), got.len())?;
    for ((what, expected), (_, got)) in expected.into_iter().zip(got) {
        let lines = expected.lines().zip(got.lines());
        if let Some((one, other)) = lines.into_iter().find(|(one, other)| one != other) {
            return Err(Failure::new(format!("{what}, in the copy"), one, other));
        }
        same(&format!("the length of {what}, in the copy"), expected.len(), got.len())?;
    }
    Ok(())
}

async fn a_copy_answers_the_same(on: &Instance) -> Done {
    live(on).await?;
    let (_, copy) = copied(on).await?;
    same_answers(&on.administrator, &copy).await
}

async fn a_copy_goes_on(on: &Instance) -> Done {
    live(on).await?;
    let here = add(&on.sorter, call(7)).await?;
    let (_, copy) = copied(on).await?;
    let twin = fails(ErrorKind::Invalid, copy.incoming.add(&one(call(7))).await)?;
    let named = twin.to_string().contains(here.uid.as_str()) || twin.refusal().is_none();
    holds("the refusal of a twin names the one that waits", named)?;
    let accepted = copy.incoming.accept(&here.uid, &Accept::default()).await?;
    same("the lead of what was accepted", here.leads.clone(), accepted.leads)?;
    holds("it does not wait in the copy", !waits(&copy, &here.uid).await?)?;
    holds("it waits where it came from", waits(&on.viewer, &here.uid).await?)?;
    let next = add(&copy, call(7)).await?;
    holds("a lead that is added later has another uid", next.uid != here.uid)?;
    holds("and a larger id", next.leads.zip(here.leads).is_none_or(|(next, here)| next > here))
}

async fn a_document_counts_once(on: &Instance) -> Done {
    live(on).await?;
    let (copy, ports) = copied(on).await?;
    copy.import(exported(&**store(on)?, on.account).await?).await?;
    same_answers(&on.administrator, &ports).await
}

async fn what_comes_between_two_pieces_stays(on: &Instance) -> Done {
    live(on).await?;
    let mut lines = exported(&**store(on)?, on.account).await?;
    // The first piece ends before anything that names the newest lead, whose id is the next one that a copy would give out
    // that knows of no other.
    let (_, body) = some("a header", lines.split_first())?;
    let largest = Floor::of(body).leads;
    let tells = |line: &Line| Floor::of(std::slice::from_ref(line)).leads == largest;
    let newest = 1 + some("the newest lead", body.iter().position(tells))?;
    let rest = lines.split_off(newest);
    let told: BTreeMap<LeadId, Lead> = rest
        .iter()
        .filter_map(|line| match line {
            Line::Lead(Of { row, .. }) => Some((row.id, row.clone())),
            _ => None,
        })
        .collect();
    let copy = some("another store", on.another().await?)?;
    copy.import(lines).await?;
    let ports = copy.open(Principal { account_id: on.account, user_id: ADMINISTRATOR }).await?;
    let mut between = Vec::new();
    for number in 51..=54 {
        let mut draft = call(number);
        draft.leads.iter_mut().for_each(|lead| lead.card.tags = vec![TagRef::by_name("between")]);
        let receipt = add(&ports, draft).await?;
        between.push((own(&ports, &receipt).await?, receipt));
    }
    copy.import(rest).await?;
    for (before, receipt) in &between {
        same("what was added between two pieces", before.clone(), own(&ports, receipt).await?)?;
    }
    let query = EntityQuery::with_ids(told.keys().copied().collect());
    let leads = power(&ports.directory)?.leads(&query).await?.items;
    same("the leads of the second piece", told, leads.into_iter().map(|lead| (lead.id, lead)).collect())?;
    for (_, receipt) in between {
        ports.incoming.accept(&receipt.uid, &Accept::default()).await?;
    }
    Ok(())
}

/// The entities of an incoming lead, as text.
async fn own(ports: &Ports, of: &Receipt) -> Result<String, Failure> {
    let directory = power(&ports.directory)?;
    let page = PageRequest::new(1, 500).expect("500 is the largest page");
    let (leads, contacts) = (of.leads.clone().unwrap_or_default(), of.contacts.clone().unwrap_or_default());
    let mut notes = Vec::new();
    for lead in &leads {
        notes.extend(directory.notes(EntityRef::Lead(*lead), page).await?.items);
    }
    let leads = directory.leads(&EntityQuery::with_ids(leads)).await?.items;
    let contacts = directory.contacts(&EntityQuery::with_ids(contacts)).await?.items;
    Ok(format!("{leads:#?} {contacts:#?} {notes:#?}"))
}

async fn what_was_decided_stays_decided(on: &Instance) -> Done {
    let early = add(&on.sorter, call(7)).await?;
    let later = add(&on.sorter, call(8)).await?;
    let lines = exported(&**store(on)?, on.account).await?;
    let (copy, ports) = copied(on).await?;
    ports.incoming.accept(&early.uid, &Accept::default()).await?;
    ports.incoming.decline(&later.uid, &Decline::default()).await?;
    if ports.incoming.capabilities().link {
        let link = Link { target: LinkTarget::Lead(TARGET_LEAD), contact_id: None, user_id: None };
        ports.incoming.link(&a_chat(on).await?, &link).await?;
    }
    let before = answers(&ports).await?;
    let settled = (own(&ports, &early).await?, own(&ports, &later).await?);
    copy.import(lines).await?;
    fails(ErrorKind::NotFound, ports.incoming.accept(&early.uid, &Accept::default()).await)?;
    fails(ErrorKind::NotFound, ports.incoming.decline(&later.uid, &Decline::default()).await)?;
    same("what was decided", settled, (own(&ports, &early).await?, own(&ports, &later).await?))?;
    for ((what, before), (_, after)) in before.into_iter().zip(answers(&ports).await?) {
        same(&format!("{what}, after the document once more"), before, after)?;
    }
    Ok(())
}

async fn what_was_decided_stays_decided_when_it_changes_elsewhere(on: &Instance) -> Done {
    let uid = take_in(&on.sorter, chat("chat-9", "Hello?")).await?.uid;
    let (copy, ports) = copied(on).await?;
    ports.incoming.accept(&uid, &Accept::default()).await?;
    same("the chat that was updated", &uid, &take_in(&on.sorter, chat("chat-9", "Hello!")).await?.uid)?;
    for _ in 0..2 {
        copy.import(exported(&**store(on)?, on.account).await?).await?;
        holds("it does not wait in the copy", !waits(&ports, &uid).await?)?;
    }
    Ok(())
}

async fn what_was_decided_elsewhere_waits_no_longer(on: &Instance) -> Done {
    let accepted = add(&on.sorter, call(7)).await?.uid;
    let declined = add(&on.sorter, call(8)).await?.uid;
    let (copy, ports) = copied(on).await?;
    holds("both wait in the copy", waits(&ports, &accepted).await? && waits(&ports, &declined).await?)?;
    on.sorter.incoming.accept(&accepted, &Accept::default()).await?;
    on.sorter.incoming.decline(&declined, &Decline::default()).await?;
    copy.import(exported(&**store(on)?, on.account).await?).await?;
    fails(ErrorKind::NotFound, ports.incoming.accept(&accepted, &Accept::default()).await)?;
    fails(ErrorKind::NotFound, ports.incoming.decline(&declined, &Decline::default()).await)?;
    for ((what, before), (_, after)) in
        answers(&on.administrator).await?.into_iter().zip(answers(&ports).await?)
    {
        same(&format!("{what}, where it was decided and in the copy"), before, after)?;
    }
    Ok(())
}

/// An item by its uid, with its version.
async fn versioned(ports: &Ports, uid: &Uid) -> Result<(u64, IncomingLead), Failure> {
    let items = power(&ports.versioned)?.items(std::slice::from_ref(uid)).await?;
    some("the item by its uid", items.into_iter().next())
}

async fn what_an_import_changes_has_another_version(on: &Instance) -> Done {
    let uid = take_in(&on.sorter, chat("chat-9", "Hello?")).await?.uid;
    let (copy, ports) = copied(on).await?;
    take_in(&on.sorter, chat("chat-9", "Hello from here")).await?;
    take_in(&ports, chat("chat-9", "Hello from there")).await?;
    let before = versioned(&ports, &uid).await?;
    let lines = exported(&**store(on)?, on.account).await?;
    copy.import(lines.clone()).await?;
    let after = versioned(&ports, &uid).await?;
    same("the item", versioned(&on.administrator, &uid).await?.1, after.1.clone())?;
    holds("another item has a later version", after.1 == before.1 || after.0 > before.0)?;
    for _ in 0..2 {
        copy.import(lines.clone()).await?;
        same("the item after the document once more", &after, &versioned(&ports, &uid).await?)?;
    }
    take_in(&ports, chat("chat-9", "Hello again")).await?;
    same("the version after one more message", after.0 + 1, versioned(&ports, &uid).await?.0)
}

async fn a_life_may_be_told_at_once(on: &Instance) -> Done {
    let known = take_in(&on.sorter, chat("chat-9", "Hello?")).await?.uid;
    let (copy, ports) = copied(on).await?;
    take_in(&on.sorter, chat("chat-9", "Hello!")).await?;
    let new = take_in(&on.sorter, chat("chat-10", "Hello?")).await?.uid;
    let mut lines = exported(&**store(on)?, on.account).await?;
    for uid in [&known, &new] {
        on.sorter.incoming.decline(uid, &Decline::default()).await?;
    }
    let decisions = exported(&**store(on)?, on.account).await?.into_iter();
    lines.extend(decisions.filter(
        |line| matches!(line, Line::Event(event) if event.settles() && [&known, &new].contains(&&event.uid)),
    ));
    copy.import(lines).await?;
    for uid in [&known, &new] {
        fails(ErrorKind::NotFound, ports.incoming.accept(uid, &Accept::default()).await)?;
    }
    let expected = uids(&waiting(&on.administrator, ListFilter::default()).await?);
    same("what waits", &expected, &uids(&waiting(&ports, ListFilter::default()).await?))?;
    // Pages are found by counts, which have to be those of what waits.
    let order = Order { key: OrderKey::CreatedAt, direction: Direction::Ascending };
    for (place, uid) in (1..).zip(&expected) {
        let page = PageRequest::new(place, 1).expect("it is a page");
        let page = ports.incoming.list(&ListQuery { page, order, ..ListQuery::default() }).await?;
        same("the lead of a page", vec![uid.clone()], uids(&page.items))?;
    }
    Ok(())
}

async fn credentials_come_along(on: &Instance) -> Done {
    let digest = Digest(std::array::from_fn(|place| place as u8));
    let token = Token::bearer(on.account, SORTER, Secret::Sha256(digest.to_hex()));
    store(on)?.enrol(&token).await?;
    let (copy, _) = copied(on).await?;
    same("who comes in to the copy", Some(token), copy.token(&digest).await?)
}

async fn an_account_is_told_alone(on: &Instance) -> Done {
    add(&on.sorter, call(1)).await?;
    add(&on.stranger, call(1)).await?;
    let lines = exported(&**store(on)?, on.account).await?;
    let is_header = matches!(lines.first(), Some(Line::Header { version: VERSION, .. }));
    holds("the first line is the header", is_header)?;
    let accounts = lines.iter().map(|line| match line {
        Line::Account(layout) => Some(layout.account.id),
        _ => None,
    });
    let accounts: Vec<_> = accounts.collect();
    same("the account of the second line", Some(&Some(on.account)), accounts.get(1))?;
    same("the accounts that are told", vec![on.account], accounts.into_iter().flatten().collect())?;
    let foreign = format!("\"account_id\":{}", on.foreign_account);
    let tells = |line: &Line| serde_json::to_string(line).is_ok_and(|text| text.contains(&foreign));
    same("lines of the other account", 0, lines.iter().filter(|line| tells(line)).count())
}

async fn an_unknown_account_is_refused(on: &Instance) -> Done {
    let unknown = AccountId::new(999_999_999).expect("the id is in range");
    let lines: Result<Vec<Line>, _> = store(on)?.export(Some(unknown)).try_collect().await;
    fails(ErrorKind::Invalid, lines).map(drop)
}

async fn all_lines_or_none(on: &Instance) -> Done {
    let row = Contact { id: ContactId::new(990).expect("the id is in range"), ..contact(on, CONTACT).await? };
    let fine = Line::Contact(Of { account_id: on.account, row });
    let bad = draft(on, SORTER, Draft { source_uid: None, ..call(2) });
    let lines = vec![fine, draft(on, SORTER, call(1)), bad];
    let before = waiting(&on.viewer, ListFilter::default()).await?;
    fails(ErrorKind::Invalid, store(on)?.import(lines).await)?;
    same("what waits", before, waiting(&on.viewer, ListFilter::default()).await?)?;
    let query = EntityQuery::with_ids(vec![ContactId::new(990).expect("the id is in range")]);
    let found = power(&on.administrator.directory)?.contacts(&query).await?.items;
    same("the contact of the document", 0, found.len())
}

fn draft(on: &Instance, user_id: UserId, draft: Draft) -> Line {
    Line::Draft(Incoming { account_id: on.account, user_id, draft })
}

async fn drafts_follow_the_rules(on: &Instance) -> Done {
    let store = store(on)?;
    let count = async || Ok::<_, Failure>(waiting(&on.viewer, ListFilter::default()).await?.len());
    let before = count().await?;
    store.import(vec![draft(on, SORTER, call(1)), draft(on, SORTER, chat("chat-2", "More"))]).await?;
    same("how many wait: one more, and a chat that was updated", before + 1, count().await?)?;
    fails(ErrorKind::Invalid, store.import(vec![draft(on, SORTER, call(1))]).await)?;
    fails(
        ErrorKind::Invalid,
        store.import(vec![draft(on, SORTER, form(2)), draft(on, SORTER, form(2))]).await,
    )?;
    let stranger = UserId::new(4711).expect("the id is in range");
    holds("a draft of nobody is refused", store.import(vec![draft(on, stranger, call(3))]).await.is_err())?;
    same("how many wait", before + 1, count().await?)
}

async fn documents_that_make_no_sense_are_refused(on: &Instance) -> Done {
    let lines = exported(&**store(on)?, on.account).await?;
    let untold = AccountId::new(999_999_999).expect("the id is in range");
    let tag = |account_id| {
        lines.iter().find_map(|line| match line {
            Line::Tag(tag) => Some(Line::Tag(Of { account_id, ..tag.clone() })),
            _ => None,
        })
    };
    let token = |user_id, secret| Line::Token(Token::bearer(on.account, user_id, secret));
    let digest = Secret::Sha256(Digest([7; 32]).to_hex());
    let nobody = UserId::new(4711).expect("the id is in range");
    let mut lead = lines.iter().find_map(|line| match line {
        Line::Lead(lead) => Some(lead.clone()),
        _ => None,
    });
    if let (Some(lead), Ok(id)) = (&mut lead, LeadId::new(Floor::HIGHEST + 1)) {
        lead.row.id = id;
    }
    let bad = [
        ("another version", Some(Line::Header { version: VERSION + 1, ids: None })),
        ("an account that was not told", tag(untold)),
        ("a plain secret", Some(token(SORTER, Secret::Plain("secret".to_owned())))),
        ("a digest that is none", Some(token(SORTER, Secret::Sha256("secret".to_owned())))),
        ("a token of nobody", Some(token(nobody, digest))),
        ("an id without room above it", lead.map(Line::Lead)),
    ];
    for (what, line) in bad {
        let line = some(what, line)?;
        let refused = fails(ErrorKind::Invalid, store(on)?.import(vec![line]).await);
        refused.map_err(|failure| Failure { what: format!("{what}: {}", failure.what), ..failure })?;
    }
    Ok(())
}

async fn what_no_store_can_hold_is_refused(on: &Instance) -> Done {
    take_in(&on.sorter, chat("chat-9", "Hello?")).await?;
    let lines = exported(&**store(on)?, on.account).await?;
    let tag = |number: u64, name: &str| {
        let id = TagId::new(900 + number).expect("the id is in range");
        Line::Tag(Of { account_id: on.account, row: Tag { id, name: name.to_owned() } })
    };
    let subdomain = |subdomain: &str| {
        lines.iter().find_map(|line| match line {
            Line::Account(layout) => {
                let mut layout = layout.clone();
                subdomain.clone_into(&mut layout.account.subdomain);
                Some(Line::Account(layout))
            }
            _ => None,
        })
    };
    let grant = |id: &str| {
        Line::Grant(Grant {
            id: id.to_owned(),
            account_id: on.account,
            user_id: SORTER,
            client_id: CLIENT.to_owned(),
            due: Due::Code,
            secret: Secret::Sha256(Digest([7; 32]).to_hex()),
            expires_at: START,
            spent: None,
        })
    };
    let item = |version| {
        lines.iter().find_map(|line| match line {
            Line::Item(Of { account_id, row }) => {
                Some(Line::Item(Of { account_id: *account_id, row: Item { version, ..row.clone() } }))
            }
            _ => None,
        })
    };
    let (nul, long) = ("a\0b", "x".repeat(20 << 10));
    let name = "n".repeat(MAX_NAME_CHARS);
    let bad = [
        ("a NUL in a tag", Some(tag(1, nul)), "tag.row.name"),
        ("a long tag", Some(tag(1, &long)), "tag.row.name"),
        ("a tag that is too long by one", Some(tag(1, &format!("{name}n"))), "tag.row.name"),
        ("a second tag of one name", Some(tag(2, "once")), "tag.row.name"),
        ("a NUL in a sub-domain", subdomain(nul), "account.account.subdomain"),
        ("a long sub-domain", subdomain(&long), "account.account.subdomain"),
        ("a NUL in a grant", Some(grant(nul)), "grant.id"),
        ("a long grant", Some(grant(&long)), "grant.id"),
        ("no version", item(0), "item.row.version"),
        ("a version beyond what is counted", item(1 << 63), "item.row.version"),
    ];
    for (what, line, path) in bad {
        let refused = store(on)?.import(vec![tag(1, "once"), some(what, line)?]).await;
        let refused = fails(ErrorKind::Invalid, refused)
            .map_err(|failure| Failure { what: format!("{what}: {}", failure.what), ..failure })?
            .to_string();
        holds(&format!("{what}: the path in {refused:?}"), refused.contains(&format!("{path}: ")))?;
    }
    store(on)?.import(vec![tag(1, &name), tag(1, "once")]).await?;
    // A later document has the last word.
    store(on)?.import(vec![tag(2, "once")]).await?;
    let told = exported(&**store(on)?, on.account).await?;
    let namesakes = told.iter().filter(|line| matches!(line, Line::Tag(of) if of.row.name == "once"));
    same("tags of one name", vec![&tag(2, "once")], namesakes.collect())
}

async fn another_account_of_the_same_id_is_refused(on: &Instance) -> Done {
    let before = layout(on).await?;
    let mut other = (*before).clone();
    other.account.created_at = other.account.created_at.plus_secs(1);
    other.account.subdomain = format!("{}-beta", other.account.subdomain);
    let told = other.account.subdomain.clone();
    let refused =
        fails(ErrorKind::Invalid, store(on)?.import(vec![Line::Account(Box::new(other.clone()))]).await)?;
    let names_both =
        [before.account.subdomain.as_str(), &told].iter().all(|name| refused.to_string().contains(name));
    holds(&format!("both accounts are named in {:?}", refused.to_string()), names_both)?;
    same("the account", &before, &layout(on).await?)?;
    // By another name it is the same one.
    other.account.created_at = before.account.created_at;
    store(on)?.import(vec![Line::Account(Box::new(other))]).await?;
    same("the sub-domain", told, layout(on).await?.account.subdomain.clone())
}

async fn an_account_told_again_is_replaced(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let lines = exported(&**store(on)?, on.account).await?;
    let layout = lines.into_iter().find_map(|line| match line {
        Line::Account(layout) => Some(layout),
        _ => None,
    });
    let mut layout = some("the account", layout)?;
    layout.pipelines.iter_mut().filter(|pipeline| pipeline.id == MAIN).for_each(|main| {
        main.is_unsorted_on = false;
    });
    store(on)?.import(vec![Line::Account(layout)]).await?;
    fails(ErrorKind::Invalid, on.sorter.incoming.add(&one(call(2))).await)?;
    holds("it waits", waits(&on.viewer, &uid).await?)?;
    on.sorter.incoming.accept(&uid, &Accept::default()).await?;
    Ok(())
}

/// The account as it stands.
async fn layout(on: &Instance) -> Result<Arc<Layout>, Failure> {
    some("the account", store(on)?.account(AccountKey::Id(on.account)).await?)
}

/// The line that gives it another name.
fn named(layout: &Layout, name: &str) -> Line {
    let mut layout = layout.clone();
    layout.account.name = name.to_owned();
    Line::Account(Box::new(layout))
}

async fn lines_wait_for_what_is_expected(on: &Instance) -> Done {
    let (store, id, before) = (store(on)?, on.account, layout(on).await?);
    let count = async || Ok::<_, Failure>(waiting(&on.viewer, ListFilter::default()).await?.len());
    let lines = vec![named(&before, "Second"), draft(on, SORTER, call(1))];
    let nowhere = AccountId::new(999_999_998).expect("the id is in range");
    let waited = count().await?;
    let not_there = [(id, None)];
    holds("the account is there", !store.import_if(&not_there, lines.clone()).await?)?;
    let one_is_not = [(id, Some(before.clone())), (nowhere, Some(before.clone()))];
    holds("another account is not there", !store.import_if(&one_is_not, lines.clone()).await?)?;
    same("the name", before.account.name.clone(), layout(on).await?.account.name.clone())?;
    same("how many wait", waited, count().await?)?;
    let as_it_is = [(id, Some(before.clone())), (nowhere, None)];
    holds("both are as expected", store.import_if(&as_it_is, lines).await?)?;
    same("the name", "Second", layout(on).await?.account.name.as_str())?;
    same("how many wait", waited + 1, count().await?)?;
    holds("it is not any more", !store.import_if(&as_it_is, vec![named(&before, "Third")]).await?)?;
    let after = layout(on).await?;
    let call = draft(on, SORTER, call(2));
    holds("another layout is expected", !store.import_if(&as_it_is, vec![call.clone()]).await?)?;
    holds("it is as it was read", store.import_if(&[(id, Some(after))], vec![call.clone()]).await?)?;
    same("how many wait", waited + 2, count().await?)?;
    let now = [(id, Some(layout(on).await?))];
    fails(ErrorKind::Invalid, store.import_if(&now, vec![call]).await).map(drop)
}

async fn one_of_several_changes_holds(on: &Instance) -> Done {
    let before = layout(on).await?;
    let contender = |number: u8| {
        let (store, before, id) = (Arc::clone(store(on)?), before.clone(), on.account);
        Ok(async move {
            let lines = vec![named(&before, &format!("Name {number}"))];
            told(store.import_if(&[(id, Some(before))], lines).await)
        })
    };
    let contenders = (1..=4).map(contender).collect::<Result<Vec<_>, Failure>>()?;
    same("how many changed it", 1, race(ErrorKind::NotFound, contenders).await?)?;
    let name = layout(on).await?.account.name.clone();
    holds("the winner's name stands", (1..=4).any(|number| name == format!("Name {number}")))
}

async fn one_of_several_accounts_is_added(on: &Instance) -> Done {
    let copy = some("another store", on.another().await?)?;
    let (id, before) = (on.account, layout(on).await?);
    // It has no identity, so that no rule would keep a second one out.
    let mut call = call(1);
    if let Some(Metadata::Sip(call)) = &mut call.metadata {
        call.called_at = None;
    }
    let lines = vec![Line::Account(Box::new((*before).clone())), draft(on, SORTER, call)];
    let contender = |_| {
        let (copy, lines) = (Arc::clone(&copy), lines.clone());
        async move { told(copy.import_if(&[(id, None)], lines).await) }
    };
    same("how many added it", 1, race(ErrorKind::NotFound, (1..=4).map(contender).collect()).await?)?;
    let ports = copy.open(Principal { account_id: id, user_id: ADMINISTRATOR }).await?;
    same("how many wait there", 1, waiting(&ports, ListFilter::default()).await?.len())
}

/// Whoever finds something else is one who lost.
fn told(imported: Result<bool, Error>) -> Result<(), Error> {
    match imported? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotFound, Operation::Provision)),
    }
}
