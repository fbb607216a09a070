//! The states in which cases begin: named documents, and the ids that stand in them.

use incoming_leads_model::document::{Incoming, Line, Of, Secret, VERSION};
use incoming_leads_model::{
    Account, AccountId, Card, Choice, Company, CompanyId, Contact, ContactId, Customer, CustomerId, Draft,
    DuplicatePolicy, EntityKind, EnumId, Field, FieldId, Integration, Layout, Lead, LeadId, LinkPolicy,
    Moment, Pipeline, PipelineId, Policies, RequiredPolicy, Rights, Stamp, Status, StatusId, StatusKind, Tag,
    TagId, User, UserId,
};

use crate::drafts;

macro_rules! id {
    ($kind:ident, $number:literal) => {
        match $kind::new($number) {
            Ok(id) => id,
            Err(_) => panic!("the number is in range"),
        }
    };
}

/// When every fixture begins (UTC): 2023-11-14T22:13:20Z.
pub const START: Moment = moment(1_700_000_000);

/// The account of the administrator, the sorter and the viewer, in the first pair ([`Fixture::pair`]).
pub const ACCOUNT: AccountId = id!(AccountId, 7001);
/// The account of the stranger, in the first pair.
pub const FOREIGN_ACCOUNT: AccountId = id!(AccountId, 7002);

/// An integration of the account of the administrator, the sorter and the viewer.
pub const CLIENT: &str = "6f2a0c5e-0f1b-4d7e-9a53-2f0c8f3b7a11";

/// May everything.
pub const ADMINISTRATOR: UserId = id!(UserId, 11);
/// May view, add and sort.
pub const SORTER: UserId = id!(UserId, 12);
/// May view.
pub const VIEWER: UserId = id!(UserId, 13);
/// Has left.
pub const INACTIVE: UserId = id!(UserId, 14);
/// The administrator of the other account.
pub const STRANGER: UserId = id!(UserId, 21);

/// The main pipeline: [`MAIN_UNSORTED`], [`FIRST`], [`LATER`].
pub const MAIN: PipelineId = id!(PipelineId, 101);
/// A second pipeline: [`SECOND_UNSORTED`], [`SECOND_FIRST`].
pub const SECOND: PipelineId = id!(PipelineId, 102);
/// An archived pipeline.
pub const ARCHIVED: PipelineId = id!(PipelineId, 103);
/// A pipeline whose stage of incoming leads is switched off.
pub const SWITCHED_OFF: PipelineId = id!(PipelineId, 104);
/// The only pipeline of the other account.
pub const FOREIGN_PIPELINE: PipelineId = id!(PipelineId, 201);

/// Where leads of [`MAIN`] wait.
pub const MAIN_UNSORTED: StatusId = id!(StatusId, 1010);
/// The first status of [`MAIN`] after that: the first by place, not by id and not as the document lists them.
pub const FIRST: StatusId = id!(StatusId, 1019);
/// A later status of [`MAIN`].
pub const LATER: StatusId = id!(StatusId, 1012);
/// Where leads of [`SECOND`] wait.
pub const SECOND_UNSORTED: StatusId = id!(StatusId, 1020);
/// The first status of [`SECOND`] after that.
pub const SECOND_FIRST: StatusId = id!(StatusId, 1021);

/// Where leads of [`FOREIGN_PIPELINE`] wait.
pub const FOREIGN_UNSORTED: StatusId = id!(StatusId, 2010);
/// The first status of [`FOREIGN_PIPELINE`] after that.
pub const FOREIGN_FIRST: StatusId = id!(StatusId, 2011);

/// A text field of leads.
pub const LEAD_FIELD: FieldId = id!(FieldId, 501);
/// `PHONE`, a field of contacts whose values have choices.
pub const PHONE: FieldId = id!(FieldId, 502);
/// A text field of companies.
pub const COMPANY_FIELD: FieldId = id!(FieldId, 503);
/// `WORK`, a choice of [`PHONE`].
pub const WORK: EnumId = id!(EnumId, 601);

