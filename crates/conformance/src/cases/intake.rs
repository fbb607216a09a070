//! Chats and mails that come in (R2).

use incoming_leads_model::{
    Category, Decline, Draft, FaultCode, ListQuery, Metadata, Moment, Order, OrderKey, PageRequest, Uid,
};
use incoming_leads_port::ErrorKind;

use crate::act::{contact, desk, links, listed, of_category, power, take_in, waiting, waits};
use crate::case::{Case, case};
use crate::drafts::{call, chat, form, intake, mail};
use crate::failure::{Done, Failure, fails, faulty, holds, same, some, told};
use crate::fixture::{ARCHIVED, START, SWITCHED_OFF, WAITING_CHATS, WAITING_MAILS};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("intake"::fixture_waits, R2, "Chats and mails that came in before wait in the list."),
    case!("intake"::chat_comes_in, R2, "A chat comes in and waits.").with_intake(),
    case!("intake"::mail_comes_in, R2, "A mail comes in and waits.").with_intake(),
    case!("intake"::waiting_chat_is_updated, R2, "A further message of a chat that waits updates it: text and moment.")
        .with_intake(),
    case!("intake"::update_counts_as_recorded_now, R2, "A further message moves updated_at, not created_at.")
        .with_intake()
        .with_clock()
        .where_able(|able| able.order_by_updated_at),
    case!("intake"::decided_chat_comes_in_anew, R2, "A chat that was decided comes in again under a new uid.")
        .with_intake(),
    case!("intake"::author_becomes_the_contact, R2, "Without a contact the author of the message becomes one.")
        .with_intake()
        .with_directory(),
    case!("intake"::calls_and_forms_are_not_taken_in, R2, "Calls and forms do not come in by intake.").with_intake(),
    case!("intake"::closed_pipelines_are_refused, R3, "An archived pipeline or one with the stage off takes nothing in.")
        .with_intake(),
    case!("intake"::identical_mail_is_refused, R6, "A second mail of the same thread and message id is refused.")
        .with_intake(),
    case!("intake"::viewer_may_not_take_in, R11, "Taking in asks for the right to add.").with_intake(),
];

async fn fixture_waits(on: &Instance) -> Done {
    let chats = waiting(&on.viewer, of_category(Category::Chats)).await?;
    same("how many chats wait", WAITING_CHATS, chats.len())?;
    same("how many mails wait", WAITING_MAILS, waiting(&on.viewer, of_category(Category::Mail)).await?.len())
}

async fn chat_comes_in(on: &Instance) -> Done {
    comes_in(on, chat("chat-9", "Hello?"), WAITING_CHATS + 1).await
}

async fn mail_comes_in(on: &Instance) -> Done {
    comes_in(on, mail("thread-9", "message-9"), WAITING_MAILS + 1).await
}

async fn comes_in(on: &Instance, draft: Draft, expected: usize) -> Done {
    let metadata = some("metadata", draft.metadata.clone())?;
    let receipt = take_in(&on.sorter, draft).await?;
    told("the category", metadata.category(), receipt.category)?;
    let item = some("it in the list", listed(&on.viewer, &receipt.uid).await?)?;
    let filter = of_category(metadata.category());
    same("its metadata", metadata, item.metadata)?;
    same("how many of the category wait", expected, waiting(&on.viewer, filter).await?.len())
}

/// Text and moment of the last message of the chat.
async fn last_message(on: &Instance, uid: &Uid) -> Result<(Option<String>, Option<Moment>), Failure> {
    match some("the chat in the list", listed(&on.viewer, uid).await?)?.metadata {
        Metadata::Chats(chat) => Ok((chat.last_message_text, chat.received_at)),
        other => Err(Failure::new("the category", "chats", other.category().as_str())),
    }
}

