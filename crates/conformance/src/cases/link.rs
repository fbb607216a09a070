//! Linking (R10).

use incoming_leads_model::{Category, ContactId, FaultCode, LeadId, Link, LinkTarget, Uid, UserId};
use incoming_leads_port::ErrorKind;

use crate::act::{a_chat, a_waiting, add, company, contact, customer, lead, links, shown, waits};
use crate::case::{Case, case};
use crate::drafts::{call, form};
use crate::failure::{Done, fails, faulty, holds, same, told};
use crate::fixture::{
    BINNED_CONTACT, BINNED_CUSTOMER, BINNED_LEAD, CONTACT, CUSTOMER, FOREIGN_LEAD, INACTIVE, Named, SORTER,
    TARGET_LEAD,
};
use crate::subject::Instance;

pub(super) const CASES: &[Case] = &[
    case!("link"::leaves_the_stage, R7, "What was linked waits no longer.").where_able(|able| able.link),
    case!("link"::joins_a_lead, R10, "Contact and company join the target lead, visibly; the own lead is binned.")
        .with_directory()
        .where_able(|able| able.link),
    case!("link"::joins_a_customer, R10, "Contact and company join the target customer, visibly.")
        .with_directory()
        .where_able(|able| able.link),
    case!("link"::named_contact_absorbs, R10, "A named contact joins in place of the incoming one, which is binned.")
        .with_directory()
        .where_able(|able| able.link),
    case!("link"::receipt_tells_the_target, R10, "The receipt tells the target.").where_able(|able| able.link),
    case!("link"::calls_and_forms_stay, R10, "Calls and forms cannot be linked.").where_able(|able| able.link),
    case!("link"::mails_stay, R10, "Mails cannot be linked, by the default policy.").where_able(|able| able.link),
    case!("link"::mails_by_policy, R10, "By the other policy mails can be linked, calls still not.")
        .over(Named::Lenient)
        .where_able(|able| able.link),
    case!("link"::dead_target_is_refused, R10, "A target that is unknown, foreign or in the bin is refused.")
        .where_able(|able| able.link),
    case!("link"::hidden_target_is_refused, R10, "A target that waits itself is refused, the own lead too.")
        .with_directory()
        .where_able(|able| able.link),
    case!("link"::dead_contact_is_refused, R10, "A named contact that is unknown or in the bin is refused.")
        .where_able(|able| able.link),
    case!("link"::other_users_are_refused, R7, "An unknown or inactive user is refused.").where_able(|able| able.link),
    case!("link"::only_administrators, R10, "Who is no administrator may not link.").where_able(|able| able.link),
    case!("link"::unsupported, R10, "Who cannot link says so.").where_able(|able| !able.link),
];

const fn to(target: LinkTarget) -> Link {
    Link { target, contact_id: None, user_id: None }
}

const TARGET: Link = to(LinkTarget::Lead(TARGET_LEAD));

async fn leaves_the_stage(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    let receipt = on.administrator.incoming.link(&uid, &TARGET).await?;
    same("the uid of the receipt", &uid, &receipt.uid)?;
    holds("it waits no longer", !waits(&on.viewer, &uid).await?)
}

async fn joins_a_lead(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    let (own, contact_id, company_id) = links(on, &uid).await?;
    on.administrator.incoming.link(&uid, &TARGET).await?;
    let target = lead(on, TARGET_LEAD).await?;
    same("the contacts of the target", vec![contact_id], target.contacts)?;
    same("the company of the target", Some(company_id), target.company)?;
    same("whether lists show contact and company", [true, true], shown(on, contact_id, company_id).await?)?;
    holds("the incoming lead's own lead is in the bin", lead(on, own).await?.stamp.is_deleted)
}

async fn joins_a_customer(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    let (own, contact_id, company_id) = links(on, &uid).await?;
    on.administrator.incoming.link(&uid, &to(LinkTarget::Customer(CUSTOMER))).await?;
    let target = customer(on, CUSTOMER).await?;
    same("the contacts of the target", vec![contact_id], target.contacts)?;
    same("the company of the target", Some(company_id), target.company)?;
    same("whether lists show contact and company", [true, true], shown(on, contact_id, company_id).await?)?;
    holds("the incoming lead's own lead is in the bin", lead(on, own).await?.stamp.is_deleted)
}

