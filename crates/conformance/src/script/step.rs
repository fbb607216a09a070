//! The steps of a script, in symbols: who does what to which lead. What the symbols mean is settled when it is played.

use std::fmt;

use incoming_leads_model::{
    ContactId, CustomerId, Draft, FieldId, FieldRef, FieldValues, LeadId, LinkTarget, Metadata, Moment,
    PipelineId, StatusId, TagId, TagRef, UserId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::drafts;
use crate::fixture::{
    ADMINISTRATOR, ARCHIVED, BINNED_CONTACT, BINNED_CUSTOMER, BINNED_LEAD, CONTACT, CUSTOMER, FIRST,
    FOREIGN_LEAD, FOREIGN_PIPELINE, INACTIVE, LATER, MAIN, MAIN_UNSORTED, SECOND, SECOND_FIRST, SORTER,
    START, STRANGER, SWITCHED_OFF, TARGET_LEAD, VIEWER,
};

/// Who takes a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Administrator,
    Sorter,
    Viewer,
    Stranger,
}

/// The n-th lead that ever came, from 0; past the last one a uid that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol(pub(crate) usize);

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Call,
    Form,
    Chat,
    Mail,
}

/// What is wrong with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    NoSourceName,
    NoSourceUid,
    NoMetadata,
    OtherCategory,
    UnknownField,
    UnknownTag,
    TwoLeads,
}

/// One item of an add, or one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    /// Items of the same number are twins.
    pub(crate) number: u64,
    /// Without the moment that gives a call or form its identity.
    pub(crate) is_timeless: bool,
    /// Seconds from the start.
    pub(crate) created: Option<i64>,
    pub(crate) pipeline: Option<PipelineId>,
    pub(crate) flaw: Flaw,
}

/// What a link names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Fixed(LinkTarget),
    /// The lead of another incoming lead.
    LeadOf(Symbol),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListStep {
    pub(crate) kinds: Option<Vec<Kind>>,
    pub(crate) pipelines: Option<Vec<PipelineId>>,
    pub(crate) uids: Option<Vec<Symbol>>,
    pub(crate) is_by_update: bool,
    pub(crate) is_ascending: bool,
    pub(crate) number: u64,
    pub(crate) size: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SummaryStep {
    pub(crate) uids: Option<Vec<Symbol>>,
    pub(crate) pipelines: Option<Vec<PipelineId>>,
    /// First and last second from the start; none is all time.
    pub(crate) window: Option<(i64, i64)>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Add(Who, Kind, Vec<Item>),
    TakeIn(Who, Kind, Item),
    Accept(Who, Symbol, Option<UserId>, Option<StatusId>),
    Decline(Who, Symbol, Option<UserId>),
    Link(Who, Symbol, Target, Option<ContactId>, Option<UserId>),
    Get(Who, Symbol),
    List(Who, ListStep),
    Summary(Who, SummaryStep),
    Wait(u32),
}

impl Kind {
    /// The draft of an item.
    pub(crate) fn draft(self, item: Item) -> Draft {
        let Item { number, is_timeless, created, pipeline, flaw } = item;
        let mut draft = match (self, flaw) {
            (Kind::Call, Flaw::OtherCategory) => drafts::form(number),
            (Kind::Form, Flaw::OtherCategory) | (Kind::Call, _) => drafts::call(number),
            (Kind::Form, _) => drafts::form(number),
            (Kind::Chat, _) => drafts::chat(&format!("chat-{number}"), &format!("at {created:?}")),
            (Kind::Mail, _) => drafts::mail("thread-1", &format!("message-{number}")),
        };
        if is_timeless {
            match &mut draft.metadata {
                Some(Metadata::Sip(call)) => call.called_at = None,
                Some(Metadata::Forms(form)) => form.form_sent_at = None,
                Some(Metadata::Chats(_) | Metadata::Mail(_)) | None => {}
            }
        }
        draft.created_at = created.map(moment);
        draft.pipeline_id = pipeline;
        match flaw {
            Flaw::None | Flaw::OtherCategory => {}
            Flaw::NoSourceName => draft.source_name = None,
            Flaw::NoSourceUid => draft.source_uid = None,
            Flaw::NoMetadata => draft.metadata = None,
            Flaw::UnknownField => {
                let field = FieldRef::Id(FieldId::new(599).expect("599 is an id"));
                draft.leads.iter_mut().for_each(|lead| {
                    lead.card.custom_fields.push(FieldValues { field: field.clone(), values: vec![] });
                });
            }
            Flaw::UnknownTag => {
                let tag = TagRef::by_id(TagId::new(799).expect("799 is an id"));
                draft.leads.iter_mut().for_each(|lead| lead.card.tags.push(tag.clone()));
            }
            Flaw::TwoLeads => draft.leads.extend(draft.leads.clone()),
        }
        draft
    }
}

/// The moment so many seconds after the start.
pub(crate) fn moment(secs: i64) -> Moment {
    Moment::from_secs(START.secs() + secs).expect("scripts stay near the start")
}

/// Scripts.
pub(crate) fn scripts() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..30)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (who(), select(vec![Kind::Call, Kind::Form]), vec(item(), 0..4)).prop_map(|(who, kind, items)| Step::Add(who, kind, items)),
        3 => (who(), select(vec![Kind::Chat, Kind::Mail]), message()).prop_map(|(who, kind, item)| Step::TakeIn(who, kind, item)),
        4 => (who(), symbol(), user(), status()).prop_map(|(who, lead, user, status)| Step::Accept(who, lead, user, status)),
        3 => (who(), symbol(), user()).prop_map(|(who, lead, user)| Step::Decline(who, lead, user)),
        3 => (who(), symbol(), target(), contact(), user()).prop_map(|(who, lead, target, contact, user)| Step::Link(who, lead, target, contact, user)),
        2 => (who(), symbol()).prop_map(|(who, lead)| Step::Get(who, lead)),
        4 => (who(), list()).prop_map(|(who, list)| Step::List(who, list)),
        3 => (who(), summary()).prop_map(|(who, summary)| Step::Summary(who, summary)),
        2 => (0_u32..100).prop_map(Step::Wait),
    ]
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![4 => Just(Who::Administrator), 5 => Just(Who::Sorter), 1 => Just(Who::Viewer), 1 => Just(Who::Stranger)]
}

