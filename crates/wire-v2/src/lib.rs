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
//! or a decline, [`problem`] is how errors are told.
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
pub mod list;
pub mod problem;
pub mod route;
pub mod sign_in;
pub mod sort;
pub mod summary;

pub use body::Encoding;
pub use call::{Call, HAL_JSON, RUNTIME_TIMESTAMP};
pub use list::BodiesNotTold;
pub use message::Failure;
pub use origin::{InvalidOrigin, Origin};
pub use problem::{Fault, Problem};
pub use sort::{Named, Sort, Sorted};
