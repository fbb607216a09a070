//! Tokens as a person hands them over: by the environment, or on the command line, where others see them.

use std::io::{self, Write as _};

use crate::Failure;

/// The variable that holds a token.
pub(crate) const VARIABLE: &str = "INCOMING_LEADS_TOKEN";

/// The token that was handed over: `flag` is what the command line says, which goes before the environment.
///
/// Errors never repeat it. One of the command line is warned of.
pub(crate) fn given(flag: Option<String>) -> Result<Option<String>, Failure> {
    let (token, place) = match (flag, std::env::var_os(VARIABLE)) {
        (Some(token), _) => {
            // When nobody listens there is nobody left to warn.
            let _ = writeln!(io::stderr(), "incoming-leads: {WARNING}");
            (token, "--token")
        }
        // What is not Unicode has none of the characters of a token either.
        (None, Some(token)) => (token.into_string().unwrap_or_default(), VARIABLE),
        (None, None) => return Ok(None),
    };
    match is_sendable(&token) {
        true => Ok(Some(token)),
        false => Err(Failure::Usage(format!("the token of {place} is none: a token has {FORM}"))),
    }
}

const WARNING: &str = "warning: whoever lists the processes of this machine sees a token on the command line; set \
     INCOMING_LEADS_TOKEN instead";

/// What a token looks like, for people.
pub(crate) const FORM: &str = "1 to 4096 characters of A-Z a-z 0-9 - . _ ~ + / =";

/// Whether `Authorization: Bearer` can carry it. Source: RFC 6750, section 2.1 (b64token).
pub(crate) fn is_sendable(token: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (1..=4096).contains(&token.len()) && token.bytes().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::is_sendable;

    #[test]
    fn a_token_is_what_a_header_and_a_shell_can_carry() {
        assert!(is_sendable("demo") && is_sendable("eyJh.eyJz-_~+/=") && is_sendable(&"a".repeat(4096)));
        for bad in ["", "a b", "it's", "$HOME", "a\n", "ä", "\0", &"a".repeat(4097)] {
            assert!(!is_sendable(bad), "{bad:?}");
        }
    }
}