fn symbol() -> impl Strategy<Value = Symbol> {
    (0_usize..18).prop_map(Symbol)
}

fn item() -> impl Strategy<Value = Item> {
    let flaw = prop_oneof![
        12 => Just(Flaw::None),
        1 => select(vec![
            Flaw::NoSourceName,
            Flaw::NoSourceUid,
            Flaw::NoMetadata,
            Flaw::OtherCategory,
            Flaw::UnknownField,
            Flaw::UnknownTag,
            Flaw::TwoLeads,
        ]),
    ];
    let is_timeless = prop_oneof![4 => Just(false), 1 => Just(true)];
    (1_u64..6, is_timeless, created(), pipeline(), flaw).prop_map(
        |(number, is_timeless, created, pipeline, flaw)| Item {
            number,
            is_timeless,
            created,
            pipeline,
            flaw,
        },
    )
}

fn message() -> impl Strategy<Value = Item> {
    (1_u64..9, created(), pipeline()).prop_map(|(number, created, pipeline)| Item {
        number,
        is_timeless: false,
        created,
        pipeline,
        flaw: Flaw::None,
    })
}

fn created() -> impl Strategy<Value = Option<i64>> {
    // Few moments, so that many are the same; some lie ahead.
    option::of(prop_oneof![select(vec![-120, -60, -30]), -400_i64..60])
}

fn pipeline() -> impl Strategy<Value = Option<PipelineId>> {
    prop_oneof![
        5 => Just(None),
        3 => select(vec![MAIN, SECOND]).prop_map(Some),
        1 => select(vec![ARCHIVED, SWITCHED_OFF, FOREIGN_PIPELINE]).prop_map(Some),
    ]
}

