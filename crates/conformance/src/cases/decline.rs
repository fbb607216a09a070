//! Declining (R9).

use incoming_leads_model::{Category, Decline, FaultCode, Moment, UserId};

use crate::act::{a_waiting, add, company, contact, lead, links, shown, waits};
use crate::case::{Case, case};
use crate::drafts::{at, call};
use crate::failure::{Done, faulty, holds, same, told};
use crate::fixture::{INACTIVE, MAIN, STRANGER, VIEWER};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("decline"::leaves_the_stage, R7, "What was declined waits no longer, of whatever category it is."),
    case!("decline"::moves_to_the_bin, R9, "Lead, contact and company go to the bin, and can still be read by id.")
        .with_directory(),
    case!("decline"::any_active_user_can_be_named, R7, "Any active user of the account can be named."),
    case!("decline"::other_users_are_refused, R7, "An unknown, inactive or foreign user is refused."),
    case!("decline"::receipt_tells_creation, R9, "The receipt tells when the lead came to be, not the decision."),
];

async fn leaves_the_stage(on: &Instance) -> Done {
    let call = add(&on.sorter, call(1)).await?.uid;
    let (chat, mail) = (a_waiting(on, Category::Chats).await?, a_waiting(on, Category::Mail).await?);
    for uid in [call, chat, mail] {
        let receipt = on.sorter.incoming.decline(&uid, &Decline::default()).await?;
        same("the uid of the receipt", &uid, &receipt.uid)?;
        holds("it waits no longer", !waits(&on.viewer, &uid).await?)?;
    }
    Ok(())
}

async fn moves_to_the_bin(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let (lead_id, contact_id, company_id) = links(on, &uid).await?;
    on.sorter.incoming.decline(&uid, &Decline::default()).await?;
    holds("the lead is in the bin", lead(on, lead_id).await?.stamp.is_deleted)?;
    holds("the contact is in the bin", contact(on, contact_id).await?.stamp.is_deleted)?;
    holds("the company is in the bin", company(on, company_id).await?.stamp.is_deleted)?;
    same("whether lists show contact and company", [false, false], shown(on, contact_id, company_id).await?)
}

const fn by(user: UserId) -> Decline {
    Decline { user_id: Some(user) }
}

async fn any_active_user_can_be_named(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    on.sorter.incoming.decline(&uid, &by(VIEWER)).await?;
    holds("it waits no longer", !waits(&on.viewer, &uid).await?)
}

async fn other_users_are_refused(on: &Instance) -> Done {
    let uid = add(&on.sorter, call(1)).await?.uid;
    let unknown = UserId::new(99).expect("99 is an id");
    for user in [unknown, INACTIVE, STRANGER] {
        let result = on.sorter.incoming.decline(&uid, &by(user)).await;
        faulty(&[(FaultCode::NotSupportedChoice, "user_id")], result)?;
        holds("it waits on", waits(&on.viewer, &uid).await?)?;
    }
    Ok(())
}

async fn receipt_tells_creation(on: &Instance) -> Done {
    let past = Moment::from_secs(1_500_000_000).expect("a moment of 2017");
    let uid = add(&on.sorter, at(call(1), past)).await?.uid;
    let receipt = on.sorter.incoming.decline(&uid, &Decline::default()).await?;
    told("created_at", past, receipt.created_at)?;
    told("the account", on.account, receipt.account_id)?;
    told("the category", Category::Sip, receipt.category)?;
    told("the pipeline", MAIN, receipt.pipeline_id)
}
