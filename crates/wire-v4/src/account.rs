//! The account, its users, pipelines, statuses and custom fields. Keys as observed on the vendor's v4.

use std::borrow::Cow;

use http::{Method, Request, Response};
use incoming_leads_model::{
    Account, Choice, EntityKind, Field, FieldId, Layout, Pipeline, PipelineId, Rights, Status, StatusId,
    StatusKind, User, UserId,
};
use serde::de::IgnoredAny;

use crate::convert::{each, id, moment, required, text};
use crate::document::{Flag, Text, Whole, document};
use crate::entity::folder;
use crate::message::{Failure, no_content, ok, request as build, success};
use crate::problem::ValidationError;
use crate::write::{Origin, Writer, push_number};

/// Client: asks for the account.
#[must_use]
pub fn account_request(origin: &Origin) -> Request<Vec<u8>> {
    build(Method::GET, origin, "/api/v4/account", None)
}

/// Client: asks for the pipelines.
#[must_use]
pub fn pipelines_request(origin: &Origin) -> Request<Vec<u8>> {
    build(Method::GET, origin, "/api/v4/leads/pipelines", None)
}

/// Client: asks for the users; a page of v4 holds 250.
#[must_use]
pub fn users_request(origin: &Origin) -> Request<Vec<u8>> {
    build(Method::GET, origin, "/api/v4/users?limit=250", None)
}

/// Client: asks for the custom fields of a kind of entity; a page of v4 holds 250.
#[must_use]
pub fn fields_request(kind: EntityKind, origin: &Origin) -> Request<Vec<u8>> {
    build(Method::GET, origin, &format!("/api/v4/{}/custom_fields?limit=250", folder(kind)), None)
}

/// Server: answers with the account, as `user` sees it.
///
/// One client indexes all of these keys without asking whether they are there.
#[must_use]
pub fn account_response(layout: &Layout, user: UserId, origin: &Origin) -> Response<Vec<u8>> {
    let Account { id, subdomain, name, created_at, country, currency } = &layout.account;
    ok(origin, |w| {
        w.object(|w| {
            w.field("id", id.get());
            w.field("name", name);
            w.field("subdomain", subdomain);
            w.field("created_at", *created_at);
            w.field("created_by", 0u64);
            w.field("updated_at", *created_at);
            w.field("updated_by", 0u64);
            w.field("current_user_id", user.get());
            w.field("country", country);
            w.field("currency", currency);
            w.field("customers_mode", "segments");
            w.field("is_unsorted_on", layout.pipelines.iter().any(|pipeline| pipeline.is_unsorted_on));
            w.field("mobile_feature_version", 0u64);
            w.field("is_loss_reason_enabled", false);
            w.field("is_helpbot_enabled", false);
            w.field("is_technical_account", false);
            w.field("contact_name_display_order", 1u64);
            w.self_link(|out| out.extend_from_slice(b"/api/v4/account"));
        });
    })
}

document! {
    struct AccountDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "subdomain" => subdomain: Text,
        "created_at" => created_at: Whole,
        "current_user_id" => current_user_id: Whole,
        "country" => country: Text,
        "currency" => currency: Text,
    }
}

/// Client: reads the answer with the account, and who asked.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_account<B: AsRef<[u8]>>(response: &Response<B>) -> Result<(Account, UserId), Failure> {
    let body = success(response)?.ok_or_else(|| Failure::Status(response.status()))?;
    let AccountDocument { id: number, name, subdomain, created_at, current_user_id, country, currency } =
        crate::json::decode(body)?;
    let account = Account {
        id: required("id", id("id", number)?)?,
        subdomain: required("subdomain", text(subdomain))?,
        name: required("name", text(name))?,
        created_at: required("created_at", moment("created_at", created_at)?)?,
        country: text(country).unwrap_or_default(),
        currency: text(currency).unwrap_or_default(),
    };
    Ok((account, required("current_user_id", id("current_user_id", current_user_id)?)?))
}

/// Server: answers with all pipelines.
#[must_use]
pub fn pipelines_response(layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    collection("/api/v4/leads/pipelines", "pipelines", &layout.pipelines, origin, |w, pipeline| {
        write_pipeline(w, pipeline, layout);
    })
}

/// Server: answers with a pipeline; 204 when there is none.
#[must_use]
pub fn pipeline_response(pipeline: PipelineId, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    match layout.pipeline(pipeline) {
        Some(pipeline) => ok(origin, |w| write_pipeline(w, pipeline, layout)),
        None => no_content(),
    }
}

/// Server: answers with the statuses of a pipeline; 204 when there is no such pipeline.
#[must_use]
pub fn statuses_response(pipeline: PipelineId, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    let Some(pipeline) = layout.pipeline(pipeline) else { return no_content() };
    let path = format!("/api/v4/leads/pipelines/{}/statuses", pipeline.id);
    collection(&path, "statuses", told_statuses(pipeline), origin, |w, status| {
        write_status(w, &status, pipeline, layout);
    })
}