/// A tag: [`TAG_NAME`].
pub const TAG: TagId = id!(TagId, 701);
/// The name of [`TAG`].
pub const TAG_NAME: &str = "partner";

/// A live lead of [`MAIN`]: something to link to.
pub const TARGET_LEAD: LeadId = id!(LeadId, 801);
/// A lead in the bin.
pub const BINNED_LEAD: LeadId = id!(LeadId, 802);
/// A live lead of [`SECOND`].
pub const SECOND_LEAD: LeadId = id!(LeadId, 803);
/// A live lead of the other account.
pub const FOREIGN_LEAD: LeadId = id!(LeadId, 804);
/// A customer: something else to link to.
pub const CUSTOMER: CustomerId = id!(CustomerId, 851);
/// A customer in the bin.
pub const BINNED_CUSTOMER: CustomerId = id!(CustomerId, 852);
/// A live contact.
pub const CONTACT: ContactId = id!(ContactId, 901);
/// A contact in the bin.
pub const BINNED_CONTACT: ContactId = id!(ContactId, 902);
/// A live company.
pub const COMPANY: CompanyId = id!(CompanyId, 951);

/// How many chats wait at the start, `chat-1` to `chat-4`, the first in [`SECOND`], the others in [`MAIN`].
pub const WAITING_CHATS: usize = 4;
/// How many mails wait at the start, all in [`MAIN`].
pub const WAITING_MAILS: usize = 3;

const fn moment(secs: i64) -> Moment {
    match Moment::from_secs(secs) {
        Ok(moment) => moment,
        Err(_) => panic!("the moment is in range"),
    }
}

/// The names of the fixtures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Named {
    /// Duplicates are refused, chats can be linked, and what real clients send is required.
    Standard,
    /// Duplicates are tagged; chats and mails can be linked.
    Lenient,
    /// What the documents' sentences say is required.
    Strict,
}

/// A document to begin with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Fixture {
    /// Its name.
    pub name: Named,
    /// The account of the administrator, the sorter and the viewer.
    pub account: AccountId,
    /// The account of the stranger.
    pub foreign_account: AccountId,
    /// Its lines, accounts first; the last ones are the leads that wait.
    pub lines: Vec<Line>,
}

impl Named {
    /// All of them.
    pub const ALL: [Named; 3] = [Named::Standard, Named::Lenient, Named::Strict];

    /// The document, for [`ACCOUNT`] and [`FOREIGN_ACCOUNT`].
    #[must_use]
    pub fn fixture(self) -> Fixture {
        self.of_accounts(ACCOUNT, FOREIGN_ACCOUNT)
    }

    fn of_accounts(self, ours: AccountId, foreign: AccountId) -> Fixture {
        let lines = [Line::Header { version: VERSION, ids: None }].into_iter();
        let lines = lines.chain([account(ours, self.policies()), foreign_account(foreign, self.policies())]);
        let lines = lines.chain(entities(ours, foreign)).chain(waiting(ours, foreign));
        Fixture { name: self, account: ours, foreign_account: foreign, lines: lines.collect() }
    }

    const fn policies(self) -> Policies {
        let (duplicates, linkable, required) = match self {
            Named::Standard => (DuplicatePolicy::Refuse, LinkPolicy::Chats, RequiredPolicy::Observed),
            Named::Lenient => (DuplicatePolicy::Tag, LinkPolicy::ChatsAndMail, RequiredPolicy::Observed),
            Named::Strict => (DuplicatePolicy::Refuse, LinkPolicy::Chats, RequiredPolicy::Documented),
        };
        Policies { duplicates, linkable, required }
    }
}

impl Fixture {
    /// The same for another pair of accounts, whose ids and subdomains no other pair has: so one database holds as
    /// many instances as there are pairs. All other ids are the same, since they are ids within an account. The first
    /// pair, number 0, is [`ACCOUNT`] and [`FOREIGN_ACCOUNT`].
    ///
    /// # Panics
    /// Above 2^50.
    #[must_use]
    pub fn pair(&self, number: u64) -> Self {
        let other = |first: AccountId| {
            let id = number.checked_mul(2).and_then(|offset| first.get().checked_add(offset));
            id.and_then(|id| AccountId::new(id).ok()).expect("the number of a pair is at most 2^50")
        };
        self.name.of_accounts(other(ACCOUNT), other(FOREIGN_ACCOUNT))
    }
}

