//! The v2 wire of incoming leads, JSON and PHP-style forms: requests and responses without IO.
//!
//! One module per operation, each with both sides: `request` and `read_response` are a client's, `read_request` and
//! `response` are a server's. All are functions between the model and the types of [`http`]; nothing is sent here.
//!
//! | module | operation |
//! |---|---|
//! | [`add`] | `POST /api/v2/incoming_leads/sip` and `…/form` |
//! | [`accept`] | `POST /api/v2/incoming_leads/accept` |
//! | [`decline`] | `POST /api/v2/incoming_leads/decline` |
//! | [`list`] | `GET /api/v2/incoming_leads` |
//! | [`summary`] | `GET /api/v2/incoming_leads/summary` |
//! | [`sign_in`] | login and key, session, bearer token; `POST /private/api/auth.php` |
//!
//! [`route`] finds the operation of a method and a path, [`sort`] has the table of what becomes of each uid of an accept
//! or a decline, [`problem`] is how errors are told, [`fixtures`] are the examples of the document.
//!
//! ```
//! use http::{Method, Request};
//! use incoming_leads_model::{Channel, Moment, Receipt, Uid};
//! use incoming_leads_wire_v2::{Call, add, route};
//!
//! // A client of old sends what PHP's http_build_query wrote ...
//! let body = "add[0][source_name]=Site&add[0][source_uid]=a1&add%5B0%5D%5Bincoming_lead_info%5D%5Bform_id%5D=7";
//! let request = Request::post("/api/v2/incoming_leads/form/?login=ann@example.com&api_key=24db")
//!     .header("content-type", "application/x-www-form-urlencoded")
//!     .body(body)?;
//!
//! // ... a server finds out what is meant ...
//! assert_eq!(route::find(request.method(), request.uri().path())?, route::Route::Add(Channel::Forms));
//! let add = add::read_request(Channel::Forms, &request)?;
//! assert_eq!(add.items[0].source_name.as_deref(), Some("Site"));
//!
//! // ... and answers, without the key.
//! let call = Call::new(request.method(), request.uri(), Moment::from_secs(1_508_320_306)?);
//! let answer = add::response(&[Receipt::of(Uid::new("561a")?)], &call);
//! assert_eq!(answer.headers()["runtime-timestamp"], "1508320306");
//! let text = String::from_utf8(answer.into_body())?;
//! assert!(text.contains(r#""data":["561a"],"status":"success""#) && !text.contains("24db"), "{text}");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

//!
//! # Strict and tolerant
//!
//! What a server reads is checked and bounded while it is read: JSON as on v4 (one document in UTF-8, at most 32 levels,
//! no key twice in one object), forms with brackets that match, at most 16 levels, no name twice; neither makes more than
//! 50,000 values of a body. Then numbers may be texts and texts numbers, an empty list is an empty object, an object of
//! indices is a list, null is absent. A key may have any of the names that it has anywhere in the document or on v4; it is
//! written in one way. Unknown keys of entities and metadata are kept, others ignored.
//!
//! # What is lost
//!
//! From the model over the wire and back is the identity, but for this:
//!
//! - **Incoming lead**: account, `source_uid`, pipeline, `updated_at`; ids of its entities; `call_event` of a call.
//! - **Item of an add**: nothing; a form without `form_sent_at` gets its `created_at`, and the generation is v2.
//! - **Tags**: ids, where all of the entity's tags have names that one text can carry (not empty, no comma, no blanks at
//!   their ends).
//! - **Choice of a custom field**: a code of digits is an id; an empty one and `0` are none.
//! - **Receipt**: an add and a decline tell the uid alone, an accept also the ids of lead, contact and company.
//! - **Summary**: `declined`, `linked`. **Questions**: a filter by uid; a filter that can match nothing is not asked.
//! - **Further keys**: one that has a name that the wire knows, also that of another generation.
//! - **Metadata**: `uniq` null; a call note whose text reads as a flag is that flag.
//! - **As a form**, besides: null and empty lists and objects are left out; numbers are texts, true is `1` and false `0`;
//!   an object whose keys all are indices is a list; a key with brackets, and more than 16 levels, cannot be written.

mod body;
mod call;
mod entity;
mod form;
mod json;
mod message;
mod metadata;
mod origin;
mod path;
mod read;
mod write;

pub mod accept;
pub mod add;
pub mod decline;
pub mod fixtures;
pub mod list;
pub mod problem;
pub mod route;
pub mod sign_in;
pub mod sort;
pub mod summary;

pub use body::Encoding;
pub use call::{Call, HAL_JSON, RUNTIME_TIMESTAMP};
pub use list::BodiesNotTold;
pub use message::{Failure, TooLongToAsk};
pub use origin::{InvalidOrigin, Origin};
pub use problem::{Fault, Problem};
pub use sort::{Named, Sort, Sorted};
