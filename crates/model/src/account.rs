//! Accounts: who may do what, in which pipelines, with which fields, under which policies.

use serde::{Deserialize, Serialize};

use crate::document::Secret;
use crate::draft::{EnumRef, FieldRef};
use crate::id::{AccountId, EnumId, FieldId, PipelineId, StatusId, UserId};
use crate::moment::Moment;

/// Everything that commands need to know of an account before they look at a single lead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The account itself.
    pub account: Account,
    /// Its pipelines.
    #[serde(default)]
    pub pipelines: Vec<Pipeline>,
    /// Its users.
    #[serde(default)]
    pub users: Vec<User>,
    /// Its custom fields.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// The integrations that may ask its users for grants.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub integrations: Vec<Integration>,
    /// Where the rules leave a choice.
    #[serde(default)]
    pub policies: Policies,
}

impl Layout {
    /// The pipeline into which an add without `pipeline_id` goes: the main one.
    #[must_use]
    pub fn main_pipeline(&self) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.is_main)
    }

    /// The pipeline with this id.
    #[must_use]
    pub fn pipeline(&self, id: PipelineId) -> Option<&Pipeline> {
        self.pipelines.iter().find(|pipeline| pipeline.id == id)
    }

    /// The user with this id.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    /// The integration with this id.
    #[must_use]
    pub fn integration(&self, client_id: &str) -> Option<&Integration> {
        self.integrations.iter().find(|integration| integration.client_id == client_id)
    }

    /// The custom field of such an entity that is named so.
    #[must_use]
    pub fn field(&self, entity: EntityKind, name: &FieldRef) -> Option<&Field> {
        self.fields.iter().find(|field| {
            field.entity == entity
                && match name {
                    FieldRef::Id(id) => field.id == *id,
                    FieldRef::Code(code) => field.code.as_ref() == Some(code),
                }
        })
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its sub-domain: the first label of its host name.
    pub subdomain: String,
    /// Its name.
    pub name: String,
    /// When it was made (UTC).
    pub created_at: Moment,
    /// Country, two letters.
    #[serde(default = "default_country")]
    pub country: String,
    /// Currency, three letters.
    #[serde(default = "default_currency")]
    pub currency: String,
}

fn default_country() -> String {
    "US".to_owned()
}

fn default_currency() -> String {
    "USD".to_owned()
}

/// A pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its id.
    pub id: PipelineId,
    /// Its name.
    pub name: String,
    /// Its place among the account's pipelines, ascending.
    #[serde(default)]
    pub sort: u32,
    /// Whether adds without a pipeline come here.
    #[serde(default)]
    pub is_main: bool,
    /// Whether it is archived: then nothing can be added.
    #[serde(default)]
    pub is_archive: bool,
    /// Whether the stage of incoming leads is switched on. Default: yes.
    #[serde(default = "yes")]
    pub is_unsorted_on: bool,
    /// Its own statuses. "Won" and "lost" belong to every pipeline, listed or not.
    pub statuses: Vec<Status>,
}

const fn yes() -> bool {
    true
}

impl Pipeline {
    /// The stage in which incoming leads wait.
    #[must_use]
    pub fn unsorted_status(&self) -> Option<&Status> {
        self.statuses.iter().find(|status| status.kind == StatusKind::Unsorted)
    }

    /// The stage into which accept moves a lead when nothing is said: the first after "unsorted" (R8), never "won" or
    /// "lost".
    #[must_use]
    pub fn first_status(&self) -> Option<StatusId> {
        let open = self.statuses.iter().filter(|status| {
            status.kind == StatusKind::Ordinary && status.id != StatusId::WON && status.id != StatusId::LOST
        });
        open.min_by_key(|status| (status.sort, status.id)).map(|status| status.id)
    }

    /// Whether a lead can be accepted into this status: any of the pipeline's but "unsorted", and "won" and "lost" (R8).
    #[must_use]
    pub fn takes(&self, id: StatusId) -> bool {
        id == StatusId::WON
            || id == StatusId::LOST
            || self.statuses.iter().any(|status| status.id == id && status.kind == StatusKind::Ordinary)
    }
}

/// A stage of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Its id.
    pub id: StatusId,
    /// Its name.
    pub name: String,
    /// Its place in the pipeline, ascending.
    pub sort: u32,
    /// Whether it is the stage of incoming leads.
    #[serde(default)]
    pub kind: StatusKind,
    /// Colour, `#rrggbb`.
    #[serde(default = "default_color")]
    pub color: String,
}