/// Server: answers with a status of a pipeline; 204 when there is none.
#[must_use]
pub fn status_response(
    pipeline: PipelineId,
    status: StatusId,
    layout: &Layout,
    origin: &Origin,
) -> Response<Vec<u8>> {
    let pipeline = layout.pipeline(pipeline);
    let found = pipeline.and_then(|p| Some((p, told_statuses(p).into_iter().find(|own| own.id == status)?)));
    match found {
        Some((pipeline, status)) => ok(origin, |w| write_status(w, &status, pipeline, layout)),
        None => no_content(),
    }
}

/// Server: answers with all users.
#[must_use]
pub fn users_response(layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    collection("/api/v4/users", "users", &layout.users, origin, write_user)
}

/// Server: answers with a user; 204 when there is none.
#[must_use]
pub fn user_response(user: UserId, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    match layout.user(user) {
        Some(user) => ok(origin, |w| write_user(w, user)),
        None => no_content(),
    }
}

/// Server: answers with the custom fields of a kind of entity; 204 when there are none.
#[must_use]
pub fn fields_response(kind: EntityKind, layout: &Layout, origin: &Origin) -> Response<Vec<u8>> {
    let path = format!("/api/v4/{}/custom_fields", folder(kind));
    let fields: Vec<_> = fields_of(kind, layout).collect();
    if fields.is_empty() {
        return no_content();
    }
    collection(&path, "custom_fields", fields, origin, |w, (place, field)| {
        write_field(w, field, place, layout)
    })
}

/// Server: answers with a custom field of a kind of entity; 204 when there is none.
#[must_use]
pub fn field_response(
    kind: EntityKind,
    field: FieldId,
    layout: &Layout,
    origin: &Origin,
) -> Response<Vec<u8>> {
    match fields_of(kind, layout).find(|(_, own)| own.id == field) {
        Some((place, field)) => ok(origin, |w| write_field(w, field, place, layout)),
        None => no_content(),
    }
}

/// The custom fields of a kind of entity, each with its place, from 1.
fn fields_of(kind: EntityKind, layout: &Layout) -> impl Iterator<Item = (u64, &Field)> {
    (1..).zip(layout.fields.iter().filter(move |field| field.entity == kind))
}

/// A list that is told whole, on one page.
fn collection<T>(
    path: &str,
    key: &'static str,
    items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
    origin: &Origin,
    write: impl FnMut(&mut Writer<'_>, T),
) -> Response<Vec<u8>> {
    let items = items.into_iter();
    ok(origin, |w| {
        w.object(|w| {
            w.field("_total_items", items.len() as u64);
            w.field("_page", 1u64);
            w.field("_page_count", 1u64);
            w.self_link(|out| out.extend_from_slice(path.as_bytes()));
            w.key("_embedded");
            w.object(|w| {
                w.key(key);
                w.list(items, write);
            });
        });
    })
}

fn write_pipeline(w: &mut Writer<'_>, pipeline: &Pipeline, layout: &Layout) {
    let Pipeline { id, name, sort, is_main, is_archive, is_unsorted_on, statuses: _ } = pipeline;
    w.object(|w| {
        w.field("id", id.get());
        w.field("name", name);
        w.field("sort", u64::from(*sort));
        w.field("is_main", *is_main);
        w.field("is_unsorted_on", *is_unsorted_on);
        w.field("is_archive", *is_archive);
        w.field("account_id", layout.account.id.get());
        w.self_link(|out| push_pipeline_path(out, pipeline));
        w.key("_embedded");
        w.object(|w| {
            w.key("statuses");
            w.list(told_statuses(pipeline), |w, status| write_status(w, &status, pipeline, layout));
        });
    });
}

fn push_pipeline_path(out: &mut Vec<u8>, pipeline: &Pipeline) {
    out.extend_from_slice(b"/api/v4/leads/pipelines/");
    push_number(out, pipeline.id.get());
}

/// "Won" and "lost" as a pipeline has them that does not list its own: clients look up the status of a lead here.
fn closing() -> [Status; 2] {
    let closing = |id, name: &str, sort, color: &str| Status {
        id,
        name: name.to_owned(),
        sort,
        kind: StatusKind::Ordinary,
        color: color.to_owned(),
    };
    [
        closing(StatusId::WON, "Closed - won", 10_000, "#CCFF66"),
        closing(StatusId::LOST, "Closed - lost", 11_000, "#D5D8DB"),
    ]
}

/// The statuses of a pipeline, "won" and "lost" among them.
fn told_statuses(pipeline: &Pipeline) -> Vec<Cow<'_, Status>> {
    let own = &pipeline.statuses;
    let closing = closing().into_iter().filter(|closing| own.iter().all(|status| status.id != closing.id));
    own.iter().map(Cow::Borrowed).chain(closing.map(Cow::Owned)).collect()
}

