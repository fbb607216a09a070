//! The v2 wire as its clients see it.

mod bad_inputs;
mod examples;
mod shape;
mod sign_in;
mod story;

use crate::raw::{Answer, Request, exchange};
use crate::world::{KEY, World};

/// The folder of all operations.
pub(crate) const LEADS: &str = "/api/v2/incoming_leads";
/// The login of the administrator of the v4 Kommo document's account.
pub(crate) const LOGIN: &str = "administrator@example.com";
/// A form, a chat and a call of that account that wait.
pub(crate) const FORM: &str = "5af9dedb6f2c6a29eaac6ee37fc75ffbb66e139e4603bdd0e14e39d4b319";
pub(crate) const CHAT: &str = "9ca097816a45770002e406db35e2a1945364d570b765332cef7a57289fc0";
pub(crate) const CALL: &str = "400c5eb65b9fa7bbfa813cf593b49d4942f325c7c3fbbcf3acf3bee79b63";

/// A target below the folder, with login and key in its query.
pub(crate) fn signed(login: &str, target: &str) -> String {
    let mark = if target.contains('?') { '&' } else { '?' };
    format!("{LEADS}{target}{mark}login={login}&api_key={KEY}")
}

pub(crate) fn get(target: &str) -> Request {
    Request::new("GET", signed(LOGIN, target))
}

/// A POST of what `http_build_query` would have written.
pub(crate) fn form(target: &str, body: impl Into<Vec<u8>>) -> Request {
    json(target, body).with("Content-Type", "application/x-www-form-urlencoded")
}

pub(crate) fn json(target: &str, body: impl Into<Vec<u8>>) -> Request {
    Request::new("POST", signed(LOGIN, target)).body(body)
}

/// The answer, on a connection of its own.
pub(crate) async fn ask(world: &World, request: Request) -> Answer {
    exchange(world.addr(), request.bytes()).await.expect("an answer")
}
