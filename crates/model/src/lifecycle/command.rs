//! Who commands, where, when.

use crate::account::{Layout, Right, User};
use crate::fault::{Fault, FaultCode, Path, Refusal};
use crate::id::UserId;
use crate::moment::Moment;

/// Who asks, what the account looks like, and the moment: what every decision depends on beside its facts.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "every store fills it")]
pub struct Scene<'a> {
    /// The user on whose credentials the command came.
    pub caller: UserId,
    /// The account.
    pub layout: &'a Layout,
    /// Now (UTC).
    pub now: Moment,
}

impl Layout {
    /// Whether this user may do that (R11).
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] when the user lacks the right, is not active or not of the account.
    pub fn authorize(&self, user: UserId, right: Right) -> Result<(), Refusal> {
        match self.user(user) {
            Some(user) if user.is_active && user.rights.permit(right) => Ok(()),
            _ => Err(Refusal::Forbidden(right)),
        }
    }
}

impl Scene<'_> {
    /// The user whom the command names, else the caller (R7).
    pub(super) fn named(&self, user_id: Option<UserId>) -> Result<UserId, Fault> {
        let Some(named) = user_id else { return Ok(self.caller) };
        let active = self.layout.user(named).filter(|user| user.is_active).map(|user: &User| user.id);
        active.ok_or_else(|| {
            Fault::new(
                FaultCode::NotSupportedChoice,
                Path::of("user_id"),
                format!("{named} is no active user of the account"),
            )
        })
    }
}