fn write_status(w: &mut Writer<'_>, status: &Status, pipeline: &Pipeline, layout: &Layout) {
    let Status { id, name, sort, kind, color } = status;
    let (is_editable, number) = match kind {
        StatusKind::Unsorted => (false, 1u64),
        StatusKind::Ordinary => (![StatusId::WON, StatusId::LOST].contains(id), 0),
    };
    w.object(|w| {
        w.field("id", id.get());
        w.field("name", name);
        w.field("sort", u64::from(*sort));
        w.field("is_editable", is_editable);
        w.field("pipeline_id", pipeline.id.get());
        w.field("color", color);
        w.field("type", number);
        w.field("account_id", layout.account.id.get());
        w.self_link(|out| {
            push_pipeline_path(out, pipeline);
            out.extend_from_slice(b"/statuses/");
            push_number(out, id.get());
        });
    });
}

/// The rights of the vendor are finer than ours: a right that we have is `A` (all), one that we lack is `D` (denied).
fn write_user(w: &mut Writer<'_>, user: &User) {
    let User { id, name, email, is_active, rights } = user;
    let level = |permitted: bool| if permitted { "A" } else { "D" };
    let Rights { view, add, sort, administrate } = *rights;
    let write_levels = |w: &mut Writer<'_>, key| {
        w.key(key);
        w.object(|w| {
            w.field("view", level(view || administrate));
            w.field("edit", level(sort || administrate));
            w.field("add", level(add || administrate));
            w.field("delete", level(sort || administrate));
            w.field("export", level(administrate));
        });
    };
    w.object(|w| {
        w.field("id", id.get());
        w.field("name", name);
        w.field("email", email);
        w.field("lang", "en");
        w.key("rights");
        w.object(|w| {
            write_levels(w, "leads");
            write_levels(w, "contacts");
            write_levels(w, "companies");
            w.key("tasks");
            w.object(|w| {
                w.field("edit", level(administrate));
                w.field("delete", level(administrate));
            });
            w.field("mail_access", administrate);
            w.field("catalog_access", administrate);
            // One client takes nothing but a list here.
            w.key("status_rights");
            w.list([(); 0], |_, ()| ());
            w.field("is_admin", administrate);
            w.field("is_free", false);
            w.field("is_active", *is_active);
            w.key("group_id");
            w.null();
            w.key("role_id");
            w.null();
        });
        w.self_link(|out| {
            out.extend_from_slice(b"/api/v4/users/");
            push_number(out, id.get());
        });
    });
}

fn write_field(w: &mut Writer<'_>, field: &Field, place: u64, layout: &Layout) {
    let Field { id, entity, name, code, field_type, choices } = field;
    w.object(|w| {
        w.field("id", id.get());
        w.field("name", name);
        w.field("sort", place);
        w.field("type", field_type);
        w.field("account_id", layout.account.id.get());
        w.field("code", code.as_ref());
        w.field("entity_type", folder(*entity));
        w.key("enums");
        if choices.is_empty() {
            w.null();
        } else {
            w.list((1u64..).zip(choices), |w, (place, Choice { id, value, code })| {
                w.object(|w| {
                    w.field("id", id.get());
                    w.field("value", value);
                    w.field("sort", place);
                    w.field("code", code.as_ref());
                });
            });
        }
        w.self_link(|out| {
            out.extend_from_slice(format!("/api/v4/{}/custom_fields/", folder(*entity)).as_bytes());
            push_number(out, id.get());
        });
    });
}

macro_rules! collection_document {
    ($List:ident, $Items:ident, $key:literal, $Document:ty) => {
        document! {
            struct $List {
                "_embedded" => embedded: $Items,
            }
        }

        document! {
            struct $Items {
                $key => items: Vec<$Document>,
            }
        }
    };
}

collection_document!(PipelinesDocument, PipelineItems, "pipelines", PipelineDocument);
collection_document!(UsersDocument, UserItems, "users", UserDocument);
collection_document!(FieldsDocument, FieldItems, "custom_fields", DefinitionDocument);

document! {
    struct PipelineDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "sort" => sort: Whole,
        "is_main" => is_main: Flag,
        "is_unsorted_on" => is_unsorted_on: Flag,
        "is_archive" => is_archive: Flag,
        "account_id" => account_id: IgnoredAny,
        "_embedded" => embedded: StatusesDocument,
    }
}

document! {
    struct StatusesDocument {
        "statuses" => statuses: Vec<StatusDocument>,
    }
}

document! {
    struct StatusDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "sort" => sort: Whole,
        "color" => color: Text,
        "type" => kind: Whole,
    }
}

