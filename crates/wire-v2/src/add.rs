//! `POST /api/v2/incoming_leads/sip` and `…/form`: calls and forms come in.

use http::{Request, Response};
use incoming_leads_model::limits::MAX_BATCH_ITEMS;
use incoming_leads_model::{Add, Channel, Draft, Generation, Metadata, Receipt, Uid};
use serde_json::Value;

use crate::body::{self, Encoding};
use crate::call::Call;
use crate::entity::{read_company, read_contact, read_lead, write_company, write_contact, write_lead};
use crate::message::{Failure, answered, command};
use crate::metadata;
use crate::origin::Origin;
use crate::path::{ENTITIES, INFO};
use crate::problem::{Fault, Problem, code};
use crate::read::{Object, list, text};
use crate::route::FOLDER;
use crate::write::{Fields, Side, secs};

/// Server: reads the command. The address decides the category, whatever else the items say.
///
/// # Errors
/// 400 with what is wrong, item by item; 415 when the body is neither JSON nor a form.
pub fn read_request<B: AsRef<[u8]>>(channel: Channel, request: &Request<B>) -> Result<Add, Problem> {
    let mut body = body::read(request)?;
    let items = body.list_if_there(&["add"])?.ok_or_else(|| Fault::missing("add"))?;
    if items.len() > MAX_BATCH_ITEMS {
        let detail = format!("{} items, at most {MAX_BATCH_ITEMS} are taken at once", items.len());
        return Err(Fault::new(code::TOO_MANY, "add", detail).into());
    }
    let (mut drafts, mut faults) = (Vec::with_capacity(items.len()), Vec::new());
    for (path, item) in items {
        match Object::at(path, item).and_then(|item| read_item(channel, item)) {
            Ok(draft) => drafts.push(draft),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(Problem::invalid(faults));
    }
    Ok(Add { channel, generation: Generation::V2, items: drafts })
}

/// An item. Keys that nobody knows are ignored.
fn read_item(channel: Channel, mut item: Object) -> Result<Draft, Fault> {
    let created_at = item.moment(&["created_at", "date_create"])?;
    let info = item.object(&[INFO])?;
    let mut metadata = info.map(|info| metadata::read(channel.category(), info)).transpose()?;
    // The vendor tells two forms apart by their `created_at`; the model does so by the moment of sending (R6).
    if let Some(Metadata::Forms(form)) = &mut metadata {
        form.form_sent_at = form.form_sent_at.or(created_at);
    }
    let mut entities = match item.object(&[ENTITIES])? {
        Some(entities) => entities,
        None => Object::lenient(Value::Null),
    };
    Ok(Draft {
        source_name: item.text(&["source_name"])?,
        source_uid: item.text(&["source_uid"])?,
        pipeline_id: item.id(&["pipeline_id"])?,
        created_at,
        metadata,
        leads: entities.objects(&["leads"], read_lead)?,
        contacts: entities.objects(&["contacts"], read_contact)?,
        companies: entities.objects(&["companies"], read_company)?,
    })
}

/// Client: commands.
#[must_use]
pub fn request(add: &Add, encoding: Encoding, origin: &Origin) -> Request<Vec<u8>> {
    let Add { channel, generation: _, items } = add;
    let mut fields = Fields::new();
    fields.put("add", items.iter().map(write_item).collect::<Vec<_>>());
    let place = match channel {
        Channel::Sip => "sip",
        Channel::Forms => "form",
    };
    command(origin, &format!("{FOLDER}/{place}"), fields, encoding)
}

fn write_item(draft: &Draft) -> Value {
    let Draft { source_name, source_uid, pipeline_id, created_at, metadata, leads, contacts, companies } =
        draft;
    let mut fields = Fields::new();
    fields.put_some("source_name", source_name.as_deref());
    fields.put_some("source_uid", source_uid.as_deref());
    fields.put_some("pipeline_id", pipeline_id.map(|id| id.get()));
    fields.put_some("created_at", created_at.map(secs));
    fields.put_some(INFO, metadata.as_ref().map(|metadata| metadata::write(metadata, Side::Sent)));
    let mut entities = Fields::new();
    entities.put_list("leads", leads, |lead| write_lead(lead, Side::Sent));
    entities.put_list("contacts", contacts, |contact| write_contact(contact, Side::Sent));
    entities.put_list("companies", companies, |company| write_company(company, Side::Sent));
    fields.put(ENTITIES, entities);
    fields.into()
}

/// Server: answers with the uids, in the order of the items.
#[must_use]
pub fn response(receipts: &[Receipt], call: &Call) -> Response<Vec<u8>> {
    let mut fields = Fields::new();
    fields.put("status", "success");
    fields.put("data", receipts.iter().map(|receipt| receipt.uid.as_str()).collect::<Vec<_>>());
    call.answer(fields)
}

/// Client: reads the answer, in the order of the items. v2 tells uids and nothing else.
///
/// # Errors
/// What the server refused, or what of its answer cannot be read, also when it has not one uid for each of `sent`.
pub fn read_response<B: AsRef<[u8]>>(sent: usize, response: &Response<B>) -> Result<Vec<Receipt>, Failure> {
    let mut answer = answered(response)?;
    let (path, data) = answer.take(&["data"]).ok_or_else(|| Fault::missing("data"))?;
    let uids = match data {
        only @ Value::String(_) => vec![(path, only)],
        data => list(&path, data)?,
    };
    if uids.len() != sent {
        let detail = format!("{sent} items were sent, the answer has {}", uids.len());
        return Err(Fault::new(code::INVALID_TYPE, "data", detail).into());
    }
    let receipts = uids.into_iter().map(|(path, uid)| {
        let uid = Uid::new(&text(path.clone(), uid)?);
        uid.map(Receipt::of).map_err(|error| Fault::new(code::INVALID_TYPE, path, error.to_string()))
    });
    Ok(receipts.collect::<Result<_, _>>()?)
}