async fn named_contact_absorbs(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    let (_, contact_id, company_id) = links(on, &uid).await?;
    let link = Link { contact_id: Some(CONTACT), ..TARGET };
    on.administrator.incoming.link(&uid, &link).await?;
    same("the contacts of the target", vec![CONTACT], lead(on, TARGET_LEAD).await?.contacts)?;
    holds("the incoming contact is in the bin", contact(on, contact_id).await?.stamp.is_deleted)?;
    let name = contact(on, CONTACT).await?.card.name;
    same("the name of the named contact", Some("An earlier contact".to_owned()), name)?;
    holds("the company is visible", company(on, company_id).await?.is_listed())
}

async fn receipt_tells_the_target(on: &Instance) -> Done {
    let receipt = on.administrator.incoming.link(&a_chat(on).await?, &TARGET).await?;
    told("the lead of the receipt", vec![TARGET_LEAD], receipt.leads)?;
    let link = to(LinkTarget::Customer(CUSTOMER));
    let receipt = on.administrator.incoming.link(&a_chat(on).await?, &link).await?;
    told("the customer of the receipt", vec![CUSTOMER], receipt.customers)
}

/// The link is refused for this fault, and the lead waits on.
async fn refused(on: &Instance, uid: &Uid, link: Link, path: &str) -> Done {
    let result = on.administrator.incoming.link(uid, &link).await;
    faulty(&[(FaultCode::NotSupportedChoice, path)], result)?;
    holds("it waits on", waits(&on.viewer, uid).await?)
}

async fn calls_and_forms_stay(on: &Instance) -> Done {
    for draft in [call(1), form(1)] {
        let uid = add(&on.sorter, draft).await?.uid;
        refused(on, &uid, TARGET, "category").await?;
    }
    Ok(())
}

async fn mails_stay(on: &Instance) -> Done {
    let uid = a_waiting(on, Category::Mail).await?;
    refused(on, &uid, TARGET, "category").await
}

async fn mails_by_policy(on: &Instance) -> Done {
    for category in [Category::Mail, Category::Chats] {
        let uid = a_waiting(on, category).await?;
        on.administrator.incoming.link(&uid, &TARGET).await?;
        holds("it waits no longer", !waits(&on.viewer, &uid).await?)?;
    }
    let uid = add(&on.sorter, call(1)).await?.uid;
    refused(on, &uid, TARGET, "category").await
}

async fn dead_target_is_refused(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    let unknown = LinkTarget::Lead(LeadId::new(899).expect("899 is an id"));
    let dead = [
        unknown,
        LinkTarget::Lead(BINNED_LEAD),
        LinkTarget::Lead(FOREIGN_LEAD),
        LinkTarget::Customer(BINNED_CUSTOMER),
    ];
    for target in dead {
        refused(on, &uid, to(target), "target").await?;
    }
    Ok(())
}

async fn hidden_target_is_refused(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    let (own, ..) = links(on, &uid).await?;
    let other = add(&on.sorter, call(1)).await?.uid;
    let (hidden, ..) = links(on, &other).await?;
    for lead in [own, hidden] {
        refused(on, &uid, to(LinkTarget::Lead(lead)), "target").await?;
    }
    Ok(())
}

async fn dead_contact_is_refused(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    for contact in [BINNED_CONTACT, ContactId::new(999).expect("999 is an id")] {
        refused(on, &uid, Link { contact_id: Some(contact), ..TARGET }, "contact_id").await?;
    }
    Ok(())
}

async fn other_users_are_refused(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    for user in [INACTIVE, UserId::new(99).expect("99 is an id")] {
        refused(on, &uid, Link { user_id: Some(user), ..TARGET }, "user_id").await?;
    }
    on.administrator.incoming.link(&uid, &Link { user_id: Some(SORTER), ..TARGET }).await?;
    holds("it waits no longer", !waits(&on.viewer, &uid).await?)
}

async fn only_administrators(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    for ports in [&on.sorter, &on.viewer] {
        fails(ErrorKind::Forbidden, ports.incoming.link(&uid, &TARGET).await)?;
    }
    holds("it waits on", waits(&on.viewer, &uid).await?)
}

async fn unsupported(on: &Instance) -> Done {
    let uid = a_chat(on).await?;
    fails(ErrorKind::Unsupported, on.administrator.incoming.link(&uid, &TARGET).await)?;
    holds("it waits on", waits(&on.viewer, &uid).await?)
}