document! {
    struct UserDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "email" => email: Text,
        "rights" => rights: RightsDocument,
    }
}

document! {
    struct RightsDocument {
        "leads" => leads: LevelsDocument,
        "is_admin" => is_admin: Flag,
        "is_active" => is_active: Flag,
    }
}

document! {
    struct LevelsDocument {
        "view" => view: Text,
        "edit" => edit: Text,
        "add" => add: Text,
    }
}

document! {
    struct DefinitionDocument {
        "id" => id: Whole,
        "name" => name: Text,
        "type" => field_type: Text,
        "code" => code: Text,
        "enums" => enums: Vec<ChoiceDocument>,
    }
}

document! {
    struct ChoiceDocument {
        "id" => id: Whole,
        "value" => value: Text,
        "code" => code: Text,
    }
}

/// Client: reads the answer with the pipelines. A name that is null is empty; a `type` of 1 is the stage of incoming
/// leads; "won" and "lost" as our server adds them to every pipeline are not listed.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_pipelines<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Vec<Pipeline>, Failure> {
    let Some(body) = success(response)? else { return Ok(Vec::new()) };
    let PipelinesDocument { embedded } = crate::json::decode(body)?;
    let PipelineItems { items } = required("_embedded", embedded)?;
    let closing = closing();
    Ok(each("_embedded.pipelines", items, |document| {
        let PipelineDocument {
            id: number,
            name,
            sort,
            is_main,
            is_unsorted_on,
            is_archive,
            account_id: _,
            embedded,
        } = document;
        let mut statuses = each("_embedded.statuses", embedded.unwrap_or_default().statuses, read_status)?;
        statuses.retain(|status| !closing.contains(status));
        Ok(Pipeline {
            id: required("id", id("id", number)?)?,
            name: text(name).unwrap_or_default(),
            sort: place(sort),
            is_main: is_main == Some(Flag(true)),
            is_archive: is_archive == Some(Flag(true)),
            is_unsorted_on: is_unsorted_on != Some(Flag(false)),
            statuses,
        })
    })?)
}

fn read_status(document: StatusDocument) -> Result<Status, ValidationError> {
    let StatusDocument { id: number, name, sort, color, kind } = document;
    Ok(Status {
        id: required("id", id("id", number)?)?,
        name: text(name).unwrap_or_default(),
        sort: place(sort),
        kind: if kind == Some(Whole(1)) { StatusKind::Unsorted } else { StatusKind::Ordinary },
        color: text(color).unwrap_or_default(),
    })
}

fn place(sort: Option<Whole>) -> u32 {
    sort.map_or(0, |Whole(sort)| u32::try_from(sort).unwrap_or(u32::MAX))
}

/// Client: reads the answer with the users. Any level but `D` (denied) permits.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_users<B: AsRef<[u8]>>(response: &Response<B>) -> Result<Vec<User>, Failure> {
    let Some(body) = success(response)? else { return Ok(Vec::new()) };
    let UsersDocument { embedded } = crate::json::decode(body)?;
    let UserItems { items } = required("_embedded", embedded)?;
    Ok(each("_embedded.users", items, |document| {
        let UserDocument { id: number, name, email, rights } = document;
        let RightsDocument { leads, is_admin, is_active } = rights.unwrap_or_default();
        let LevelsDocument { view, edit, add } = leads.unwrap_or_default();
        let permits = |level: Option<Text>| level.is_some_and(|Text(level)| level != "D");
        Ok(User {
            id: required("id", id("id", number)?)?,
            name: text(name).unwrap_or_default(),
            email: text(email).unwrap_or_default(),
            is_active: is_active != Some(Flag(false)),
            rights: Rights {
                view: permits(view),
                add: permits(add),
                sort: permits(edit),
                administrate: is_admin == Some(Flag(true)),
            },
        })
    })?)
}

/// Client: reads the answer with the custom fields of a kind of entity.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read.
pub fn read_fields<B: AsRef<[u8]>>(kind: EntityKind, response: &Response<B>) -> Result<Vec<Field>, Failure> {
    let Some(body) = success(response)? else { return Ok(Vec::new()) };
    let FieldsDocument { embedded } = crate::json::decode(body)?;
    let FieldItems { items } = required("_embedded", embedded)?;
    Ok(each("_embedded.custom_fields", items, |document| {
        let DefinitionDocument { id: number, name, field_type, code, enums } = document;
        Ok(Field {
            id: required("id", id("id", number)?)?,
            entity: kind,
            name: text(name).unwrap_or_default(),
            code: text(code),
            field_type: required("type", text(field_type))?,
            choices: each("enums", enums, |document| {
                let ChoiceDocument { id: number, value, code } = document;
                Ok(Choice {
                    id: required("id", id("id", number)?)?,
                    value: text(value).unwrap_or_default(),
                    code: text(code),
                })
            })?,
        })
    })?)
}