fn user() -> impl Strategy<Value = Option<UserId>> {
    prop_oneof![
        6 => Just(None),
        3 => select(vec![ADMINISTRATOR, SORTER, VIEWER]).prop_map(Some),
        1 => select(vec![INACTIVE, STRANGER]).prop_map(Some),
    ]
}

fn status() -> impl Strategy<Value = Option<StatusId>> {
    let named = vec![FIRST, LATER, SECOND_FIRST, StatusId::WON, StatusId::LOST, MAIN_UNSORTED];
    prop_oneof![3 => Just(None), 2 => select(named).prop_map(Some)]
}

fn target() -> impl Strategy<Value = Target> {
    let live = [LinkTarget::Lead(TARGET_LEAD), LinkTarget::Customer(CUSTOMER)];
    let dead = [
        LinkTarget::Lead(BINNED_LEAD),
        LinkTarget::Lead(FOREIGN_LEAD),
        LinkTarget::Customer(BINNED_CUSTOMER),
        LinkTarget::Lead(LeadId::new(899).expect("899 is an id")),
        LinkTarget::Customer(CustomerId::new(899).expect("899 is an id")),
    ];
    prop_oneof![
        4 => select(live.to_vec()).prop_map(Target::Fixed),
        1 => select(dead.to_vec()).prop_map(Target::Fixed),
        2 => symbol().prop_map(Target::LeadOf),
    ]
}

fn contact() -> impl Strategy<Value = Option<ContactId>> {
    prop_oneof![5 => Just(None), 2 => Just(Some(CONTACT)), 1 => Just(Some(BINNED_CONTACT))]
}

fn pipelines() -> impl Strategy<Value = Option<Vec<PipelineId>>> {
    let one = select(vec![MAIN, SECOND, ARCHIVED, FOREIGN_PIPELINE]);
    prop_oneof![3 => Just(None), 1 => vec(one, 0..3).prop_map(Some)]
}

fn uids() -> impl Strategy<Value = Option<Vec<Symbol>>> {
    prop_oneof![4 => Just(None), 1 => vec(symbol(), 0..6).prop_map(Some)]
}

fn list() -> impl Strategy<Value = ListStep> {
    let kind = select(vec![Kind::Call, Kind::Form, Kind::Chat, Kind::Mail]);
    let kinds = prop_oneof![2 => Just(None), 1 => vec(kind, 0..3).prop_map(Some)];
    let size = prop_oneof![1 => Just(500_u32), 3 => 1_u32..8];
    (kinds, pipelines(), uids(), any::<bool>(), any::<bool>(), 1_u64..4, size).prop_map(
        |(kinds, pipelines, uids, is_by_update, is_ascending, number, size)| ListStep {
            kinds,
            pipelines,
            uids,
            is_by_update,
            is_ascending,
            number,
            size,
        },
    )
}

fn summary() -> impl Strategy<Value = SummaryStep> {
    let window = option::of((-400_i64..200, 0_i64..400).prop_map(|(from, length)| (from, from + length)));
    (uids(), pipelines(), window).prop_map(|(uids, pipelines, window)| SummaryStep {
        uids,
        pipelines,
        window,
    })
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Administrator => "administrator",
            Who::Sorter => "sorter",
            Who::Viewer => "viewer",
            Who::Stranger => "stranger",
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Call => "call",
            Kind::Form => "form",
            Kind::Chat => "chat",
            Kind::Mail => "mail",
        })
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Item { number, is_timeless, created, pipeline, flaw } = self;
        write!(f, "#{number}")?;
        if *is_timeless {
            f.write_str(" without its moment")?;
        }
        if let Some(secs) = created {
            write!(f, " of second {secs}")?;
        }
        if let Some(pipeline) = pipeline {
            write!(f, " in pipeline {pipeline}")?;
        }
        f.write_str(match flaw {
            Flaw::None => "",
            Flaw::NoSourceName => " without source_name",
            Flaw::NoSourceUid => " without source_uid",
            Flaw::NoMetadata => " without metadata",
            Flaw::OtherCategory => " of the other category",
            Flaw::UnknownField => " with an unknown field",
            Flaw::UnknownTag => " with an unknown tag",
            Flaw::TwoLeads => " with two leads",
        })
    }
}