fn account(id: AccountId, policies: Policies) -> Line {
    let unsorted =
        |id, pipeline: &str| status(id, &format!("Incoming leads of {pipeline}"), 10, StatusKind::Unsorted);
    let pipelines = vec![
        pipeline(
            SECOND,
            "Partners",
            vec![
                unsorted(SECOND_UNSORTED, "partners"),
                status(SECOND_FIRST, "First contact", 20, StatusKind::Ordinary),
            ],
        ),
        pipeline(
            MAIN,
            "Sales",
            vec![
                unsorted(MAIN_UNSORTED, "sales"),
                status(LATER, "Offer", 30, StatusKind::Ordinary),
                status(FIRST, "First contact", 20, StatusKind::Ordinary),
            ],
        ),
        Pipeline {
            is_archive: true,
            ..pipeline(ARCHIVED, "Formerly", vec![unsorted(id!(StatusId, 1030), "formerly")])
        },
        Pipeline {
            is_unsorted_on: false,
            ..pipeline(SWITCHED_OFF, "Orders", vec![unsorted(id!(StatusId, 1040), "orders")])
        },
    ];
    let users = vec![
        user(ADMINISTRATOR, "Ada", Rights::ADMINISTRATOR),
        user(SORTER, "Sam", Rights::SORTER),
        user(VIEWER, "Vera", Rights::VIEWER),
        User { is_active: false, ..user(INACTIVE, "Ian", Rights::ADMINISTRATOR) },
    ];
    let work = Choice { id: WORK, value: "Work".to_owned(), code: Some("WORK".to_owned()) };
    let phone =
        Field { code: Some("PHONE".to_owned()), choices: vec![work], ..field(PHONE, EntityKind::Contact) };
    let fields = vec![field(LEAD_FIELD, EntityKind::Lead), phone, field(COMPANY_FIELD, EntityKind::Company)];
    Line::Account(Box::new(Layout {
        account: named(id, "home"),
        pipelines,
        users,
        fields,
        integrations: vec![integration()],
        policies,
    }))
}

fn foreign_account(id: AccountId, policies: Policies) -> Line {
    let statuses = vec![
        status(FOREIGN_UNSORTED, "Incoming leads", 10, StatusKind::Unsorted),
        status(FOREIGN_FIRST, "First contact", 20, StatusKind::Ordinary),
    ];
    Line::Account(Box::new(Layout {
        account: named(id, "elsewhere"),
        pipelines: vec![Pipeline { is_main: true, ..pipeline(FOREIGN_PIPELINE, "Theirs", statuses) }],
        users: vec![user(STRANGER, "Stella", Rights::ADMINISTRATOR)],
        fields: Vec::new(),
        integrations: Vec::new(),
        policies,
    }))
}

fn named(id: AccountId, name: &str) -> Account {
    Account {
        id,
        subdomain: format!("{name}-{id}"),
        name: name.to_owned(),
        created_at: moment(1_600_000_000),
        country: "US".to_owned(),
        currency: "USD".to_owned(),
    }
}

fn pipeline(id: PipelineId, name: &str, statuses: Vec<Status>) -> Pipeline {
    Pipeline {
        id,
        name: name.to_owned(),
        sort: u32::try_from(id.get()).unwrap_or(0),
        is_main: id == MAIN,
        is_archive: false,
        is_unsorted_on: true,
        statuses,
    }
}

fn status(id: StatusId, name: &str, sort: u32, kind: StatusKind) -> Status {
    Status { id, name: name.to_owned(), sort, kind, color: "#fffeb2".to_owned() }
}

fn user(id: UserId, name: &str, rights: Rights) -> User {
    let email = format!("{}@example.com", name.to_lowercase());
    User { id, name: name.to_owned(), email, is_active: true, rights }
}