fn default_color() -> String {
    "#fffeb2".to_owned()
}

/// The two kinds of stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusKind {
    /// The pipeline's own stage of incoming leads (`type: 1` on the wire).
    Unsorted,
    /// Any other (`type: 0`).
    #[default]
    Ordinary,
}

/// A user of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address, which is also the login of v2.
    pub email: String,
    /// Whether they may do anything at all. Default: yes.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// What they may do.
    pub rights: Rights,
}

/// What a user may do (R11).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rights {
    /// Lists, details, summaries.
    pub view: bool,
    /// Add calls and forms.
    pub add: bool,
    /// Accept and decline.
    pub sort: bool,
    /// Link; and everything else.
    pub administrate: bool,
}

impl Rights {
    /// No right.
    pub const NONE: Rights = Rights { view: false, add: false, sort: false, administrate: false };
    /// May view.
    pub const VIEWER: Rights = Rights { view: true, ..Rights::NONE };
    /// May view, add and sort, but not link.
    pub const SORTER: Rights = Rights { view: true, add: true, sort: true, administrate: false };
    /// May everything.
    pub const ADMINISTRATOR: Rights = Rights { view: true, add: true, sort: true, administrate: true };

    /// Whether this right is among them; an administrator has all.
    #[must_use]
    pub const fn permit(self, right: Right) -> bool {
        self.administrate
            || match right {
                Right::View => self.view,
                Right::Add => self.add,
                Right::Sort => self.sort,
                Right::Administrate => false,
            }
    }
}

/// One right (R11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// To see what waits.
    View,
    /// To add.
    Add,
    /// To accept and decline.
    Sort,
    /// To link.
    Administrate,
}

/// What custom fields, notes and links belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntityKind {
    /// A lead.
    Lead,
    /// A contact.
    Contact,
    /// A company.
    Company,
    /// A customer.
    Customer,
}

/// The definition of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its id.
    pub id: FieldId,
    /// What it is a field of.
    pub entity: EntityKind,
    /// Its name.
    pub name: String,
    /// Its code, such as `PHONE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its type as the wire names it: `text`, `multitext`, `checkbox`, `select` ... Default: `text`.
    #[serde(default = "default_field_type")]
    pub field_type: String,
    /// Its choices. Where there are none, any choice is kept as told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

fn default_field_type() -> String {
    "text".to_owned()
}

impl Field {
    /// Whether a value may name this choice (R16).
    #[must_use]
    pub fn has_choice(&self, name: &EnumRef) -> bool {
        self.choices.is_empty()
            || self.choices.iter().any(|choice| match name {
                EnumRef::Id(id) => choice.id == *id,
                EnumRef::Code(code) => choice.code.as_ref() == Some(code),
            })
    }
}

/// One choice of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its id.
    pub id: EnumId,
    /// Its text.
    pub value: String,
    /// Its code, such as `WORK`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A program of somebody's that acts for users who allowed it to: a client of OAuth 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Integration {
    /// Its id: a UUID, as the vendor makes them; any text is taken.
    pub client_id: String,
    /// Its secret.
    pub secret: Secret,
    /// Where its users are sent back to.
    pub redirect_uri: String,
    /// Its name.
    pub name: String,
}

/// Where the documents disagree and an account may choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policies {
    /// What happens to a second identical pending lead (R6).
    pub duplicates: DuplicatePolicy,
    /// What may be linked (R10).
    pub linkable: LinkPolicy,
    /// Which keys an add must have (R4).
    pub required: RequiredPolicy,
}

/// What happens to a second identical pending lead (R6).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicatePolicy {
    /// It is refused, naming the uid that is already there. Source: both v4 documents ("you will receive an error").
    #[default]
    Refuse,
    /// It is taken and both are tagged. Source: the vendor's newer page, as quoted in public.
    Tag,
}

/// What may be linked (R10).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPolicy {
    /// Chats only. Source: both v4 documents.
    #[default]
    Chats,
    /// Chats and mails. Source: the vendor's own client library.
    ChatsAndMail,
}

/// Which keys an add must have (R4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequiredPolicy {
    /// What every real client sends.
    #[default]
    Observed,
    /// What the documents' sentences say.
    Documented,
}