async fn waiting_chat_is_updated(on: &Instance) -> Done {
    let first = take_in(&on.sorter, chat("chat-9", "Hello?")).await?;
    let later = Moment::from_secs(START.secs() + 60).expect("a minute later");
    let mut draft = chat("chat-9", "Anybody there?");
    if let Some(Metadata::Chats(chat)) = &mut draft.metadata {
        chat.received_at = Some(later);
    }
    let second = take_in(&on.administrator, draft).await?;
    same("the uid of the second message", &first.uid, &second.uid)?;
    let expected = (Some("Anybody there?".to_owned()), Some(later));
    same("the last message", expected, last_message(on, &first.uid).await?)?;
    let chats = waiting(&on.viewer, of_category(Category::Chats)).await?;
    same("how many chats wait", WAITING_CHATS + 1, chats.len())
}

async fn update_counts_as_recorded_now(on: &Instance) -> Done {
    let clock = some("the clock", on.clock.as_ref())?;
    let first = take_in(&on.sorter, chat("chat-9", "Hello?")).await?;
    let before = some("the chat", listed(&on.viewer, &first.uid).await?)?;
    clock.advance_secs(10);
    take_in(&on.sorter, chat("chat-8", "Me too")).await?;
    clock.advance_secs(10);
    take_in(&on.sorter, chat("chat-9", "Anybody there?")).await?;
    let after = some("the chat", listed(&on.viewer, &first.uid).await?)?;
    same("created_at", before.created_at, after.created_at)?;
    told("updated_at", START.secs() + 20, after.updated_at.map(|at| at.secs()))?;
    let page = PageRequest::new(1, 1).expect("one is a page");
    let order = Order { key: OrderKey::UpdatedAt, ..Order::default() };
    let newest = on.viewer.incoming.list(&ListQuery { order, page, ..ListQuery::default() }).await?;
    same("what was updated last", Some(&first.uid), newest.items.first().map(|item| &item.uid))
}

async fn decided_chat_comes_in_anew(on: &Instance) -> Done {
    let first = take_in(&on.sorter, chat("chat-9", "Hello?")).await?;
    on.sorter.incoming.decline(&first.uid, &Decline::default()).await?;
    let second = take_in(&on.sorter, chat("chat-9", "Hello again")).await?;
    holds("the uid is new", first.uid != second.uid)?;
    holds("the second waits", waits(&on.viewer, &second.uid).await?)?;
    holds("the first does not wait", !waits(&on.viewer, &first.uid).await?)
}

async fn author_becomes_the_contact(on: &Instance) -> Done {
    for (draft, name) in [(chat("chat-9", "Hello?"), "Chris"), (mail("thread-9", "message-9"), "Max")] {
        let receipt = take_in(&on.sorter, Draft { contacts: vec![], ..draft }).await?;
        let (_, id, _) = links(on, &receipt.uid).await?;
        same("the name of the contact", Some(name.to_owned()), contact(on, id).await?.card.name)?;
    }
    Ok(())
}

async fn calls_and_forms_are_not_taken_in(on: &Instance) -> Done {
    for draft in [call(1), form(1)] {
        faulty(&[(FaultCode::InvalidType, "metadata")], desk(on)?.take_in(&intake(draft)).await)?;
    }
    Ok(())
}

async fn closed_pipelines_are_refused(on: &Instance) -> Done {
    for pipeline in [ARCHIVED, SWITCHED_OFF] {
        let draft = Draft { pipeline_id: Some(pipeline), ..chat("chat-9", "Hello?") };
        let result = desk(on)?.take_in(&intake(draft)).await;
        faulty(&[(FaultCode::NotSupportedChoice, "pipeline_id")], result)?;
    }
    Ok(())
}

async fn identical_mail_is_refused(on: &Instance) -> Done {
    let result = desk(on)?.take_in(&intake(mail("thread-1", "message-1"))).await;
    faulty(&[(FaultCode::Duplicate, "metadata")], result)?;
    same("how many mails wait", WAITING_MAILS, waiting(&on.viewer, of_category(Category::Mail)).await?.len())
}

async fn viewer_may_not_take_in(on: &Instance) -> Done {
    let result = power(&on.viewer.intake)?.take_in(&intake(chat("chat-9", "Hello?"))).await;
    fails(ErrorKind::Forbidden, result)?;
    same("how many chats wait", WAITING_CHATS, waiting(&on.viewer, of_category(Category::Chats)).await?.len())
}