fn integration() -> Integration {
    Integration {
        client_id: CLIENT.to_owned(),
        secret: Secret::Sha256("5e".repeat(32)),
        redirect_uri: "https://example.com/oauth".to_owned(),
        name: "Website".to_owned(),
    }
}

fn field(id: FieldId, entity: EntityKind) -> Field {
    let field_type = "text".to_owned();
    Field { id, entity, name: format!("Field {id}"), code: None, field_type, choices: Vec::new() }
}

fn entities(ours: AccountId, foreign_account: AccountId) -> Vec<Line> {
    let stamp = Stamp {
        created_by: Some(ADMINISTRATOR),
        updated_by: Some(ADMINISTRATOR),
        created_at: moment(1_650_000_000),
        updated_at: moment(1_650_000_000),
        is_deleted: false,
    };
    let binned = Stamp { is_deleted: true, ..stamp };
    let card = |name: &str| Card { name: Some(name.to_owned()), ..Card::default() };
    let lead = |id, pipeline_id, status_id, stamp| Lead {
        id,
        pipeline_id,
        status_id,
        price: 100,
        card: card("An earlier lead"),
        contacts: Vec::new(),
        company: None,
        closed_at: None,
        is_unsorted: false,
        stamp,
    };
    let contact = |id, stamp| Contact {
        id,
        first_name: None,
        last_name: None,
        card: card("An earlier contact"),
        company: None,
        is_unsorted: false,
        stamp,
    };
    let customer =
        |id, stamp| Customer { id, card: card("A customer"), contacts: Vec::new(), company: None, stamp };
    let company = Company { id: COMPANY, card: card("An earlier company"), is_unsorted: false, stamp };
    let foreign = Stamp { created_by: None, updated_by: None, ..stamp };
    let foreign = lead(FOREIGN_LEAD, FOREIGN_PIPELINE, FOREIGN_FIRST, foreign);
    vec![
        Line::Tag(of(ours, Tag { id: TAG, name: TAG_NAME.to_owned() })),
        Line::Customer(of(ours, customer(CUSTOMER, stamp))),
        Line::Customer(of(ours, customer(BINNED_CUSTOMER, binned))),
        Line::Lead(of(ours, lead(TARGET_LEAD, MAIN, FIRST, stamp))),
        Line::Lead(of(ours, lead(BINNED_LEAD, MAIN, FIRST, binned))),
        Line::Lead(of(ours, lead(SECOND_LEAD, SECOND, SECOND_FIRST, stamp))),
        Line::Contact(of(ours, contact(CONTACT, stamp))),
        Line::Contact(of(ours, contact(BINNED_CONTACT, binned))),
        Line::Company(of(ours, company)),
        Line::Lead(of(foreign_account, foreign)),
    ]
}

const fn of<T>(account_id: AccountId, row: T) -> Of<T> {
    Of { account_id, row }
}

/// Chats and mails that wait, a minute apart; and one chat of the other account with an identity that waits here too.
fn waiting(ours: AccountId, foreign: AccountId) -> impl Iterator<Item = Line> {
    let chats = (1..=WAITING_CHATS).map(|number| Draft {
        pipeline_id: (number == 1).then_some(SECOND),
        ..drafts::chat(&format!("chat-{number}"), "Hello?")
    });
    let mails = (1..=WAITING_MAILS).map(|number| drafts::mail("thread-1", &format!("message-{number}")));
    let here = chats.chain(mails).zip(1..).map(move |(draft, minutes)| {
        let created_at = Some(moment(START.secs() - 60 * minutes));
        incoming(ours, ADMINISTRATOR, Draft { created_at, ..draft })
    });
    let created_at = Some(moment(START.secs() - 60));
    let there = Draft { created_at, ..drafts::chat("chat-1", "Hello?") };
    here.chain([incoming(foreign, STRANGER, there)])
}

const fn incoming(account_id: AccountId, user_id: UserId, draft: Draft) -> Line {
    Line::Draft(Incoming { account_id, user_id, draft })
}
