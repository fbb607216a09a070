//! The v4 JSON wire of incoming leads: requests and responses without IO.

mod body;
mod convert;
mod document;
mod item;
mod json;
mod message;
mod metadata;
mod receipt;
mod write;

pub mod accept;
pub mod account;
pub mod add;
pub mod decline;
pub mod entity;
pub mod fixtures;
pub mod get;
pub mod link;
pub mod list;
pub mod problem;
pub mod query;
pub mod route;
pub mod summary;

pub use item::fragment;
pub use message::{Failure, HAL_JSON, JSON, TooLongToAsk, no_content};
pub use problem::{ItemErrors, PROBLEM_JSON, Problem, ValidationError};
pub use receipt::unknown_uid;
pub use write::{Fragment, InvalidOrigin, Origin};
